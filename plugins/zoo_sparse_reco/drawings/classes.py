"""F1 of each class, with intervals, and the numbers that decide against the size of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation
from zoo_sparse_reco.drawings.styles import Style, legend, overall
from zoo_sparse_reco.metrics.numbers import MACRO_F1, f1_name

__all__ = ["AXES", "against_size", "bars", "binned", "class_f1"]

AXES = (("voxels", "voxels that are no ghosts"), ("visible_energy", "visible energy [MeV]"))
"""Columns that tell how large an event is."""


def class_f1(
    evaluations: Sequence[Evaluation], styles: Mapping[str, Style], names: Sequence[str]
) -> Drawing:
    """F1 of each class and their mean, by model.

    Args:
        evaluations: Those with rows.
        styles: By model.
        names: Of the five classes.
    """
    wanted = [*map(f1_name, names), MACRO_F1]
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    place = figure.subplots()
    data: dict[str, NDArray[np.float64]] = {}
    for number, one in enumerate(evaluations):
        found = overall(one)
        points = [found[name] for name in wanted if name in found]
        shift = 0.7 * ((number + 0.5) / len(evaluations) - 0.5)
        bars(
            place,
            np.arange(len(points), dtype=np.float64) + shift,
            points,
            styles[one.model],
            joined=False,
        )
        data |= _columns(one.model, points)
    place.set_xticks(np.arange(len(wanted)), [*names, "mean of those"])
    for edge in np.arange(len(wanted) - 1) + 0.5:
        place.axvline(edge, color="0.85", linewidth=0.8, zorder=0)
    place.set(ylabel="F1 [%]", ylim=(0, 102), xlim=(-0.5, len(wanted) - 0.5))
    place.grid(axis="y", alpha=0.3)
    legend(figure, [styles[one.model] for one in evaluations], points=True)
    return Drawing(
        name="class-f1",
        caption="F1 of the voxels of each class, the harmonic mean of accuracy and precision, and "
        "the mean over the classes that are there; bars are 95 % intervals over events. The rows "
        f"of the table are {', '.join(wanted)}.",
        figure=figure,
        data=data,
    )


def against_size(
    evaluations: Sequence[Evaluation],
    styles: Mapping[str, Style],
    numbers: Sequence[str] = (MACRO_F1, "fragment ARI"),
    axes: Sequence[tuple[str, str]] = AXES,
) -> Drawing | None:
    """Numbers in bins of what tells how large events are; ``None`` where nothing is known.

    Args:
        evaluations: Those with rows.
        styles: By model.
        numbers: Names of the numbers, one line of panels each.
        axes: Binned columns with their labels.
    """
    panels = {
        (name, column): found
        for name in numbers
        for column, _ in axes
        if (found := binned(evaluations, name, column))
    }
    if not panels:
        return None
    shown = [name for name in numbers if any(key[0] == name for key in panels)]
    size = (1.2 + 3.5 * len(axes), 0.9 + 2.6 * len(shown))
    figure = Figure(figsize=size, layout="constrained")
    places = figure.subplots(len(shown), len(axes), squeeze=False)
    data: dict[str, NDArray[np.float64]] = {}
    for line, name in zip(places, shown, strict=True):
        for place, (column, label) in zip(line, axes, strict=True):
            found = panels.get((name, column), {})
            _panel(place, found, styles, label, name)
            for model, points in found.items():
                data |= _columns(f"{model}: {name} by {column}", points, edges=True)
    legend(figure, [styles[one.model] for one in evaluations], points=True)
    return Drawing(
        name="against-size",
        caption=f"{' and '.join(shown)} against the size of events; bars are 95 % intervals over "
        "events. Of fragments they are means over events.",
        figure=figure,
        data=data,
    )


def _panel(
    place: Axes,
    found: Mapping[str, Sequence[BinnedNumber]],
    styles: Mapping[str, Style],
    label: str,
    name: str,
) -> None:
    lows = sorted({one.lower for points in found.values() for one in points})
    numbered = {low: number for number, low in enumerate(lows)}
    highs = {one.lower: one.upper for points in found.values() for one in points}
    for number, (model, points) in enumerate(found.items()):
        shift = 0.5 * ((number + 0.5) / len(found) - 0.5)
        where = np.array([numbered[one.lower] for one in points]) + shift
        bars(place, where, points, styles[model], joined=True)
    place.set_xticks(
        range(len(lows)), [f"{low:g} to {highs[low]:g}" for low in lows], fontsize=7.5, rotation=20
    )
    place.set(xlabel=label, ylabel=f"{name} [%]")
    place.grid(alpha=0.3)


def binned(
    evaluations: Sequence[Evaluation], name: str, column: str
) -> dict[str, list[BinnedNumber]]:
    """One number in every bin of a column where it is defined, by model."""
    found = {
        one.model: [
            point
            for point in one.numbers
            if point.column == column
            and point.number.name == name
            and np.isfinite(point.number.value)
        ]
        for one in evaluations
    }
    return {model: points for model, points in found.items() if points}


def bars(
    place: Axes,
    where: NDArray[np.float64],
    points: Sequence[BinnedNumber],
    style: Style,
    *,
    joined: bool,
) -> None:
    """Numbers with their 95 % intervals, at places on the first axis."""
    value = np.array([one.number.value for one in points])
    below = value - np.array([one.low for one in points])
    above = np.array([one.high for one in points]) - value
    bars = np.nan_to_num(np.maximum(np.array([below, above]), 0))  # no bar where undefined
    look = dict(style.points) if joined else {**style.points, "linestyle": "none"}
    place.errorbar(where, value, yerr=bars, capsize=2, elinewidth=1, **look)


def _columns(
    name: str, points: Sequence[BinnedNumber], *, edges: bool = False
) -> dict[str, NDArray[np.float64]]:
    columns = {
        "value [%]": [one.number.value for one in points],
        "low": [one.low for one in points],
        "high": [one.high for one in points],
    }
    if edges:
        columns |= {"from": [one.lower for one in points], "to": [one.upper for one in points]}
    return {f"{name}: {what}": np.array(values, np.float64) for what, values in columns.items()}
