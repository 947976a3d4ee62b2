"""What cores of several widths hold of the energy and of the hits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing
from zoo_calo.drawings.styles import Shown, legend
from zoo_calo.observables.cores import core_widths
from zoo_calo.physics.grid import Grid

__all__ = ["core_scan"]

Array = NDArray[np.float64]


def core_scan(grid: Grid, reference: Shown, models: Sequence[Shown]) -> Drawing | None:
    """Means over showers and their central 68 %; ``None`` of a grid without smaller cores."""
    widths = np.array(core_widths(grid), np.float64)
    if not len(widths):
        return None
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    data: dict[str, Array] = {"width [cells]": widths}
    places = figure.subplots(1, 2, sharex=True, squeeze=False).ravel()
    for place, (column, label) in zip(
        places, (("core_energy", "visible energy"), ("core_hits", "hits")), strict=True
    ):
        for one in (reference, *models):
            shares = 100 * one.columns[column].astype(np.float64)
            known = shares[np.isfinite(shares).all(1)]
            mean = known.mean(0) if len(known) else np.full(len(widths), np.nan)
            place.plot(widths, mean, **one.points)
            data[f"{one.label} {label} [%]"] = mean
            if one is reference and len(known):
                low, high = np.quantile(known, [0.16, 0.84], axis=0)
                colour = one.line["color"]
                place.fill_between(widths, low, high, color=colour, alpha=0.15, linewidth=0)
        place.set_xticks(widths)
        place.set(xlabel="width of the core [cells]", ylabel=f"{label} in the core [%]")
        place.grid(alpha=0.3)
    legend(figure, models, filled=False)
    return Drawing(
        name="core-scan",
        caption="Share of the visible energy and of the hits in the middle n x n of "
        f"{grid.shape[1]} x {grid.shape[2]} cells: means over showers, and the central 68 % of "
        "those of the reference as a band.",
        figure=figure,
        data=data,
    )
