"""Energy of particles in voxels, of many events at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.connected import VoxelKeys
from zoo_sparse_reco.physics.deposits import Pieces

__all__ = ["VoxelSums", "summed"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


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


def _is_start(ordered: Whole) -> NDArray[np.bool_]:
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _starts(ordered: Whole) -> NDArray[np.intp]:
    return np.flatnonzero(_is_start(ordered))


def _sums(values: Array, starts: NDArray[np.intp]) -> Array:
    return np.asarray(np.add.reduceat(values, starts)) if len(starts) else np.zeros(0)
