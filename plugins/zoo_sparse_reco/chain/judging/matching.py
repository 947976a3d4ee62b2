"""Which reconstructed particle is which true one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.clustering_measures import overlaps_of_found

__all__ = ["MATCH", "Agreement", "Matches", "agreement", "matched"]

MATCH = 0.5
"""Shared voxels over those of both, above which two clusters are the same: at most one is."""


@dataclass(frozen=True)
class Matches:
    """Clusters of one event.

    Attributes:
        true, found: Numbers of the true clusters that count, and of those found, rising.
        pairs: Numbers of a true and a found cluster that are the same, (m, 2).
    """

    true: NDArray[np.int64]
    found: NDArray[np.int64]
    pairs: NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Two clusterings of the same voxels, 0 to 1; NaN of no voxels.

    Attributes:
        ari: Adjusted Rand index.
        efficiency: Mean over true clusters of the largest share in one found.
        purity: Mean over found clusters of the largest share of one true.
    """

    ari: float
    efficiency: float
    purity: float


def matched(
    true: NDArray[Any], found: NDArray[Any], smallest: int = 1, match: float = MATCH
) -> Matches:
    """Clusters whose intersection over union is above a half.

    Args:
        true: Cluster of each voxel (v,), -1: of none.
        found: Likewise.
        smallest: Clusters of fewer voxels neither count nor match.
        match: Above which two are the same, at least a half.
    """
    inside = (true >= 0) & (found >= 0)
    true_ids, true_size = np.unique(true[true >= 0], return_counts=True)
    found_ids, found_size = np.unique(found[found >= 0], return_counts=True)
    both = np.stack([true[inside], found[inside]], axis=1).astype(np.int64)
    pairs, shared = np.unique(both, axis=0, return_counts=True)
    of_true = true_size[np.searchsorted(true_ids, pairs[:, 0])]
    of_found = found_size[np.searchsorted(found_ids, pairs[:, 1])]
    same = shared / (of_true + of_found - shared) > match
    same &= (of_true >= smallest) & (of_found >= smallest)
    return Matches(
        true_ids[true_size >= smallest].astype(np.int64),
        found_ids[found_size >= smallest].astype(np.int64),
        pairs[same],
    )


def agreement(true: NDArray[Any], found: NDArray[Any]) -> Agreement:
    """Of the voxels whose true cluster is known.

    A voxel of no found cluster is one by itself; only the purity, of what was found, leaves it out.

    Args:
        true: Cluster of each voxel (v,), -1: not known.
        found: Likewise, -1: of none.
    """
    known = true >= 0
    every, held = overlaps_of_found(true[known], found[known].astype(np.int64))
    return Agreement(every.adjusted_rand_index(), every.efficiency(), held.purity())
