"""Predicted against true transverse momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_ha_tpc.drawings.styles import Style

__all__ = ["momentum_axis", "predicted_against_true"]

Array = NDArray[np.float64]

_BINS = 60
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)


def predicted_against_true(
    evaluations: Sequence[Evaluation], styles: dict[str, Style]
) -> Drawing | None:
    """Histograms of all tracks, one panel a model; nothing where no model tells a momentum."""
    rows = {one.model: one.rows for one in evaluations if one.rows is not None}
    pairs = {name: _known(table["p_t"], table["predicted_p_t"]) for name, table in rows.items()}
    pairs = {name: pair for name, pair in pairs.items() if len(pair[0])}
    if not pairs:
        return None
    edges = _edges(np.concatenate([true for true, _ in pairs.values()]))
    counts = {name: np.histogram2d(*pair, bins=(edges, edges))[0] for name, pair in pairs.items()}
    most = max(2.0, *(float(count.max()) for count in counts.values()))
    columns = 2 if len(pairs) in {2, 4} else min(len(pairs), 3)
    lines = -(-len(pairs) // columns)
    figure = Figure(figsize=(1.5 + 2.8 * columns, 0.5 + 3.0 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for place in axes.ravel()[len(pairs) :]:
        place.axis("off")
    for place, (name, count) in zip(axes.ravel(), counts.items(), strict=False):
        shown = np.ma.masked_equal(count.T, 0)
        mesh = place.pcolormesh(edges, edges, shown, norm=LogNorm(1, most), rasterized=True)
        place.plot(edges[[0, -1]], edges[[0, -1]], color="#d55e00", linewidth=1, linestyle="--")
        place.set_title(styles[name].label, fontsize=8.5)
        momentum_axis(place, edges[0], edges[-1])
        momentum_axis(place, edges[0], edges[-1], vertical=True)
        place.set_box_aspect(1)
    for place in axes.ravel()[max(len(pairs) - columns, 0) : len(pairs)]:
        place.set_xlabel("true $p_t$ [GeV/c]")
        place.tick_params(labelbottom=True)
    for place in axes[:, 0]:
        place.set_ylabel("predicted $p_t$ [GeV/c]")
    figure.colorbar(mesh, ax=axes, label="tracks", pad=0.02, aspect=30)
    true, found = (each.ravel() for each in np.meshgrid(edges[:-1], edges[:-1], indexing="ij"))
    return Drawing(
        name="predicted-true",
        caption="Predicted against true transverse momentum of all tracks; on the dashed line they "
        "are equal. What is outside of the frame is not shown.",
        figure=figure,
        data={"true p_t from [GeV/c]": true, "predicted p_t from [GeV/c]": found}
        | {f"{name} tracks": count.ravel() for name, count in counts.items()},
    )


def momentum_axis(axes: Axes, low: float, high: float, *, vertical: bool = False) -> None:
    """A logarithmic axis of momenta, with round numbers at its ticks."""
    axis = axes.yaxis if vertical else axes.xaxis
    (axes.set_yscale if vertical else axes.set_xscale)("log")
    axis.set_ticks([tick for tick in _TICKS if low <= tick <= high])
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    (axes.set_ylim if vertical else axes.set_xlim)(low, high)


def _known(true: Array, found: Array) -> tuple[Array, Array]:
    known = np.isfinite(true) & np.isfinite(found)
    return true[known], found[known]


def _edges(true: Array) -> Array:
    low, high = np.quantile(true, [0.001, 0.999])
    return np.geomspace(low / 1.3, high * 1.3, _BINS + 1)
