"""Numbers of the masked voxels with intervals, by model and by size; told against true energies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import BinnedNumber, Drawing, Evaluation, Table
from zoo_sparse_reco.drawings.styles import Style, legend, overall, shortened
from zoo_sparse_reco.masking.metrics import RMS_ERROR, true_at
from zoo_sparse_reco.masking.patches import log_energy

__all__ = ["against_size", "energies", "numbers_of_all"]

Floats = NDArray[np.float64]

_SHOWN = (RMS_ERROR, "explained variance", "occupancy AUC")
_BINS = 60
_MODELS = 3  # whose energies are drawn side by side


def numbers_of_all(evaluations: Sequence[Evaluation], styles: Mapping[str, Style]) -> Drawing:
    """The three numbers that tell most, a panel each."""
    figure = Figure(figsize=(8.4, 3.0), layout="constrained")
    data: dict[str, Floats] = {}
    for place, name in zip(figure.subplots(1, len(_SHOWN)), _SHOWN, strict=True):
        for number, one in enumerate(evaluations):
            found = overall(one)[name]
            look = {**styles[one.model].points, "linestyle": "none"}
            place.errorbar([number], [found.number.value], yerr=_bars([found]), capsize=2, **look)
            data[f"{one.model}: {name}"] = np.array([found.number.value, found.low, found.high])
        place.set(xticks=[], xlim=(-0.5, len(evaluations) - 0.5), title=_titled(name, found))
        place.grid(axis="y", alpha=0.3)
    legend(figure, [styles[one.model] for one in evaluations], points=True)
    return Drawing(
        name="masked-numbers",
        caption="RMS error and explained variance of logarithms of hidden energies, and how well "
        "voxels are told from empty places where both are hidden; bars are 95 % intervals over "
        "events. The rows of the table are value, low and high.",
        figure=figure,
        data=data,
    )


def against_size(evaluations: Sequence[Evaluation], styles: Mapping[str, Style]) -> Drawing | None:
    """The same against the number of voxels; ``None`` where no bin has a number."""
    figure = Figure(figsize=(8.4, 3.0), layout="constrained")
    data: dict[str, Floats] = {}
    for place, name in zip(figure.subplots(1, len(_SHOWN)), _SHOWN, strict=True):
        for one in evaluations:
            found = [
                point
                for point in one.numbers
                if point.column == "voxels"
                and point.number.name == name
                and np.isfinite(point.number.value)
            ]
            if not found:
                continue
            middle = np.array([(point.lower + point.upper) / 2 for point in found])
            value = np.array([point.number.value for point in found])
            place.errorbar(middle, value, yerr=_bars(found), capsize=2, **styles[one.model].points)
            data[f"{one.model}: {name}: voxels"] = middle
            data[f"{one.model}: {name}"] = value
        place.set(xlabel="voxels", title=name)
        place.title.set_fontsize(9)
        place.grid(alpha=0.3)
    if not data:
        return None
    legend(figure, [styles[one.model] for one in evaluations], points=True)
    return Drawing(
        name="masked-against-size",
        caption="The same against the number of voxels of an event; bars are 95 % intervals.",
        figure=figure,
        data=data,
    )


def energies(samples: Table, predictions: Mapping[str, Table]) -> Drawing:
    """Told against true energies of known voxels of the displayed events, by model."""
    shown = dict(list(predictions.items())[:_MODELS])
    figure = Figure(figsize=(0.6 + 2.8 * len(shown), 3.0), layout="constrained")
    data: dict[str, Floats] = {}
    edges = np.linspace(-4.7, 4, _BINS + 1)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for place, (model, table) in zip(panels, shown.items(), strict=True):
        true, found = _logarithms(samples, table)
        place.hist2d(true, found, bins=(edges, edges), cmap="viridis", cmin=1, rasterized=True)
        place.plot(edges[[0, -1]], edges[[0, -1]], color="0.6", linewidth=0.8)
        place.set(xlabel="true ln(E / MeV + 0.01)", ylabel="told")
        place.set_title(shortened(model, 34), fontsize=9)
        data |= {f"{model}: true": true, f"{model}: told": found}
    return Drawing(
        name="masked-energies",
        caption="Hidden energies of voxels whose place is known, told against true, of the events "
        "that are displayed.",
        figure=figure,
        data=data,
    )


def _logarithms(samples: Table, table: Table) -> tuple[Floats, Floats]:
    true, found = [np.zeros(0)], [np.zeros(0)]
    for row in range(samples.rows):
        known = table["asked_place"][row] == 0
        true.append(log_energy(true_at(samples, table, row)[1][known]))
        found.append(log_energy(table["asked_energy"][row][known]))
    return np.concatenate(true), np.concatenate(found)


def _bars(points: Sequence[BinnedNumber]) -> Floats:
    """No bar where an interval is not defined."""
    below = [one.number.value - one.low for one in points]
    above = [one.high - one.number.value for one in points]
    bars: Floats = np.nan_to_num(np.maximum(np.array([below, above]), 0))
    return bars


def _titled(name: str, point: BinnedNumber) -> str:
    return f"{name} [{point.number.unit}]" if point.number.unit else name
