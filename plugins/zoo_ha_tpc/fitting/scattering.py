"""Multiple scattering: how far a track turns by itself.

The logarithm of :func:`zoo_ha_tpc.physics.scattering.highland` is not additive, so it is taken of
the whole track, and the variance divided among its parts. In the bending plane length, momentum and
projection together leave p_t and a factor of 1/cos(lambda), which is near one and dropped: the pads
do not see lambda.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.physics.scattering import highland

__all__ = ["angle_variance", "kink_paths"]

Array = NDArray[np.float64]

_STRAIGHT = 1e-6  # c/GeV: the momentum of a straight track is infinite
_SHORTEST_MM = 1e-3


def angle_variance(
    q_over_pt: Array, length_mm: Array, mass_gev: float, radiation_length_mm: float
) -> Array:
    """Variance of the angle per mm of track, rad^2/mm, (N,).

    Args:
        q_over_pt: Of each track, c/GeV.
        length_mm: Its whole length.
        mass_gev: Of the particle, GeV/c^2.
        radiation_length_mm: X0 of the gas.
    """
    momentum = 1 / np.maximum(np.abs(q_over_pt), _STRAIGHT)
    length = np.maximum(length_mm, _SHORTEST_MM)
    width = highland(momentum, mass_gev, length / radiation_length_mm)
    return np.asarray(width**2 / length)


def kink_paths(length_mm: Array, number: int) -> Array:
    """Path at which a track of each length is bent, (N, number): the middles of equal parts."""
    return np.asarray(length_mm[:, None] * (np.arange(number) + 0.5) / number)
