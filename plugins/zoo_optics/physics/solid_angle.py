"""What part of the sphere a sensor covers, seen from a point, in sr."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cosine_and_distance", "disc", "dome", "rectangle"]

Array = NDArray[np.float64]


def cosine_and_distance(
    position_cm: Array, sensor_cm: Array, direction: Array
) -> tuple[Array, Array]:
    """How sensors lie, seen from points.

    Args:
        position_cm: (N, 3), points.
        sensor_cm: (S, 3), sensors.
        direction: (S, 3), their normals.

    Returns:
        Cosine of the angle to the normal, negative behind, and distance in cm, both (N, S).
    """
    way = sensor_cm[None] - position_cm[:, None]
    distance = np.linalg.norm(way, axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = -np.einsum("nsi,si->ns", way, direction) / distance
    return np.where(distance > 0, cosine, 1.0), distance


def disc(radius: float, distance: Array, cosine: Array) -> Array:
    """A flat disc: exactly on its axis, elsewhere up to terms of (radius / distance)^2.

    It is the solid angle on the axis, ``2 pi (1 - d / sqrt(d^2 + r^2))``, times the cosine: right
    far away at every angle, and near at angle 0. Behind the disc it is 0.

    Args:
        radius: Of the disc.
        distance: To its centre, in the unit of the radius.
        cosine: Of the angle between its normal and the way to the point.
    """
    on_axis = 2 * np.pi * (1 - distance / np.hypot(distance, radius))
    return on_axis * np.clip(cosine, 0, None)


def dome(radius: float, distance: Array, cosine: Array) -> Array:
    """Half a sphere, open to the front: exactly on its axis and far away, in front of its base.

    Seen at an angle it shows ``pi r^2 (1 + cos) / 2``; the solid angle is that of a sphere which
    shows as much, and half of space where the point is inside of that. Behind the base it is 0.

    Args:
        radius: Of the dome.
        distance: To the centre of its base, in the unit of the radius.
        cosine: Of the angle between its axis and the way to the point.
    """
    seen = radius * np.sqrt((1 + np.clip(cosine, 0, 1)) / 2)
    ratio = np.clip(seen / np.maximum(distance, seen), None, 1)
    angle: Array = 2 * np.pi * (1 - np.sqrt(1 - ratio**2))
    return angle * (cosine > 0)


def rectangle(width: float, height: float, across: Array, up: Array, depth: Array) -> Array:
    """A rectangle, exactly.

    Args:
        width: One edge.
        height: The other.
        across: Where the point is before it, from its centre along the width.
        up: Likewise along the height.
        depth: Distance of the point from its plane, positive.

    Returns:
        The sum over its corners of ``atan(x y / (z sqrt(x^2 + y^2 + z^2)))`` with signs.
    """
    total = np.zeros(np.broadcast_shapes(across.shape, up.shape, depth.shape))
    for sign_x in (-1, 1):
        for sign_y in (-1, 1):
            x, y = sign_x * width / 2 - across, sign_y * height / 2 - up
            total += sign_x * sign_y * np.arctan2(x * y, depth * np.sqrt(x**2 + y**2 + depth**2))
    return total
