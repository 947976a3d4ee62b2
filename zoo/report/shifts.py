"""The figure of variations: how far the primary number moves when the simulation is changed."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.contract.figures import Drawing
from zoo.evaluation import Results

__all__ = ["shifts_drawing"]

_MARKERS = "osD^vP*X"


def shifts_drawing(results: Results) -> Drawing | None:
    """One line per variation, one marker per model, in standard errors; ``None``: no variations."""
    shown = [shift for shift in results.shifts if shift.name == results.primary]
    if not shown:
        return None
    variations = list(dict.fromkeys(shift.variation for shift in shown))
    models = list(dict.fromkeys(shift.model for shift in shown))
    errors = {(shift.variation, shift.model): shift.errors for shift in shown}
    figure = Figure(figsize=(8.0, 1.6 + 0.42 * len(variations)), layout="constrained")
    axes = figure.subplots()
    data: dict[str, NDArray[np.float64]] = {}
    for number, model in enumerate(models):
        values = np.array([errors.get((name, model), np.nan) for name in variations])
        offset = 0.5 * (number / max(len(models) - 1, 1) - 0.5)  # beside, not above one another
        axes.plot(
            values,
            np.arange(len(variations)) + offset,
            linestyle="none",
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=5,
            label=model,
        )
        data[f"{model} [standard errors]"] = values
    axes.axvline(0, color="0.5", linewidth=0.8, zorder=0)
    axes.axvspan(-1, 1, color="0.93", zorder=-1)
    axes.set(
        yticks=np.arange(len(variations)),
        yticklabels=variations,
        xlabel=f"shift of {results.primary} in standard errors of its nominal value",
    )
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    figure.legend(fontsize=8, ncols=3, loc="outside upper center", frameon=False)
    return Drawing(
        name="variations",
        caption=f"How far {results.primary} moves when the simulation is changed and the models "
        "are not, on the same events, in standard errors of the nominal value; in the band a "
        "shift is smaller than one.",
        figure=figure,
        data=data,
    )
