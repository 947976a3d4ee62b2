"""Energy that tracks leave in voxels, from straight segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

__all__ = ["Deposits", "Shares", "Tracks", "summed", "tracks_of"]

Array = NDArray[Any]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Tracks:
    """Tracks of the simulation, events one after another, in each by rising number.

    Attributes:
        event: int64 (T,).
        number: int64 (T,), of the simulation.
        pdg: int64 (T,).
        start, end: (T, 3), in voxels.
        energy: (T,), MeV, deposited.
        stops: bool (T,): its end is within the recorded volume.
    """

    event: Whole
    number: Whole
    pdg: Whole
    start: Array
    end: Array
    energy: Array
    stops: NDArray[np.bool_]


@dataclass(frozen=True)
class Deposits:
    """Energy of one track in one voxel, each pair once.

    Attributes:
        voxel: int64 (D,), rising: row of ``place``.
        track: int64 (D,): row of the tracks.
        energy: (D,), MeV.
        event: int64 (V,), rising.
        place: int64 (V, 3), all different in an event.
    """

    voxel: Whole
    track: Whole
    energy: Array
    event: Whole
    place: Whole


@dataclass(frozen=True)
class Shares:
    """Where the energy of some events is, MeV: ``deposited`` is the sum of the others.

    Attributes:
        deposited: (N,), in all segments.
        kept: (N,), in voxels above the threshold.
        below: (N,), in voxels that are not.
        outside: (N,), outside of the grid.
    """

    deposited: NDArray[np.float64]
    kept: NDArray[np.float64]
    below: NDArray[np.float64]
    outside: NDArray[np.float64]


def tracks_of(
    event: Whole,
    number: Whole,
    *,
    pdg: Array,
    start: Array,
    end: Array,
    energy: Array,
    ends: Array,
) -> tuple[Whole, Tracks]:
    """Tracks of segments, from their first to their last one.

    Args:
        event: int64 (S,), rising.
        number: int64 (S,), of the track.
        pdg: (S,).
        start: (S, 3), in voxels.
        end: (S, 3).
        energy: (S,), MeV.
        ends: bool (S,): whether the end lies within the recorded volume.

    Returns:
        int64 (S,), the row of each segment's track, and the tracks.
    """
    key = event * 2**32 + number
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    last = np.zeros(len(first), np.int64)
    last[row] = np.arange(len(row))  # the last one stays
    return row, Tracks(
        event=event[first],
        number=number[first],
        pdg=np.asarray(pdg[first], np.int64),
        start=start[first],
        end=end[last],
        energy=np.bincount(row, energy, minlength=len(first)),
        stops=np.asarray(ends[last], bool),
    )


def summed(
    event: Whole,
    voxel: Whole,
    track: Whole,
    energy: Array,
    *,
    grid: VoxelGrid,
    threshold_mev: float,
    events: int,
) -> tuple[Deposits, Array]:
    """Add up what each track leaves in each voxel.

    Args:
        event: int64 (n,).
        voxel: int64 (n, 3), in the grid.
        track: int64 (n,).
        energy: (n,), MeV.
        grid: Of the voxels.
        threshold_mev: What a voxel must exceed.
        events: How many there are.

    Returns:
        Deposits in voxels above the threshold, and the energy of each event below it (events,).
    """
    key = event
    for axis in range(3):
        key = key * grid.shape[axis] + voxel[:, axis]
    order = np.lexsort((track, key))
    key, track, energy = key[order], track[order], energy[order]
    new_voxel = np.ones(len(key), bool)
    new_voxel[1:] = key[1:] != key[:-1]
    new_pair = new_voxel.copy()
    new_pair[1:] |= track[1:] != track[:-1]
    pairs = np.flatnonzero(new_pair)
    summed = np.add.reduceat(energy, pairs) if len(pairs) else energy
    row = (np.cumsum(new_voxel) - 1)[pairs]
    total = np.bincount(row, summed)
    kept = total > threshold_mev
    first = order[np.flatnonzero(new_voxel)]
    of = event[first]
    below = np.bincount(of[~kept], total[~kept], minlength=events)
    renumbered = np.cumsum(kept) - 1
    use = kept[row]
    return (
        Deposits(
            voxel=renumbered[row[use]],
            track=track[pairs][use],
            energy=summed[use],
            event=of[kept],
            place=voxel[first][kept],
        ),
        below,
    )
