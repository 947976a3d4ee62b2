"""Groups of nodes as the columns of a prediction: all models tell them in one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_sparse_reco.grouping.nodes import Nodes
from zoo_sparse_reco.grouping.stages import STAGES, Stage
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["joined_stages", "node_columns"]


def node_columns(
    samples: Table,
    nodes: Nodes,
    group: NDArray[np.int64],
    stage: Stage,
    told: Mapping[str, NDArray[Any]],
) -> dict[str, Ragged]:
    """Columns of voxels and of nodes.

    Args:
        samples: Whose voxels they are.
        nodes: Of the stage.
        group: Of each node, counted within its event, (n,).
        stage: Which.
        told: More of nodes by the name of the column, (n, ...).
    """
    voxels = samples["voxel_x"]
    count = len(voxels.values)
    node = nodes.to_voxels(nodes.number, count)
    rows: dict[str, NDArray[Any]] = {
        "node_stage": np.full(len(nodes), stage.number, np.int8),
        "node_id": nodes.number.astype(np.int32),
        "node_group": group.astype(np.int32),
        "node_semantic": nodes.semantic.astype(np.int8),
        **told,
    }
    lengths = np.bincount(nodes.event, minlength=samples.rows)
    offsets = offsets_of(lengths)
    return {
        "group": Ragged(nodes.to_voxels(group, count), voxels.offsets),
        "node": Ragged(node, voxels.offsets),
        **{name: Ragged(column, offsets) for name, column in rows.items()},
    }


def joined_stages(parts: Sequence[Mapping[str, Ragged]]) -> dict[str, Ragged]:
    """The columns of all stages, in the order of the stages: nodes of one event side by side.

    Args:
        parts: What :func:`node_columns` made of each of :data:`STAGES`, with equal names.
    """
    last = parts[-1]
    found = {name: last[name] for name in ("group", "node")}
    for name in found.copy():
        stacked = np.stack([part[name].values for part in parts], axis=1)
        found[f"stage_{name}"] = Ragged(stacked, last[name].offsets)
    lengths = [part["node_id"].lengths for part in parts]
    event = np.concatenate([np.repeat(np.arange(len(one)), one) for one in lengths])
    order = np.argsort(event, kind="stable")
    offsets = offsets_of(np.sum(lengths, axis=0))
    for name in last:
        if name.startswith("node_"):
            values = np.concatenate([part[name].values for part in parts])
            found[name] = Ragged(values[order], offsets)
    assert len(parts) == len(STAGES)
    return found
