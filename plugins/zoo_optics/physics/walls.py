"""Where straight ways meet the wall of a volume."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_optics.physics.detector import Box, Cylinder

__all__ = ["crossing", "to_wall"]

Array = NDArray[np.float64]


def to_wall(volume: Cylinder | Box, position: Array, direction: Array) -> tuple[Array, Array]:
    """The way of every ray to the wall.

    Args:
        volume: What they are in.
        position: (N, 3), cm, inside.
        direction: (N, 3), unit vectors.

    Returns:
        Distance float64 (N,), cm, not negative, and the inward normal there, (N, 3).
    """
    if isinstance(volume, Cylinder):
        return _cylinder_wall(volume, position, direction)
    return _box_wall(volume.low, volume.high, position, direction)


def crossing(
    volume: Cylinder | Box, position: Array, direction: Array, grown_cm: float = 0.0
) -> tuple[Array, Array]:
    """Where lines enter and leave a volume.

    Args:
        volume: Any.
        position: (N, 3), cm, anywhere.
        direction: (N, 3), unit vectors.
        grown_cm: The wall is moved out by this, or in where it is negative.

    Returns:
        Distances float64 (N,), cm, along the lines, negative behind; a line that misses the volume
        leaves it before it enters.
    """
    low, high = volume.low - grown_cm, volume.high + grown_cm
    if np.any(low >= high):  # moved in until nothing is left
        return np.full(len(position), np.inf), np.full(len(position), -np.inf)
    if isinstance(volume, Cylinder):
        barrel = _within_circle(volume.radius_cm + grown_cm, position[:, :2], direction[:, :2])
        caps = _between(low[2:], high[2:], position[:, 2:], direction[:, 2:])
        return np.maximum(barrel[0], caps[0]), np.minimum(barrel[1], caps[1])
    return _between(low, high, position, direction)


def _between(low: Array, high: Array, position: Array, direction: Array) -> tuple[Array, Array]:
    """Entry and exit of lines between pairs of planes, all axes together."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.stack([(low - position) / direction, (high - position) / direction])
    inside = (low <= position) & (position <= high)
    along = direction == 0  # such a line is always between its two planes, or never
    near = np.where(along, np.where(inside, -np.inf, np.inf), ways.min(axis=0))
    far = np.where(along, np.where(inside, np.inf, -np.inf), ways.max(axis=0))
    return near.max(axis=1), far.min(axis=1)


def _within_circle(radius: float, position: Array, across: Array) -> tuple[Array, Array]:
    """Entry and exit of lines in a circle, from their components across its axis."""
    square = np.einsum("ij,ij->i", across, across)
    along = np.einsum("ij,ij->i", position, across)
    outside = np.einsum("ij,ij->i", position, position) - radius**2
    root = along**2 - square * outside
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.sqrt(root)
        near, far = (-along - half) / square, (-along + half) / square
    parallel = square == 0
    never = np.where(parallel, outside > 0, root < 0)
    near = np.where(never, np.inf, np.where(parallel, -np.inf, near))
    far = np.where(never, -np.inf, np.where(parallel, np.inf, far))
    return near, far


def _cylinder_wall(volume: Cylinder, position: Array, direction: Array) -> tuple[Array, Array]:
    across = direction[:, :2]
    square = np.einsum("ij,ij->i", across, across)
    along = np.einsum("ij,ij->i", position[:, :2], across)
    inside = np.einsum("ij,ij->i", position[:, :2], position[:, :2]) - volume.radius_cm**2
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.clip(along**2 - square * inside, 0, None))
        barrel = np.where(square > 0, (root - along) / square, np.inf)
        up = np.sign(direction[:, 2])
        cap = (up * volume.half_height_cm - position[:, 2]) / direction[:, 2]
    cap = np.where(direction[:, 2] == 0, np.inf, cap)
    at_cap = cap < barrel
    way = np.clip(np.where(at_cap, cap, barrel), 0, None)
    normal = np.zeros_like(position)
    normal[at_cap, 2] = -up[at_cap]
    end = position[:, :2] + across * way[:, None]
    normal[~at_cap, :2] = -end[~at_cap] / volume.radius_cm
    return way, normal


def _box_wall(low: Array, high: Array, position: Array, direction: Array) -> tuple[Array, Array]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(direction > 0, high - position, low - position) / direction
    ways = np.where(direction == 0, np.inf, ways)
    axis = ways.argmin(axis=1)
    rows = np.arange(len(axis))
    normal = np.zeros_like(position)
    normal[rows, axis] = -np.sign(direction[rows, axis])
    return np.clip(ways[rows, axis], 0, None), normal
