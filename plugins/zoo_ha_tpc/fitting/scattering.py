"""Multiple scattering: how far a track turns by itself.

The projected angle behind a thickness x has the width

    13.6 MeV / (beta c p) sqrt(x/X0) (1 + 0.038 ln(x / (X0 beta^2)))

(Highland's formula; Lynch and Dahl, NIM B 58 (1991) 6; PDG review "Passage of particles through
matter"). The logarithm is not additive, so it is taken of the whole track, and the variance divided
among its parts. In the bending plane length, momentum and projection together leave p_t and a
factor of 1/cos(lambda), which is near one and dropped: the pads do not see lambda.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["angle_variance", "kink_paths"]

Array = NDArray[np.float64]

_HIGHLAND_GEV, _HIGHLAND_LOG = 0.0136, 0.038


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
    inverse = np.abs(q_over_pt)
    inverse_beta = np.sqrt(1 + (mass_gev * inverse) ** 2)
    thickness = np.maximum(length_mm / radiation_length_mm, 1e-9)
    factor = np.maximum(1 + _HIGHLAND_LOG * np.log(thickness * inverse_beta**2), 0)
    width = _HIGHLAND_GEV * inverse * inverse_beta * factor
    return np.asarray(width**2 / radiation_length_mm)


def kink_paths(length_mm: Array, number: int) -> Array:
    """Path at which a track of each length is bent, (N, number): the middles of equal parts."""
    return np.asarray(length_mm[:, None] * (np.arange(number) + 0.5) / number)
