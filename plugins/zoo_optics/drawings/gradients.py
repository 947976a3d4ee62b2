"""Relative error of gradients against the visibility."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_optics.drawings.styles import legend, strokes_of
from zoo_optics.gradients.slopes import SLOPE_BINS, SlopeError

__all__ = ["against_visibility"]


def against_visibility(errors: Mapping[str, list[SlopeError]]) -> Drawing:
    """Median and RMS of the relative error, each model a line.

    Args:
        errors: By model, a bin of the visibility each.
    """
    edges = np.array(SLOPE_BINS)
    middle = np.sqrt(edges[1:] * edges[:-1])
    figure = Figure(figsize=(8.4, 5.6), layout="constrained")
    places = figure.subplots(2, 1, sharex=True)
    strokes = strokes_of(
        [Evaluation(model=name, role="model", numbers=(), rows=None) for name in errors]
    )
    data: dict[str, NDArray[np.float64]] = {
        "visibility from": edges[:-1],
        "visibility to": edges[1:],
    }
    for place, kind in zip(places, ("median", "rms"), strict=True):
        for name, bins in errors.items():
            value = np.array([getattr(one, kind) for one in bins])
            low, high = np.array([getattr(one, f"{kind}_interval") for one in bins]).T
            place.plot(middle, value, **strokes[name])
            colour = strokes[name]["color"]
            place.fill_between(middle, low, high, color=colour, alpha=0.12, linewidth=0)
            for end, column in (("", value), (" low", low), (" high", high)):
                data[f"{name} {kind}{end}"] = column
        place.set(ylabel=f"{kind} of |f - g| / |g|", xscale="log", yscale="log")
        place.grid(alpha=0.3)
    places[0].axhline(1, color="0.7", linewidth=0.8, zorder=0)
    places[1].axhline(1, color="0.7", linewidth=0.8, zorder=0)
    places[1].set_xlabel("true visibility")
    legend(figure)
    return Drawing(
        name="gradient-error",
        caption="Relative error of the gradient of log v by the place, f found and g true, against "
        "the true visibility: the median over pairs of point and sensor, and the root of "
        "sum |f - g|^2 / sum |g|^2; bands are 95 % intervals over points. At 1 a model knows as "
        "much as one that is flat.",
        figure=figure,
        data=data,
    )
