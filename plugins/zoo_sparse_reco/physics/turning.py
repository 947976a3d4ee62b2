"""Directions of particles that scatter many times.

Small turns are rotations; a track's direction after a step is the product of all rotations before.
Such products of many tracks at once take log2(steps) rounds (Hillis and Steele, "Data parallel
algorithms", CACM 29 (1986) 1170).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.liquid_argon import RADIATION_CM

__all__ = ["across", "deflected", "highland", "turned"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


def highland(kinetic: Array, mass: Array, step_cm: Array, path_cm: Array) -> Array:
    """RMS of the angle in a plane by which a step turns a particle of unit charge, radians.

    Highland's formula (Particle Data Group, Review of Particle Physics 2022, eq. 34.16). Its
    logarithm is that of the whole path, of which the step is a part: else many short steps scatter
    less than a long one.

    Args:
        kinetic: MeV.
        mass: MeV.
        step_cm: Length of the step.
        path_cm: Of the whole path.
    """
    momentum_beta = kinetic * (kinetic + 2 * mass) / (kinetic + mass)
    speed2 = momentum_beta / (kinetic + mass)
    thickness = np.maximum(path_cm / RADIATION_CM, 1e-6)
    factor = np.maximum(1 + 0.038 * np.log(thickness / speed2), 0.3)
    return np.asarray(13.6 / momentum_beta * np.sqrt(step_cm / RADIATION_CM) * factor)


def across(direction: Array) -> tuple[Array, Array]:
    """Two unit vectors (n, 3) across unit vectors (n, 3) and each other."""
    x, y, z = direction.T
    sign = np.where(z >= 0, 1.0, -1.0)
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    return first, np.stack([b, sign + y * y * a, -y], axis=1)


def deflected(direction: Array, cosine: Array, azimuth: Array) -> Array:
    """Unit vectors (n, 3) turned by polar angles of these cosines (n,) around themselves."""
    first, second = across(direction)
    sine = np.sqrt(np.maximum(1 - cosine**2, 0))
    side = np.cos(azimuth)[:, None] * first + np.sin(azimuth)[:, None] * second
    return np.asarray(cosine[:, None] * direction + sine[:, None] * side)


def turned(first: Array, kicks: Array, number: Whole) -> Array:
    """Directions of the steps of tracks.

    Args:
        first: (n, 3), the direction of the track before it turns, for each step.
        kicks: (n, 2), angles by which it turns before the step, around two axes across.
        number: (n,), 0, 1, ... along each track; tracks follow one another.

    Returns:
        (n, 3).
    """
    angle = np.hypot(kicks[:, 0], kicks[:, 1])
    half = np.sinc(angle / (2 * np.pi)) / 2  # sin(angle / 2) / angle
    w, x, y, z = np.cos(angle / 2), kicks[:, 0] * half, kicks[:, 1] * half, np.zeros(len(angle))
    shift, longest = 1, int(number.max(initial=0))
    while shift <= longest:
        late = np.flatnonzero(number >= shift)
        before = late - shift
        a, b, c, d = w[before], x[before], y[before], z[before]
        e, f, g, h = w[late], x[late], y[late], z[late]
        w[late] = a * e - b * f - c * g - d * h
        x[late] = a * f + b * e + c * h - d * g
        y[late] = a * g - b * h + c * e + d * f
        z[late] = a * h + b * g - c * f + d * e
        shift *= 2
    one, two = across(first)
    right, up, ahead = 2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)
    return np.asarray(right[:, None] * one + up[:, None] * two + ahead[:, None] * first)
