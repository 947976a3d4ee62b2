"""Which voxels hang together: neighbours share a face, an edge or a corner."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["VoxelKeys", "connected", "linked", "neighbours", "pieces_together"]

Whole = NDArray[np.int64]

_SIDES = (-1, 0, 1)
_HALF: list[tuple[int, int, int]] = [
    (x, y, z) for x, y, z in product(_SIDES, _SIDES, _SIDES) if (x, y, z) > (0, 0, 0)
]


@dataclass(frozen=True)
class VoxelKeys:
    """One number for an event and a voxel; in its order events come first, then x, y and z.

    A row of voxels beyond each border is left free, so that no voxel has a neighbour on the far
    side.

    Attributes:
        shape: Voxels along x, y and z.
    """

    shape: tuple[int, int, int]

    def of(self, event: Whole, voxel: Whole) -> Whole:
        """Numbers (n,) of events (n,) and voxels (n, 3)."""
        x, y, z = (size + 2 for size in self.shape)
        key: Whole = ((event * x + voxel[:, 0] + 1) * y + voxel[:, 1] + 1) * z + voxel[:, 2] + 1
        return key

    def back(self, key: Whole) -> tuple[Whole, Whole]:
        """Events (n,) and voxels (n, 3) of numbers (n,)."""
        x, y, z = (size + 2 for size in self.shape)
        rest, at_z = np.divmod(key, z)
        rest, at_y = np.divmod(rest, y)
        event, at_x = np.divmod(rest, x)
        return event, np.stack([at_x, at_y, at_z], axis=1) - 1

    def offset(self, move: tuple[int, int, int]) -> int:
        """What a move by so many voxels adds to a number."""
        _, y, z = (size + 2 for size in self.shape)
        return (move[0] * y + move[1]) * z + move[2]


def connected(voxel: NDArray[Any], label: NDArray[Any]) -> Whole:
    """Number the connected pieces of voxels, in any order, that have the same label.

    Args:
        voxel: (n, 3), whole numbers, all different where labels are the same.
        label: (n,), such as the particle, and the event where there are several.

    Returns:
        (n,): 0, 1, ... in the order in which pieces appear.
    """
    if not len(voxel):
        return np.zeros(0, np.int64)
    _, number = np.unique(label, return_inverse=True)
    low = voxel.min(axis=0).astype(np.int64)
    x, y, z = (voxel.max(axis=0).astype(np.int64) - low + 1).tolist()
    keys = VoxelKeys((x, y, z))
    # Labels take the place of events, which are never neighbours.
    key = keys.of(number, voxel.astype(np.int64) - low)
    order = np.argsort(key, kind="stable")
    one, other = neighbours(key[order], keys)
    return linked(len(key), order[one], order[other])


def neighbours(key: Whole, keys: VoxelKeys) -> tuple[Whole, Whole]:
    """Rows (m,) and rows (m,) of voxels that share a face, an edge or a corner, each pair once.

    Args:
        key: (v,), rising.
        keys: Of the grid.
    """
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for x, y in sorted({move[:2] for move in _HALF}):
        # Those of one column are next to each other: one search finds the first of three.
        moves = [move for move in _HALF if move[:2] == (x, y)]
        wanted = key + keys.offset(moves[0])
        at = np.searchsorted(key, wanted)
        for step in range(len(moves)):
            found = np.minimum(at + step, len(key) - 1)
            gap = key[found] - wanted
            hit = np.flatnonzero((gap >= 0) & (gap < len(moves)) & (at + step < len(key)))
            ones.append(hit)
            others.append(found[hit])
    return np.concatenate(ones), np.concatenate(others)


def pieces_together(key: Whole, label: Whole, keys: VoxelKeys) -> Whole:
    """Connected pieces of voxels of one label, (v,): 0, 1, ... by their first voxels.

    Args:
        key: (v,), rising.
        label: (v,).
        keys: Of the grid.
    """
    if not len(key):
        return np.zeros(0, np.int64)
    one, other = neighbours(key, keys)
    same = label[one] == label[other]
    one, other = one[same], other[same]
    return linked(len(key), one, other)


def linked(count: int, one: NDArray[np.integer], other: NDArray[np.integer]) -> Whole:
    """Pieces of things of which some pairs are linked, (count,): 0, 1, ... as they appear.

    Args:
        count: Things.
        one: (m,), of each pair.
        other: (m,).
    """
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    _, piece = connected_components(graph, directed=False)
    _, first, inverse = np.unique(piece, return_index=True, return_inverse=True)
    rank: Whole = np.argsort(np.argsort(first))[inverse]
    return rank
