"""From scores of edges to clusters: connected pieces, and orphans to where their neighbours are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.connected import linked

__all__ = ["edge_clusters"]

Whole = NDArray[np.int64]


def edge_clusters(
    count: int, one: Whole, other: Whole, kept: NDArray[np.bool_], smallest: int
) -> Whole:
    """Connected pieces of the graph of the kept edges, (count,); -1: of none.

    Pieces of fewer voxels than ``smallest`` are orphans. Each of their voxels goes to the cluster
    that most of its neighbours belong to, along kept and cut edges alike, of equal ones to the
    first; this is repeated until nothing changes. What has no such neighbour is of none.

    Args:
        count: Voxels.
        one: (E,), one end of each edge.
        other: (E,), the other end.
        kept: (E,), those that are not cut.
        smallest: Voxels of a cluster.
    """
    piece = linked(count, one[kept], other[kept])
    large = np.bincount(piece, minlength=1)[piece] >= smallest if count else np.zeros(0, np.bool_)
    label: Whole = np.where(large, piece, -1)
    start, end = np.concatenate([one, other]), np.concatenate([other, one])
    while True:
        waiting = label[start] < 0
        start, end = start[waiting], end[waiting]
        voting = label[end] >= 0
        if not voting.any():
            return label
        pairs, votes = np.unique(
            np.stack([start[voting], label[end[voting]]]), axis=1, return_counts=True
        )
        order = np.lexsort((pairs[1], -votes, pairs[0]))
        voxel, first = np.unique(pairs[0][order], return_index=True)
        label[voxel] = pairs[1][order][first]
