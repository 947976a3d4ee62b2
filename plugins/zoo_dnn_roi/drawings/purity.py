"""Efficiency and purity of pixels and of regions of interest, against one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_dnn_roi.drawings.binned import ANGLE, columns, in_bins
from zoo_dnn_roi.drawings.styles import legend, styles_of

__all__ = ["efficiency_purity"]

_SIZES = (2.5, 7.0)  # of the markers of the first and last bin, points


def efficiency_purity(evaluations: Sequence[Evaluation]) -> Drawing:
    """One line per model, one marker per bin of the angle."""
    figure = Figure(figsize=(9.2, 5.2), layout="constrained")
    styles = styles_of(evaluations)
    data: dict[str, NDArray[np.float64]] = {}
    for axes, what in zip(figure.subplots(1, 2), ("pixel", "ROI"), strict=True):
        for one in evaluations:
            strokes = styles[one.model].strokes
            efficiency, purity = (
                in_bins(one, ANGLE, f"{what} {name}") for name in ("efficiency", "purity")
            )
            data |= columns(f"{one.model} {what} efficiency", efficiency, ANGLE.unit)
            data |= columns(f"{one.model} {what} purity", purity, ANGLE.unit)
            x, y = ([point.number.value for point in points] for points in (efficiency, purity))
            axes.plot(x, y, linewidth=0.9, **(strokes | {"marker": ""}))
            for place, size in enumerate(np.linspace(*_SIZES, len(x))):
                axes.plot(x[place], y[place], markersize=size, **(strokes | {"linestyle": ""}))
            axes.plot([], [], markersize=4.5, label=styles[one.model].label, **strokes)
        axes.set(xlabel=f"{what} efficiency [%]", ylabel=f"{what} purity [%]")
        axes.grid(alpha=0.25)
    legend(figure)
    return Drawing(
        name="efficiency-purity",
        caption="Share of what is true that is found, and share of what is found that is true: "
        "pixels (10 ticks of a wire), and regions of interest (runs of pixels; one right pixel is "
        "enough). One marker per bin of the angle; they grow with it.",
        figure=figure,
        data=data,
    )
