"""Numbers against the angle of the track and against the energy in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation
from zoo_dnn_roi.drawings.styles import Style, legend, styles_of

__all__ = [
    "ANGLE",
    "AXES",
    "CHARGE",
    "SHOWER",
    "VISIBLE",
    "WIRE_CELL",
    "BinAxis",
    "Panels",
    "against",
    "columns",
    "in_bins",
]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Panels:
    """What one figure shows, one panel a number.

    Attributes:
        suffix: Of the figure's name.
        numbers: Name, label, and its perfect value.
        text: What the caption says of them.
    """

    suffix: str
    numbers: tuple[tuple[str, str, float], ...]
    text: str


CHARGE = Panels(
    suffix="",
    numbers=(
        ("E", "charge error E", 0),
        ("bias", "charge bias [%]", 0),
        ("resolution", "charge resolution [%]", 0),
        ("inefficiency", "inefficiency: no charge [%]", 0),
        ("weak channels", "weak: less than 10 % of it [%]", 0),
        ("ROI efficiency", "ROI efficiency [%]", 100),
        ("ROI purity", "ROI purity [%]", 100),
        ("Dice", "Dice of pixels [%]", 100),
    ),
    text="Charge in the regions of interest, and the regions",
)
WIRE_CELL = Panels(
    suffix="-definitions",
    numbers=(
        ("bias", "bias: Q$_r$/Q$_t$ - 1 [%]", 0),
        ("ssss bias", "ssss bias: 1 - Q$_r$/Q$_t$ [%]", 0),
        ("resolution", "resolution [%]", 0),
        ("ssss resolution", "ssss resolution [%]", 0),
        ("inefficiency", "inefficiency in the window [%]", 0),
        ("ssss inefficiency", "ssss inefficiency [%]", 0),
        ("unwindowed bias", "bias, whole readout [%]", 0),
        ("unwindowed inefficiency", "inefficiency, whole readout [%]", 0),
    ),
    text="One quantity a line, by its definitions: the published one on the left and that of "
    "Wire-Cell's test ssss on the right, whose bias has the opposite sign; in the last line, with "
    "charge of the whole readout counted as found",
)
SHOWER = Panels(
    suffix="-showers",
    numbers=(
        ("start bias", "charge bias on the first 42 wires [%]", 0),
        ("shower angle", "direction: 68 % are closer than [deg]", 0),
    ),
    text="Showers: charge on the first 42 wires from the vertex, and the angle between the "
    "principal axes of reconstructed and true charge about the vertex",
)
_SPREAD = 0.7  # of a bin: the error bars of all models beside one another


@dataclass(frozen=True, kw_only=True)
class BinAxis:
    """A binned column of the metrics as the axis of a figure.

    Attributes:
        column: Its name.
        drawing: Name of the figure.
        label, unit: What stands on the axis.
        text: What the column is, for the caption.
    """

    column: str
    drawing: str
    label: str
    unit: str
    text: str


ANGLE = BinAxis(
    column="theta_xz",
    drawing="angles",
    label=r"$\theta_{xz}$",
    unit="deg",
    text="the angle of the track to the wire plane",
)
VISIBLE = BinAxis(
    column="energy",
    drawing="energies",
    label="visible energy in the plane",
    unit="MeV",
    text="the energy of muons that leaves the true charge of the plane",
)
SHOWER_ENERGY = BinAxis(
    column="shower_energy",
    drawing="shower-energies",
    label="energy of the shower",
    unit="MeV",
    text="the energy of the electron that makes the shower",
)
AXES = (ANGLE, VISIBLE, SHOWER_ENERGY)


def in_bins(evaluation: Evaluation, axis: BinAxis, name: str) -> list[BinnedNumber]:
    """One number in every bin of an axis."""
    return [n for n in evaluation.numbers if n.column == axis.column and n.number.name == name]


def columns(name: str, points: Sequence[BinnedNumber], unit: str) -> dict[str, Float64Array]:
    """The table of one number: bins, values, intervals and events."""
    return {
        f"{name} {what}".strip(): np.array(values, dtype=np.float64)
        for what, values in (
            (f"from {unit}", [point.lower for point in points]),
            (f"to {unit}", [point.upper for point in points]),
            ("", [point.number.value for point in points]),
            ("low", [point.low for point in points]),
            ("high", [point.high for point in points]),
            ("events", [point.groups for point in points]),
        )
    }


def against(evaluations: Sequence[Evaluation], axis: BinAxis, panels: Panels = CHARGE) -> Drawing:
    """Some numbers of every model against one axis."""
    lines = -(-len(panels.numbers) // 2)
    figure = Figure(figsize=(8.4, 0.7 + 2.7 * lines), layout="constrained")
    styles = styles_of(evaluations)
    edges = _edges(evaluations, axis)
    count = len(evaluations)
    shifts = _SPREAD / max(count, 4) * (np.arange(count) - (count - 1) / 2)
    data: dict[str, Float64Array] = {}
    places = figure.subplots(lines, 2, squeeze=False).ravel()
    for place, (name, label, perfect) in zip(places, panels.numbers, strict=True):
        for one, shift in zip(evaluations, shifts, strict=True):
            points = in_bins(one, axis, name)
            where = np.searchsorted(edges, [point.lower for point in points]) + 0.5 + shift
            _error_bars(place, where, points, styles[one.model])
            data |= columns(f"{one.model} {name}", points, axis.unit)
        place.set_xticks(np.arange(len(edges)), [f"{edge:g}" for edge in edges])
        place.set(ylabel=label, xlabel=f"{axis.label} [{axis.unit}]")
        place.axhline(perfect, color="0.7", linewidth=0.8, zorder=0)
        place.grid(alpha=0.3)
    legend(figure)
    return Drawing(
        name=f"{axis.drawing}{panels.suffix}",
        caption=f"{panels.text}, against {axis.text}, in the bins that the grid shows, drawn "
        "equally wide; bars are 95 % intervals over events. The oracle is what a perfect mask "
        "would reach.",
        figure=figure,
        data=data,
    )


def _edges(evaluations: Sequence[Evaluation], axis: BinAxis) -> Float64Array:
    """The edges of all bins with events."""
    found = {
        edge
        for one in evaluations
        for number in one.numbers
        if number.column == axis.column
        for edge in (number.lower, number.upper)
    }
    return np.array(sorted(found), dtype=np.float64)


def _error_bars(
    axes: Axes, where: Float64Array, points: Sequence[BinnedNumber], style: Style
) -> None:
    value = np.array([point.number.value for point in points])
    below = value - np.array([point.low for point in points])
    above = np.array([point.high for point in points]) - value
    bars = np.nan_to_num(np.maximum(np.array([below, above]), 0))  # no bar where undefined
    axes.errorbar(
        where,
        value,
        yerr=bars,
        capsize=2,
        linewidth=1,
        markersize=4,
        label=style.label,
        **style.strokes,
    )
