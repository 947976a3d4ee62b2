"""Which voxels hang together: neighbours share a face, an edge or a corner."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["connected"]

_HALF = [offset for offset in product((-1, 0, 1), repeat=3) if offset > (0, 0, 0)]


def connected(voxel: NDArray[Any], label: NDArray[Any]) -> NDArray[np.int64]:
    """Number the connected pieces of voxels that have the same label.

    Args:
        voxel: (n, 3), whole numbers of at most 2^20, all different where labels are the same.
        label: (n,), such as the particle, and the event where there are several.

    Returns:
        (n,): 0, 1, ... by the smallest voxel number of each piece.
    """
    if not len(voxel):
        return np.zeros(0, np.int64)
    _, dense = np.unique(label, return_inverse=True)
    low = voxel.min(axis=0) - 1
    span = (voxel.max(axis=0) - low + 2).astype(np.int64)
    place = (voxel - low).astype(np.int64)
    key = ((dense * span[0] + place[:, 0]) * span[1] + place[:, 1]) * span[2] + place[:, 2]
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    ones, others = [], []
    for dx, dy, dz in _HALF:
        wanted = ordered + (dx * span[1] + dy) * span[2] + dz
        found = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        hit = np.flatnonzero(ordered[found] == wanted)
        ones.append(order[hit])
        others.append(order[found[hit]])
    one, other = np.concatenate(ones), np.concatenate(others)
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(key), len(key)))
    _, piece = connected_components(graph, directed=False)
    _, first, inverse = np.unique(piece, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse]
    return numbered
