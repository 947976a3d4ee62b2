"""Multiple scattering, and the walk of a track through the gas.

Scattering is Highland's formula as the Particle Data Group gives it (Review of Particle Physics,
"Passage of particles through matter", from memory): a Gaussian angle of the whole track, divided
among many small kicks. Energy loss is left out: 0.4 MeV over 1.6 m of argon at 2.5 keV/cm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import normal
from zoo_ha_tpc.physics.helix import Tracks, inside
from zoo_ha_tpc.physics.pad_plane import PadPlane

__all__ = ["Path", "highland", "walk"]

Array = NDArray[np.float64]

_STEPS_A_KICK = 4
_BEYOND_MM = 60.0  # a scattered track may run further than the length that was foreseen
_THINNEST = 1e-15  # in radiation lengths: the formula gives no angle there
_TAG = 101  # of the random numbers


@dataclass(frozen=True)
class Path:
    """Middles of the steps of tracks, (N, S) each.

    Attributes:
        x_mm, y_mm, z_mm: Where, float64.
        alive: bool: still inside.
    """

    x_mm: Array
    y_mm: Array
    z_mm: Array
    alive: NDArray[np.bool_]


def highland(momentum: Array, mass: float, thickness: Array) -> Array:
    """RMS of the angle of scattering in a plane.

    Args:
        momentum: GeV/c.
        mass: GeV/c2, of a particle of unit charge.
        thickness: Path in radiation lengths.

    Returns:
        13.6 MeV / (beta c p) sqrt(t) (1 + 0.038 ln(t / beta^2)), radians, at least 0.
    """
    beta = momentum / np.hypot(momentum, mass)
    correction = 1 + 0.038 * np.log(np.maximum(thickness, _THINNEST) / beta**2)
    return np.asarray(0.0136 / (beta * momentum) * np.sqrt(thickness) * np.maximum(correction, 0))


def walk(
    keys: NDArray[np.uint64],
    tracks: Tracks,
    plane: PadPlane,
    *,
    length_mm: Array,
    step_mm: float,
    mass: float,
    radiation_length_mm: float,
) -> Path:
    """Scattered tracks, step by step, until they leave.

    Args:
        keys: (N,), of the random numbers.
        tracks: N tracks that start inside.
        plane: What they cross.
        length_mm: (N,), length in (z, y) that is foreseen (:func:`length_inside`).
        step_mm: Of a step, in space.
        mass: GeV/c2.
        radiation_length_mm: Of the gas; infinite: no scattering.
    """
    cosine = 1 / np.sqrt(1 + tracks.tan_lambda**2)
    most = np.ceil((length_mm + _BEYOND_MM) / (step_mm * cosine)).astype(np.intp)
    steps = int(most.max(initial=1))
    kicks = -(-steps // _STEPS_A_KICK)
    in_space = length_mm / cosine
    rms = highland(tracks.momentum, mass, in_space / radiation_length_mm)
    rms *= np.sqrt(_STEPS_A_KICK * step_mm / in_space)
    bends = np.cumsum(normal(keys, kicks, 2, tag=_TAG) * rms[:, None, None], axis=1)
    bends = np.repeat(bends, _STEPS_A_KICK, axis=1)[:, :steps]
    # The field turns phi by the same angle in each step in space, whatever the dip.
    turn = tracks.curvature(plane.field_tesla) * cosine * step_mm
    middle = np.arange(steps) + 0.5
    phi = tracks.phi[:, None] + turn[:, None] * middle + bends[..., 0] / cosine[:, None]
    dip = np.arctan(tracks.tan_lambda)[:, None] + bends[..., 1]
    flat = step_mm * np.cos(dip)
    x = _middles(tracks.x_mm, step_mm * np.sin(dip))
    y = _middles(tracks.y_mm, flat * np.sin(phi))
    z = _middles(tracks.z_mm, flat * np.cos(phi))
    alive = inside(plane, x, y, z) & (middle < most[:, None])
    return Path(x, y, z, np.logical_and.accumulate(alive, axis=1))


def _middles(start: Array, moves: Array) -> Array:
    return np.asarray(start[:, None] + np.cumsum(moves, axis=1) - moves / 2)
