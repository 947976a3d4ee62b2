"""What a model of ``sparse-group`` says in one of its stages.

A classical algorithm may do all three stages at once: then each voxel has a group of each stage in
``stage_group``, and nodes tell theirs in ``node_stage``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_sparse_reco.chain.objects.event import Said
from zoo_sparse_reco.grouping.stages import of_stage

__all__ = ["StageGroups", "stage_groups"]

_HEADS = {
    "primary": "primary_score",
    "pid": "pid_score",
    "momentum": "momentum",
    "vertex": "vertex",
}


@dataclass(frozen=True)
class StageGroups:
    """Groups of voxels, and what is said of the nodes.

    Attributes:
        group: Of each voxel; -1: of none.
        predictions: All that was predicted.
        number: Of the stage.
    """

    group: Ragged
    predictions: Table
    number: int

    def said(self, row: int) -> Said:
        """Of the nodes of one event."""
        table = self.predictions
        if "node_id" not in table:
            return Said(np.zeros(0, np.int64))
        node = table["node_id"][row].astype(np.int64)
        chosen = np.ones(len(node), bool)
        if "stage_group" in table and "node_stage" in table:
            chosen = table["node_stage"][row] == self.number
        heads: dict[str, NDArray[Any]] = {
            name: table[f"node_{column}"][row].astype(np.float64)[chosen]
            for name, column in _HEADS.items()
            if f"node_{column}" in table
        }
        return Said(node[chosen], **heads)


def stage_groups(predictions: Table, number: int) -> StageGroups:
    """One stage: 0 of showers, 1 of tracks, 2 of interactions."""
    return StageGroups(of_stage(predictions, "group", number), predictions, number)
