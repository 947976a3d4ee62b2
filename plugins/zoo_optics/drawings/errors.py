"""How far visibilities are off, against the distance to the sensor and against themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Table
from zoo_optics.drawings.styles import legend, strokes_of

__all__ = ["BRIGHTNESS", "DISTANCE", "ErrorAxis", "against"]

Array = NDArray[np.float64]

_RESAMPLES = 200


@dataclass(frozen=True)
class ErrorAxis:
    """What errors are drawn against.

    Attributes:
        column: Of the sums of the metrics.
        label: On the axis, with its unit.
        scale: Of the axis.
        text: For the caption.
    """

    column: Literal["distance", "visibility"]
    label: str
    scale: Literal["linear", "log"]
    text: str


DISTANCE = ErrorAxis("distance", "distance to the sensor [cm]", "linear", "the distance to it")
BRIGHTNESS = ErrorAxis("visibility", "true visibility", "log", "its true visibility")


@dataclass(frozen=True)
class _Panel:
    label: str
    over: str
    under: str
    factor: float
    perfect: float
    scale: Literal["linear", "log"] = "linear"


def against(evaluations: Sequence[Evaluation], axis: ErrorAxis, edges: Array) -> Drawing:
    """Mean absolute and signed relative error, and by distance also the deviance over its floor.

    Args:
        evaluations: Those with rows.
        axis: Distance or visibility.
        edges: Of the bins, one more than they are.
    """
    panels = _panels(evaluations, axis)
    figure = Figure(figsize=(8.4, 0.7 + 2.5 * len(panels)), layout="constrained")
    strokes = strokes_of(evaluations)
    middle = (
        np.sqrt(edges[1:] * edges[:-1]) if axis.scale == "log" else (edges[1:] + edges[:-1]) / 2
    )
    data: dict[str, Array] = {f"{axis.column} from": edges[:-1], f"{axis.column} to": edges[1:]}
    places = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
    for place, panel in zip(places, panels, strict=True):
        for one in evaluations:
            if one.rows is None or panel.over not in one.rows:
                continue
            value, low, high = _ratios(one.rows, panel)
            place.plot(middle, value, **strokes[one.model])
            colour = strokes[one.model]["color"]
            place.fill_between(middle, low, high, color=colour, alpha=0.12, linewidth=0)
            for end, column in (("", value), (" low", low), (" high", high)):
                data[f"{one.model} {panel.label}{end}"] = column
        place.axhline(panel.perfect, color="0.7", linewidth=0.8, zorder=0)
        place.set(ylabel=panel.label, xscale=axis.scale, yscale=panel.scale)
        if panel.scale == "log":  # a bin of a single flash has bands down to nothing
            place.set_ylim(bottom=max(place.get_ylim()[0], panel.perfect / 10))
        place.grid(alpha=0.3)
    places[-1].set_xlabel(axis.label)
    legend(figure)
    return Drawing(
        name=f"error-{axis.column}",
        caption=f"How far the visibility of a sensor is off, against {axis.text}: "
        "2 |p - t| / (p + t) and 2 (p - t) / (p + t) of prediction p and truth t, means over "
        "pairs of flash and sensor, and the deviance of charges over what counting leaves of it; "
        "bands are 95 % intervals over flashes.",
        figure=figure,
        data=data,
    )


def _panels(evaluations: Sequence[Evaluation], axis: ErrorAxis) -> list[_Panel]:
    """Those that some evaluation can fill: errors need the truth, and the deviance distances."""
    name = axis.column
    wanted = (
        _Panel("error [%]", f"{name}_error", f"{name}_pairs", 100, 0),
        _Panel("bias [%]", f"{name}_signed", f"{name}_pairs", 100, 0),
        _Panel("deviance / floor", f"{name}_deviance", f"{name}_floor", 1, 1, "log"),
    )
    rows = [one.rows for one in evaluations if one.rows is not None]
    return [panel for panel in wanted if any(panel.over in row for row in rows)]


def _ratios(rows: Table, panel: _Panel) -> tuple[Array, Array, Array]:
    """A ratio of sums by bin and its percentile interval over flashes; NaN where nothing is."""
    over, under = rows[panel.over], rows[panel.under]
    count = len(over)
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    with np.errstate(invalid="ignore", divide="ignore"):
        value: Array = panel.factor * over.sum(axis=0) / under.sum(axis=0)
        resampled = panel.factor * (drawn @ over) / (drawn @ under)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    known = np.isfinite(value)
    if count > 1 and known.any():
        low[known], high[known] = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
    return value, low, high
