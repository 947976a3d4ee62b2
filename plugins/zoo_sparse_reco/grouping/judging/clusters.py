"""Groups as clusterings, of voxels and of nodes, and the edges behind them.

Judged are the voxels whose true class and group are of the stage, wherever the nodes come from: so
all models are judged on the same voxels. A voxel of no node is a group by itself; only the purity,
a mean over the groups that a model tells, leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Number, Ragged, Table
from zoo_sparse_reco.clustering_measures import five_measures, overlaps_of_found
from zoo_sparse_reco.grouping.judging.told import Told
from zoo_sparse_reco.grouping.stages import Stage, common_classes
from zoo_sparse_reco.grouping.truth import NodeTruth
from zoo_sparse_reco.metrics.numbers import mean_known, percent, ratio

__all__ = ["EDGE_BINS", "MEASURES", "cluster_numbers", "measure_clusters"]

MEASURES: Mapping[str, str] = {
    "ari": "ARI",
    "ami": "AMI",
    "efficiency": "efficiency",
    "purity": "purity",
    "sbd": "SBD",
}
"""Row columns ``STAGE_MEASURE``, float64 (N, 2), over voxels and over nodes, and their labels."""

EDGE_BINS = 20
"""Of the histograms of edge scores, from 0 to 1."""

Floats = NDArray[np.float64]


def measure_clusters(
    samples: Table, predictions: Table, told: Told, truth: NodeTruth, *, stage: Stage, scheme: str
) -> dict[str, Floats]:
    """Row columns of measures and of edges.

    ``STAGE_edge_on`` and ``STAGE_edge_off`` (N, bins): how many edges inside and between true
    groups have which score; ``STAGE_edge_right`` and ``STAGE_edge_count`` (N,).
    """
    offsets = samples["voxel_x"].offsets
    true, judged = _judged(samples, stage, scheme)
    bounds = np.searchsorted(told.nodes.event, np.arange(samples.rows + 1))
    found: dict[str, Any] = {name: np.full((samples.rows, 2), np.nan) for name in MEASURES}
    for row in np.flatnonzero(told.event):
        voxels = slice(offsets[row], offsets[row + 1])
        nodes = slice(bounds[row], bounds[row + 1])
        known = truth.group[nodes] >= 0
        for column, (one, other) in enumerate(
            (
                (true[voxels][judged[voxels]], told.group[voxels][judged[voxels]]),
                (truth.group[nodes][known], told.node_group[nodes][known]),
            )
        ):
            for name, value in five_measures(*overlaps_of_found(one, other)).items():
                found[name][row, column] = value
    columns = {f"{stage.name}_{name}": values for name, values in found.items()}
    return columns | _edges(predictions, told, truth, stage)


def cluster_numbers(rows: Table, stage: Stage) -> Iterator[Number]:
    """Means over events, and the share of edges that are told right."""
    for name, label in MEASURES.items():
        yield percent(f"{stage.name} {label}", mean_known(rows[f"{stage.name}_{name}"][:, 0]))
    for name, label in MEASURES.items():
        value = mean_known(rows[f"{stage.name}_{name}"][:, 1])
        yield percent(f"{stage.name} {label} of nodes", value)
    right, count = (rows[f"{stage.name}_edge_{name}"].sum() for name in ("right", "count"))
    yield percent(f"{stage.name} edge accuracy", ratio(right, count))


def _judged(
    samples: Table, stage: Stage, scheme: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """True group of each voxel, and which are judged; none where the truth is absent."""
    if not {"semantic", stage.group} <= set(samples):
        count = len(samples["voxel_x"].values)
        return np.full(count, -1), np.zeros(count, bool)
    true = samples[stage.group].values.astype(np.int64)
    classes = common_classes(samples["semantic"].values, scheme)
    return true, (true >= 0) & np.isin(classes, stage.classes)


def _edges(predictions: Table, told: Told, truth: NodeTruth, stage: Stage) -> dict[str, Floats]:
    events = len(told.event)
    histogram = np.zeros((2, events, EDGE_BINS))
    right, count = np.zeros(events), np.zeros(events)
    if "edge_score" in predictions and len(told.row):
        column: Ragged = predictions["edge_score"]
        event = np.repeat(np.arange(events), column.lengths)
        before = predictions["node_id"].offsets[event]
        group = np.full(len(predictions["node_id"].values), -1)
        group[told.row] = truth.group
        one, other = (group[predictions[f"edge_{name}"].values + before] for name in ("from", "to"))
        known = (one >= 0) & (other >= 0)
        same, score = (one == other)[known], column.values[known].astype(np.float64)
        event = event[known]
        # A score that is no number is wrong either way.
        correct = ((score > 0.5) == same) & np.isfinite(score)
        right, count = (
            np.bincount(event, weights, minlength=events).astype(np.float64)
            for weights in (correct, np.ones(len(event)))
        )
        bins = np.clip(np.nan_to_num(score) * EDGE_BINS, 0, EDGE_BINS - 1).astype(np.int64)
        np.add.at(histogram, (same.astype(np.int64), event, bins), 1.0)
    return {
        f"{stage.name}_edge_right": right,
        f"{stage.name}_edge_count": count,
        f"{stage.name}_edge_off": histogram[0],
        f"{stage.name}_edge_on": histogram[1],
    }
