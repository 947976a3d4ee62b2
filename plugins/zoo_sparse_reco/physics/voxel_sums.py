"""Energy of particles in voxels, of many events at once, and which voxels hang together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from zoo_sparse_reco.physics.deposits import Pieces

__all__ = ["VoxelKeys", "VoxelSums", "neighbours", "pieces_together", "summed"]

Array = NDArray[np.float64]
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


@dataclass(frozen=True)
class VoxelSums:
    """Energies in voxels above a threshold.

    Attributes:
        key: int64 (v,), rising: :class:`VoxelKeys`.
        deposit: float64 (v,), MeV.
        voxel: int64 (c,), rising: the row in ``key`` of a particle's share.
        owner: int64 (c,), that particle; rising within a voxel.
        energy: float64 (c,), MeV.
    """

    key: Whole
    deposit: Array
    voxel: Whole
    owner: Whole
    energy: Array


def summed(
    pieces: Pieces, event: Whole, keys: VoxelKeys, owners: int, least_mev: float
) -> VoxelSums:
    """Add up what lies in the same voxel, by particle.

    Args:
        pieces: Those outside of the grid are left out.
        event: (n,), of the pieces.
        keys: Of the grid.
        owners: Number of particles.
        least_mev: Voxels with less are left out.
    """
    inside = np.all((pieces.voxel >= 0) & (pieces.voxel < np.array(keys.shape)), axis=1)
    both = keys.of(event[inside], pieces.voxel[inside]) * owners + pieces.owner[inside]
    order = np.argsort(both, kind="stable")
    both, energy = both[order], pieces.energy[inside][order]
    starts = _starts(both)
    both, energy = both[starts], _sums(energy, starts)
    key, owner = np.divmod(both, owners)
    starts = _starts(key)
    total = _sums(energy, starts)
    voxel = np.cumsum(_is_start(key)) - 1
    kept = total >= least_mev
    row = np.cumsum(kept) - 1
    share = kept[voxel] if len(voxel) else np.zeros(0, bool)
    return VoxelSums(key[starts][kept], total[kept], row[voxel[share]], owner[share], energy[share])


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
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(key), len(key)))
    _, piece = connected_components(graph, directed=False)
    _, first, inverse = np.unique(piece, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: Whole = rank[inverse]
    return numbered


def _is_start(ordered: Whole) -> NDArray[np.bool_]:
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _starts(ordered: Whole) -> NDArray[np.intp]:
    return np.flatnonzero(_is_start(ordered))


def _sums(values: Array, starts: NDArray[np.intp]) -> Array:
    return np.asarray(np.add.reduceat(values, starts)) if len(starts) else np.zeros(0)
