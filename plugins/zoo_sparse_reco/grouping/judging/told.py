"""What a prediction says of one stage, beside what is true of its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged, Table
from zoo_sparse_reco.grouping.nodes import Nodes
from zoo_sparse_reco.grouping.stages import ALL_STAGES, Stage, of_stage
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["Told", "told_of"]

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Told:
    """Of one stage in all events of a table.

    Attributes:
        group: Of each voxel, within its event, int64 (V,); -1: none.
        nodes: n of them.
        row: Of each node in the fields of nodes of all events, int64 (n,).
        node_group: Of each node, within its event, int64 (n,).
        event: Whether a model tells this stage there, bool (events,).
    """

    group: Whole
    nodes: Nodes
    row: Whole
    node_group: Whole
    event: NDArray[np.bool_]


def told_of(samples: Table, predictions: Table, stage: Stage) -> Told:
    """What predictions say of a stage.

    Raises:
        DataError: They are not of these voxels, or a voxel is of a node that they do not list.
    """
    columns = [of_stage(predictions, name, stage.number) for name in ("group", "node")]
    voxels = samples["voxel_x"]
    for column in columns:
        if not np.array_equal(column.lengths, voxels.lengths):
            raise DataError(
                f"groups of {len(column.values)} voxels are predicted for {len(voxels.values)}",
                where="sparse-group",
                remedy="predict on the samples that are measured, with one value for each voxel",
            )
    group, node = (column.values.astype(np.int64) for column in columns)
    listed = predictions["node_stage"]
    mine = np.flatnonzero(listed.values == stage.number)
    event = np.repeat(np.arange(len(listed)), listed.lengths)
    done = predictions["stage"]
    asked = (done == stage.number) | (done == ALL_STAGES)
    number = predictions["node_id"].values.astype(np.int64)
    row = mine[np.lexsort((number[mine], event[mine]))]
    outside = np.repeat(~asked, voxels.lengths)
    group, node = np.where(outside, -1, group), np.where(outside, -1, node)
    nodes = _nodes(voxels, node, event[row], number[row], predictions["node_semantic"].values[row])
    return Told(group, nodes, row, predictions["node_group"].values[row].astype(np.int64), asked)


def _nodes(
    voxels: Ragged, node: Whole, event: Whole, number: Whole, semantic: NDArray[Any]
) -> Nodes:
    """The listed nodes with their voxels."""
    of_voxel = np.repeat(np.arange(len(voxels)), voxels.lengths)
    width = int(max(node.max(initial=-1), number.max(initial=-1))) + 1
    keys = event * width + number
    inside = np.flatnonzero(node >= 0)
    wanted = of_voxel[inside] * width + node[inside]
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if len(inside) and (not len(keys) or (keys[at] != wanted).any()):
        raise DataError(
            "a voxel is of a node that the prediction does not list",
            where="sparse-group: node, node_id",
            remedy="list each node once, with its stage",
        )
    order = np.argsort(at, kind="stable")
    counts = np.bincount(at, minlength=len(keys))
    offsets = offsets_of(counts)
    return Nodes(event, number, semantic.astype(np.int64), inside[order], offsets)
