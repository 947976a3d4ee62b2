"""Nodes: the input clusters of a stage, and the voxels of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_sparse_reco.grouping.stages import CLASSES, Stage, common_classes
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["INPUT_CLASS", "Nodes", "majority", "nodes_of"]

Whole = NDArray[np.int64]

INPUT_CLASS = "input_semantic"
"""Column with the class of each voxel that nodes are judged by."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """Of all events of a table, event after event and by their numbers.

    Attributes:
        event: Row of the event, int64 (n,).
        number: Of the cluster, within the event, int64 (n,).
        semantic: In :data:`~zoo_sparse_reco.grouping.stages.CLASSES`, int64 (n,).
        voxel: Rows of voxels, node after node, rising within each, int64 (m,).
        offsets: Node k has ``voxel[offsets[k]:offsets[k + 1]]``, int64 (n + 1,).
    """

    event: Whole
    number: Whole
    semantic: Whole
    voxel: Whole
    offsets: Whole

    def __len__(self) -> int:
        return len(self.event)

    @property
    def sizes(self) -> Whole:
        """Voxels of each, int64 (n,), all above 0."""
        return np.diff(self.offsets)

    @property
    def owner(self) -> Whole:
        """The node of each entry of ``voxel``, int64 (m,)."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def to_voxels(self, values: NDArray[np.integer], count: int) -> NDArray[np.int32]:
        """``values`` (n,) at the voxels (count,) of each node; -1 at those of none."""
        found = np.full(count, -1, np.int32)
        found[self.voxel] = values[self.owner]
        return found


def nodes_of(samples: Table, stage: Stage, *, scheme: str, smallest: int = 1) -> Nodes:
    """The clusters of a table that are nodes of a stage.

    A cluster has the class of most of its voxels, of equally many the lower one; voxels of none of
    the four classes count only as voxels.

    Args:
        samples: With the column of the stage's clusters and :data:`INPUT_CLASS`.
        stage: Which.
        scheme: Of the classes.
        smallest: Clusters of fewer voxels are no nodes.
    """
    column = samples[stage.cluster]
    cluster = column.values.astype(np.int64)
    event = np.repeat(np.arange(samples.rows), column.lengths)
    semantic = common_classes(samples[INPUT_CLASS].values, scheme)
    voxel = np.flatnonzero(cluster >= 0)
    width = int(cluster.max(initial=0)) + 1
    key, owner = np.unique(event[voxel] * width + cluster[voxel], return_inverse=True)
    kind = majority(owner, semantic[voxel], len(key), len(CLASSES))
    sizes = np.bincount(owner, minlength=len(key))
    kept = np.isin(kind, stage.classes) & (sizes >= smallest)
    renumbered = np.cumsum(kept) - 1
    inside = kept[owner]
    owner, voxel = renumbered[owner[inside]], voxel[inside]
    order = np.argsort(owner, kind="stable")
    offsets = offsets_of(sizes[kept])
    return Nodes(key[kept] // width, key[kept] % width, kind[kept], voxel[order], offsets)


def majority(owner: Whole, value: Whole, count: int, values: int) -> Whole:
    """The value (count,) that most entries of each owner have; of equally many the lowest.

    Args:
        owner: (m,), from 0 to ``count - 1``.
        value: (m,), below ``values``; those below 0 do not count.
        count: Owners; one without any value has -1.
        values: Different ones.
    """
    known = value >= 0
    both, times = np.unique(owner[known] * values + value[known], return_counts=True)
    of, what = both // max(values, 1), both % max(values, 1)
    order = np.lexsort((what, -times, of))
    owners, first = np.unique(of[order], return_index=True)
    found = np.full(count, -1, np.int64)
    found[owners] = what[order][first]
    return found
