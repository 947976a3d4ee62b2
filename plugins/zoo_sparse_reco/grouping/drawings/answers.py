"""Scores of edges, and kinds of particles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.api import Drawing, Evaluation
from zoo_sparse_reco.drawings.confusions import draw_matrix
from zoo_sparse_reco.drawings.styles import shortened
from zoo_sparse_reco.grouping.judging.clusters import EDGE_BINS
from zoo_sparse_reco.grouping.judging.particles import PID_CONFUSION, PID_NAMES
from zoo_sparse_reco.metrics.numbers import ratio

__all__ = ["edge_scores", "kinds"]

Floats = NDArray[np.float64]

_COLUMNS = 3
_ON, _OFF = "#0072b2", "#d55e00"


def edge_scores(evaluations: Sequence[Evaluation], stages: Sequence[str]) -> Drawing | None:
    """Histograms of scores of edges inside and between true groups; ``None`` without scores."""
    counts = {
        (one.model, stage): tuple(
            one.rows[f"{stage}_edge_{side}"].sum(axis=0) for side in ("on", "off")
        )
        for one in evaluations
        for stage in stages
        if one.rows is not None and one.rows[f"{stage}_edge_count"].any()
    }
    if not counts:
        return None
    figure, places = _panels(len(counts), 2.6)
    bounds = np.linspace(0, 1, EDGE_BINS + 1)
    data: dict[str, Floats] = {"from": bounds[:-1], "to": bounds[1:]}
    for place, ((model, stage), (on, off)) in zip(places, counts.items(), strict=False):
        for side, label, colour in ((on, "of one group", _ON), (off, "of two groups", _OFF)):
            place.stairs(side, bounds, color=colour, label=label, linewidth=1.4)
            data[f"{model}: {stage}: {label}"] = side
        place.set(xlabel="edge score", ylabel="edges", yscale="log", ylim=(0.5, None))
        place.set_title(f"{shortened(model, 30)}: {stage}", fontsize=9)
        place.grid(alpha=0.3)
        place.legend(fontsize=8)
    return Drawing(
        name="edge-scores",
        caption="Edges by their score, those between nodes of one true group and those between "
        "nodes of two.",
        figure=figure,
        data=data,
    )


def kinds(evaluations: Sequence[Evaluation]) -> Drawing | None:
    """Confusion matrices of kinds of particles; ``None`` where nobody tells them."""
    counts = {
        one.model: one.rows[PID_CONFUSION].sum(axis=0)
        for one in evaluations
        if one.rows is not None and one.rows[PID_CONFUSION].any()
    }
    if not counts:
        return None
    figure, places = _panels(len(counts), 2.9)
    data: dict[str, Floats] = {}
    for place, (model, matrix) in zip(places, counts.items(), strict=False):
        shares = 100 * ratio(matrix, matrix.sum(axis=1, keepdims=True))
        draw_matrix(place, shares, PID_NAMES)
        place.set_title(shortened(model, 36), fontsize=9)
        place.set(xlabel="predicted kind", ylabel="true kind")
        for row, true in enumerate(PID_NAMES):
            data[f"{model}: true {true} [%]"] = shares[row]
            data[f"{model}: true {true} [particles]"] = matrix[row]
    return Drawing(
        name="kinds",
        caption="Of the particles of each true kind (a row), what per cent is called each kind (a "
        f"column); the table has predicted kinds in the order {', '.join(PID_NAMES)}.",
        figure=figure,
        data=data,
    )


def _panels(count: int, height: float) -> tuple[Figure, NDArray[np.object_]]:
    """A figure with so many axes, and none beyond them."""
    columns = min(count, _COLUMNS)
    lines = -(-count // columns)
    figure = Figure(figsize=(0.7 + 3.1 * columns, 0.5 + height * lines), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False).ravel()
    for place in places[count:]:
        place.axis("off")
    return figure, places
