"""Directions of clusters of voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEAR_VOXELS", "UNKNOWN", "direction_at", "principal_axis", "unit"]

Array = NDArray[np.float64]

NEAR_VOXELS = 5.0
"""Voxels this near to a point tell the direction there (SPINE's radius)."""

UNKNOWN = np.full(3, np.nan)
"""A direction or a place that nobody knows."""

_SMALL = 1e-9


def principal_axis(place: Array) -> Array:
    """Unit vector along which places (n, 3) spread most; NaN where all are one."""
    around = place - place.mean(axis=0)
    if len(place) < 2 or np.abs(around).max() < _SMALL:
        return UNKNOWN.copy()
    _, axes = np.linalg.eigh(around.T @ around)
    axis: Array = axes[:, -1]
    return axis


def direction_at(place: Array, start: Array, near: float = NEAR_VOXELS) -> Array:
    """Direction in which a cluster leaves a point: its principal axis there, away from the point.

    Args:
        place: Middles of its voxels (n, 3), n > 0.
        start: (3,).
        near: Voxels this near count; where there are fewer than three, the three nearest do.

    Returns:
        Unit vector (3,); NaN where all voxels lie in one place with the start.
    """
    distance = np.linalg.norm(place - start, axis=1)
    inside = distance <= near
    if inside.sum() < 3:
        inside = distance <= np.sort(distance)[min(2, len(distance) - 1)]
    chosen = place[inside]
    away = chosen.mean(axis=0) - start
    axis = principal_axis(chosen)
    if np.isnan(axis).any():
        return unit(away)
    along = float(axis @ away)
    if abs(along) < _SMALL:  # it lies to both sides: then the rest of the cluster decides
        along = float(axis @ (place.mean(axis=0) - start))
    return -axis if along < 0 else axis


def unit(vector: Array) -> Array:
    """Of length 1; NaN where it has none."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > _SMALL else UNKNOWN.copy()
