"""Charge of showers on the wires from the vertex on, reconstructed over true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Table
from zoo_dnn_roi.drawings.styles import legend, styles_of
from zoo_dnn_roi.shower_metrics import PROFILE_WIRES

__all__ = ["shower_profile"]

Float64Array = NDArray[np.float64]

_RESAMPLES = 400
_TRUE, _FOUND = "shower_profile_true", "shower_profile_found"


def shower_profile(evaluations: Sequence[Evaluation]) -> Drawing:
    """Mean charge by wire, and its ratio to the true one with intervals over events.

    Args:
        evaluations: Those whose rows know of showers; others are left out.
    """
    shown = [one for one in evaluations if one.rows is not None and _TRUE in one.rows]
    styles = styles_of(evaluations)
    figure = Figure(figsize=(8.4, 6.4), layout="constrained")
    charge, ratio = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.5])
    wire = np.arange(1, PROFILE_WIRES + 1, dtype=np.float64)
    data: dict[str, Float64Array] = {"wire": wire}
    for one in shown:
        rows = one.rows
        assert rows is not None
        strokes = {**styles[one.model].strokes, "linewidth": 1.1, "markersize": 3.5, "markevery": 4}
        found = rows[_FOUND].mean(axis=0)
        value, low, high = _ratios(rows)
        charge.plot(wire, found / 1000, label=styles[one.model].label, **strokes)
        ratio.plot(wire, value, **strokes)
        ratio.fill_between(wire, low, high, color=strokes["color"], alpha=0.12, linewidth=0)
        for name, column in (("", value), (" low", low), (" high", high)):
            data[f"{one.model} ratio{name}"] = column
        data[f"{one.model} [e-]"] = found
    if shown and shown[0].rows is not None:
        true = shown[0].rows[_TRUE].mean(axis=0)
        data["truth [e-]"] = true
        charge.plot(wire, true / 1000, color="gold", linewidth=3.5, label="truth", zorder=0)
    ratio.axhline(1, color="0.7", linewidth=0.8, zorder=0)
    ratio.set(xlabel="wire from the vertex", ylabel="reconstructed over true charge")
    charge.set(ylabel="mean charge [ke$^-$]", xlim=(0.5, PROFILE_WIRES + 0.5))
    for axes in (charge, ratio):
        axes.grid(alpha=0.3)
    legend(figure)
    return Drawing(
        name="shower-profile",
        caption=f"Charge of showers on the first {PROFILE_WIRES} wires from the vertex on: mean by "
        "wire, and the ratio of summed reconstructed and true charge; bands are 95 % intervals "
        "over events.",
        figure=figure,
        data=data,
    )


def _ratios(rows: Table) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Ratio by wire and its percentile interval over groups; NaN without true charge."""
    _, place = np.unique(rows["group"], return_inverse=True)
    true, found = (_by_group(rows[name], place) for name in (_TRUE, _FOUND))
    count = len(true)
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = found.sum(axis=0) / true.sum(axis=0)
        resampled = (drawn @ found) / (drawn @ true)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    known = np.isfinite(value)
    if count > 1 and known.any():
        low[known], high[known] = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
    return value, low, high


def _by_group(values: Float64Array, place: NDArray[np.intp]) -> Float64Array:
    """Sums of the rows of each group."""
    total = np.zeros((int(place.max()) + 1, values.shape[1]))
    np.add.at(total, place, values)
    return total
