"""Figures of DNN-ROI: numbers against the angle of the track, efficiency and purity, displays.

An event display shows wires from left to right and time upwards, as in LArTPC publications.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation, Figures, Table

__all__ = ["RoiFigures"]

Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, distinguishable for the colour-blind."""
_MARKERS = "osD^vP"
_PANELS = (
    ("E", "charge error E"),
    ("bias", "charge bias [%]"),
    ("resolution", "charge resolution [%]"),
    ("inefficiency", "inefficiency: no charge [%]"),
    ("weak channels", "weak: less than 10 % of it [%]"),
)
_MARGIN = (15, 120)  # wires, ticks around true charge in a display
_TICKS = 800  # pixels of a display along time; more ticks are averaged
_MIP_PEAK = 3000.0  # e-/tick, the scale of a display without true charge
_ANGLE = "theta_xz"
_DECONVOLVED = "deconvolved, no regions"


class RoiFigures(Figures):
    """Numbers against theta_xz, pixel efficiency and purity, and event displays."""

    needs: ClassVar[frozenset[str]] = frozenset({"truth", "decon_charge", "plane", "theta_xz"})
    displays: ClassVar[int] = 4

    def draw(
        self,
        evaluations: Mapping[str, Evaluation],
        samples: Table | None,
        predictions: Mapping[str, Table],
    ) -> Iterable[Drawing]:
        """All figures; those against the angle only where samples have one."""
        measured = [one for one in evaluations.values() if one.rows is not None]
        if any(number.column for one in measured for number in one.numbers):
            yield _angles(measured)
            yield _efficiency_purity(measured)
        if samples is not None and "truth" in samples:
            shown = {one.model: predictions[one.model]["charge"] for one in measured}
            for row in range(samples.rows):
                charges = {name: charge[row] for name, charge in shown.items()}
                yield _display(samples, charges, row, _styles(measured))


@dataclass(frozen=True)
class _Style:
    """How a model is drawn in every figure."""

    label: str
    colour: str
    line: Literal["-", "--", ":"]
    marker: str


def _styles(evaluations: Sequence[Evaluation]) -> dict[str, _Style]:
    """Style by model: networks in colour, baselines black, oracles grey."""
    styles: dict[str, _Style] = {}
    for number, one in enumerate(evaluations):
        marker = _MARKERS[number % len(_MARKERS)]
        if one.role == "baseline":
            styles[one.model] = _Style(f"{one.model} (baseline)", "black", "--", marker)
        elif one.role == "oracle":
            styles[one.model] = _Style(f"{one.model} (oracle)", "0.55", ":", marker)
        else:
            colour = _COLOURS[number % len(_COLOURS)]
            styles[one.model] = _Style(one.model, colour, "-", marker)
    return styles


def _binned(evaluation: Evaluation, name: str) -> list[BinnedNumber]:
    """One number in every bin of the angle."""
    return [n for n in evaluation.numbers if n.column == _ANGLE and n.number.name == name]


def _angles(evaluations: Sequence[Evaluation]) -> Drawing:
    figure = Figure(figsize=(8.4, 9.2), layout="constrained")
    axes = figure.subplots(3, 2).ravel()
    styles = _styles(evaluations)
    data: dict[str, Float64Array] = {}
    for place, (name, label) in zip(axes, _PANELS, strict=False):
        for number, one in enumerate(evaluations):
            points = _binned(one, name)
            shift = 1.2 * (number - (len(evaluations) - 1) / 2)  # error bars beside one another
            _error_bars(place, points, shift, styles[one.model])
            data |= _columns(f"{one.model} {name}", points)
            place.set_xticks(sorted({p.lower for p in points} | {p.upper for p in points}))
        place.set(ylabel=label, xlabel=r"$\theta_{xz}$ [deg]")
        place.axhline(0, color="0.7", linewidth=0.8, zorder=0)
        place.grid(alpha=0.3)
    axes[5].axis("off")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[5].legend(handles, labels, loc="center", frameon=False)
    return Drawing(
        name="angles",
        caption="Charge in the regions of interest against the angle of the track to the wire "
        "plane, in the bins that the grid shows; bars are 95 % intervals over events. The oracle "
        "is what a perfect mask would reach.",
        figure=figure,
        data=data,
    )


def _error_bars(axes: Axes, points: Sequence[BinnedNumber], shift: float, style: _Style) -> None:
    centre = np.array([(point.lower + point.upper) / 2 for point in points]) + shift
    value = np.array([point.number.value for point in points])
    below = value - np.array([point.low for point in points])
    above = np.array([point.high for point in points]) - value
    bars = np.nan_to_num(np.maximum(np.array([below, above]), 0))  # no bar where undefined
    axes.errorbar(
        centre,
        value,
        yerr=bars,
        capsize=2.5,
        linewidth=1.1,
        markersize=4.5,
        color=style.colour,
        linestyle=style.line,
        marker=style.marker,
        label=style.label,
    )


def _columns(name: str, points: Sequence[BinnedNumber]) -> dict[str, Float64Array]:
    return {
        f"{name} {what}".strip(): np.array(values, dtype=np.float64)
        for what, values in (
            ("from deg", [point.lower for point in points]),
            ("to deg", [point.upper for point in points]),
            ("", [point.number.value for point in points]),
            ("low", [point.low for point in points]),
            ("high", [point.high for point in points]),
            ("events", [point.groups for point in points]),
        )
    }


def _efficiency_purity(evaluations: Sequence[Evaluation]) -> Drawing:
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    styles = _styles(evaluations)
    data: dict[str, Float64Array] = {}
    for one in evaluations:
        efficiency, purity = (_binned(one, f"pixel {name}") for name in ("efficiency", "purity"))
        data |= _columns(f"{one.model} efficiency", efficiency)
        data |= _columns(f"{one.model} purity", purity)
        x, y = ([point.number.value for point in points] for points in (efficiency, purity))
        style = styles[one.model]
        axes.plot(
            x,
            y,
            linewidth=0.9,
            markersize=4.5,
            color=style.colour,
            linestyle=style.line,
            marker=style.marker,
            label=style.label,
        )
        for point, at in zip(efficiency, zip(x, y, strict=True), strict=True):
            ends = (efficiency[0], efficiency[-1])
            if one.role != "oracle" and point in ends and np.isfinite(at).all():
                text = f"{point.lower:.0f} to {point.upper:.0f}°"
                axes.annotate(
                    text, at, xytext=(0, -12), textcoords="offset points", fontsize=7.5, ha="center"
                )
    axes.set(xlabel="pixel efficiency [%]", ylabel="pixel purity [%]", xlim=(0, 104), ylim=(0, 104))
    axes.grid(alpha=0.25)
    figure.legend(fontsize=8.5, loc="outside upper center", ncols=2, frameon=False)
    return Drawing(
        name="efficiency-purity",
        caption="Share of true pixels (10 ticks of a wire) that are found, and share of found "
        "pixels that are true, one point per bin of the angle; the first and last are labelled.",
        figure=figure,
        data=data,
    )


def _display(
    samples: Table,
    charges: Mapping[str, Float32Array],
    row: int,
    styles: Mapping[str, _Style],
) -> Drawing:
    truth = samples["truth"][row]
    wires, ticks = _box(truth)
    whole = {"truth": truth, _DECONVOLVED: samples["decon_charge"][row], **charges}
    images = {label: image[wires, ticks] for label, image in whole.items()}
    name, title = _title(samples, row)
    columns = 2 if len(images) in (2, 4) else 3
    height = 2.9 * -(-len(images) // columns)
    figure = Figure(figsize=(9.0, height + 2.4), layout="constrained")
    figure.suptitle(title)
    halves = figure.subfigures(2, 1, squeeze=False, height_ratios=[height, 2.2])
    _images(halves[0, 0], images, columns, (wires.start, ticks.start))
    wire = np.arange(wires.start, wires.stop, dtype=np.float64)
    profiles = {label: image.sum(1, dtype=np.float64) for label, image in images.items()}
    _profile(halves[1, 0].subplots(), wire, profiles, styles)
    return Drawing(
        name=f"display-{row + 1}-{name}",
        caption="Charge on the (wire, tick) plane around the true charge, one colour scale for "
        "all; below, charge summed over these ticks. The table holds the charge of every wire.",
        figure=figure,
        data={"wire": wire} | {f"{label} [e-]": charge for label, charge in profiles.items()},
    )


def _title(samples: Table, row: int) -> tuple[str, str]:
    plane = "UVW"[int(samples["plane"][row])]
    angle = float(samples[_ANGLE][row]) if _ANGLE in samples else float("nan")
    if np.isnan(angle):
        return f"{plane}-cosmics", f"plane {plane}, cosmics"
    return f"{plane}-{abs(angle):.0f}deg", rf"plane {plane}, $\theta_{{xz}}$ = {angle:.0f}°"


def _box(truth: Float32Array) -> tuple[slice, slice]:
    """Wires and ticks around true charge; everything where there is none."""
    found = []
    for axis, margin in zip((1, 0), _MARGIN, strict=True):
        size = truth.shape[1 - axis]
        where = np.flatnonzero((truth > 0).any(axis=axis))
        start, stop = (where[0], where[-1] + 1) if len(where) else (0, size)
        found.append(slice(max(int(start) - margin, 0), min(int(stop) + margin, size)))
    return found[0], found[1]


def _images(
    figure: SubFigure, images: Mapping[str, Float32Array], columns: int, first: tuple[int, int]
) -> None:
    truth = images["truth"]
    top = float(np.percentile(truth[truth > 0], 99)) if (truth > 0).any() else _MIP_PEAK
    colours = colormaps["magma_r"].with_extremes(under="white")
    scale = Normalize(0.02 * top, top)
    lines = -(-len(images) // columns)
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for place in axes.ravel()[len(images) :]:
        place.axis("off")
    for place in axes.ravel()[max(len(images) - columns, 0) : len(images)]:
        place.tick_params(labelbottom=True)
        place.set_xlabel("wire")
    for place, (name, image) in zip(axes.ravel(), images.items(), strict=False):
        step = -(-image.shape[1] // _TICKS)
        whole = image[:, : image.shape[1] // step * step]
        coarse = whole.reshape(len(whole), -1, step).mean(axis=2)
        left, low = first[0] - 0.5, first[1]
        extent = (left, left + len(image), low, low + whole.shape[1])
        place.imshow(
            coarse.T,
            origin="lower",
            aspect="auto",
            extent=extent,
            cmap=colours,
            norm=scale,
            interpolation="nearest",
        )
        place.set_title(name, fontsize=9)
    for place in axes[:, 0]:
        place.set_ylabel("tick (0.5 µs)")
    bar = ScalarMappable(norm=scale, cmap=colours)
    figure.colorbar(bar, ax=axes, label="charge [e$^-$/tick]", extend="both", pad=0.01, aspect=35)


def _profile(
    axes: Axes,
    wire: Float64Array,
    profiles: Mapping[str, Float64Array],
    styles: Mapping[str, _Style],
) -> None:
    axes.step(
        wire, profiles["truth"] / 1000, where="mid", label="truth", color="gold", linewidth=3.5
    )
    for name, style in styles.items():
        axes.step(
            wire,
            profiles[name] / 1000,
            where="mid",
            label=name,
            linewidth=1.2,
            color=style.colour,
            linestyle=style.line,
        )
    axes.set(xlabel="wire", ylabel="charge [ke$^-$]", xlim=(wire[0] - 0.5, wire[-1] + 0.5))
    axes.legend(fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    axes.grid(alpha=0.25)
