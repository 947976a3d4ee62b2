"""Which voxels are ghosts, from the charges of the three wires that cross in each.

The charge of a wire is that of all voxels on it at that time. It is shared among them by maximum
likelihood (Shepp and Vardi, IEEE Trans. Med. Imaging 1 (1982) 113), the idea of Wire-Cell's charge
solving (Qian et al., JINST 13 (2018) P05032): a true voxel explains its wires, a ghost lies on
wires that others explain. Which wire a voxel is on is not told: those on one wire at one time have
the same charge there to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.classical.surroundings import neighbours
from zoo_sparse_reco.points.fragments import NEAR

__all__ = ["COLUMNS", "agreement", "solved_share"]

Floats = NDArray[np.float64]

COLUMNS = ("share", "share_around", "disagreement", "charge")
"""``share``: of the least of the three charges that the voxel explains, ``share_around``: mean of
this over the neighbours; ``disagreement``: standard deviation of the logarithms of the charges;
``charge``: logarithm of the least, electrons."""


def solved_share(x: NDArray[Any], charge: NDArray[Any], iterations: int) -> Floats:
    """Share of its least charge that each voxel explains, (voxels,).

    Args:
        x: Along which wires are read at different times, whole numbers (voxels,).
        charge: Of the three wires, positive, (voxels, 3).
        iterations: Steps of the sharing.
    """
    wires, measured = [], []
    total = 0
    for plane in charge.T:
        pairs = np.stack([x.astype(np.float64), plane.astype(np.float64)], axis=1)
        values, wire = np.unique(pairs, axis=0, return_inverse=True)
        wires.append(wire.ravel() + total)
        measured.append(values[:, 1])
        total += len(values)
    seen = np.concatenate(measured)
    least = charge.min(axis=1).astype(np.float64)
    found: Floats = least / len(wires)
    for _ in range(iterations):
        explained = sum(np.bincount(wire, found, minlength=total) for wire in wires)
        ratio = seen / np.maximum(explained, 1e-12)
        found = found * sum(ratio[wire] for wire in wires) / len(wires)
    share: Floats = found / least
    return share


def agreement(place: NDArray[Any], charge: NDArray[Any], iterations: int) -> Floats:
    """The :data:`COLUMNS` of each voxel of one event, (voxels, 4).

    Args:
        place: (voxels, 3).
        charge: Electrons on the three wires, (voxels, 3); at least one counts.
        iterations: Steps of the sharing.
    """
    charge = np.maximum(charge.astype(np.float64), 1.0)
    if not len(charge):
        return np.zeros((0, len(COLUMNS)))
    share = solved_share(place[:, 0], charge, iterations)
    around = neighbours(place.astype(np.float64), NEAR)
    mean = np.asarray(around @ share) / np.asarray(around.sum(axis=1))
    spread = np.log(charge).std(axis=1)
    return np.column_stack([share, mean, spread, np.log(charge.min(axis=1))])
