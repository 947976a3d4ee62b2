"""Sixteen numbers of the shape of a node: centre, covariance, principal axis, size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.grouping.features.segments import means, sums

__all__ = ["shape_features"]

Floats = NDArray[np.float64]


def shape_features(place: Floats, offsets: NDArray[np.int64]) -> Floats:
    """As lartpc_mlreco3d and SPINE have them (Drielsma et al., arXiv:2007.01335), (n, 16).

    Centre (3); covariance over its largest eigenvalue (9); principal axis times one minus the ratio
    of the second eigenvalue to the first, towards where voxels spread away from the axis (3);
    number of voxels (1). Of a single voxel covariance and axis are 0.

    Args:
        place: Middles of voxels, node after node, (m, 3).
        offsets: Of nodes, (n + 1,).
    """
    sizes = np.diff(offsets)
    centre = means(place, offsets)
    relative = place - np.repeat(centre, sizes, axis=0)
    covariance = sums(relative[:, :, None] * relative[:, None, :], offsets)
    eigenvalue, vectors = np.linalg.eigh(covariance)
    largest = eigenvalue[:, 2]
    extended = largest > 0
    scale = np.where(extended, largest, 1.0)
    axis = _towards_the_spread(vectors[:, :, 2], relative, offsets)
    axis = axis * np.where(extended, 1 - eigenvalue[:, 1] / scale, 0.0)[:, None]
    covariance = (covariance / scale[:, None, None]).reshape(-1, 9)
    return np.concatenate([centre, covariance, axis, sizes[:, None]], axis=1)


def _towards_the_spread(axis: Floats, relative: Floats, offsets: NDArray[np.int64]) -> Floats:
    """Each axis (n, 3) or its opposite: on the side on which voxels lie further from it."""
    each = np.repeat(axis, np.diff(offsets), axis=0)
    along = np.einsum("ij,ij->i", relative, each)
    across = np.linalg.norm(relative - along[:, None] * each, axis=1)
    return np.where(sums(along * across, offsets)[:, None] < 0, -axis, axis)
