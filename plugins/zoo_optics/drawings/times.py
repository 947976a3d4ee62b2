"""When hits come at sensors near and far: the data and what models expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation, Table
from zoo_optics.drawings.styles import strokes_of
from zoo_optics.physics.detector import Detector
from zoo_optics.times.judge import EDGES_NS, ZONES, zone_edges

__all__ = ["residuals"]

Array = NDArray[np.float64]

_SHOWN_NS = (-10.0, 200.0)
_LINEAR_NS = 3.0
_TICKS_NS = (-10, -3, 0, 3, 10, 30, 100)
_WIDTHS = np.diff(EDGES_NS)


def residuals(detector: Detector, evaluations: Sequence[Evaluation]) -> Drawing | None:
    """Densities of ``t - R / c_n`` by distance; nothing where no model tells times.

    Args:
        detector: The sensors.
        evaluations: Those with rows.
    """
    rows = {one.model: one.rows for one in evaluations if one.rows is not None}
    told = {model: _zones(table, "time_told") for model, table in rows.items() if _tells(table)}
    if not told:
        return None
    seen = _zones(rows[next(iter(told))], "time_seen")
    strokes, edges = strokes_of(evaluations), zone_edges(detector)
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, ZONES, sharey=True)
    data: dict[str, Array] = {"residual from [ns]": EDGES_NS[:-1], "residual to [ns]": EDGES_NS[1:]}
    for zone, panel in enumerate(panels):
        label = f"{edges[zone]:.0f} to {edges[zone + 1]:.0f} cm"
        data[f"hits, {label}"] = seen[zone]
        _hits(panel, seen[zone])
        for model, expected in told.items():
            data[f"{model}, {label}"] = expected[zone]
            _model(panel, expected[zone], strokes[model])
        panel.set(title=label, xlabel="t - R / c_n [ns]", yscale="log")
        panel.set_xscale("symlog", linthresh=_LINEAR_NS, linscale=1.5)
        panel.set_xlim(*_SHOWN_NS)
        panel.set_xticks(_TICKS_NS, [f"{tick:g}" for tick in _TICKS_NS])
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("share of the hits per ns")
    panels[0].set_ylim(_least(seen), 2 * max(axis.get_ylim()[1] / 100 for axis in panels))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8.5, frameon=False)
    return Drawing(
        name="hit-times",
        caption="When hits come, against light that goes straight at the group speed, at sensors "
        "of three ranges of distance: hits of the data with counting errors, and what each model "
        "expects of the same pairs of flash and sensor. The time axis is linear up to 3 ns.",
        figure=figure,
        data=data,
    )


def _tells(rows: Table) -> bool:
    return "time_told" in rows


def _zones(rows: Table, name: str) -> Array:
    """(zones, bins), over all flashes."""
    total: Array = rows[name].sum(axis=0).reshape(ZONES, -1)
    return total


def _hits(panel: Axes, seen: Array) -> None:
    scale = max(float(seen.sum()), 1.0) * _WIDTHS
    filled = seen > 0
    panel.errorbar(
        ((EDGES_NS[1:] + EDGES_NS[:-1]) / 2)[filled],
        (seen / scale)[filled],
        (np.sqrt(seen) / scale)[filled],
        fmt=".",
        color="black",
        markersize=4,
        linewidth=0.8,
        label="hits",
    )


def _model(panel: Axes, expected: Array, stroke: Mapping[str, Any]) -> None:
    density = expected / max(float(expected.sum()), 1.0) / _WIDTHS
    style = {name: stroke[name] for name in ("color", "linestyle", "label")}
    panel.stairs(density, EDGES_NS, baseline=None, linewidth=1.4, **style)


def _least(seen: Array) -> float:
    """Below the rarest hit that is drawn."""
    with np.errstate(divide="ignore", invalid="ignore"):
        density = seen / seen.sum(axis=1, keepdims=True) / _WIDTHS
    filled = density[seen > 0]
    return float(filled.min()) / 3 if len(filled) else 1e-6
