"""Multiple scattering: how far a track turns by itself.

The projected angle of a thin layer has the width 13.6 MeV/(beta c p) sqrt(x/X0) (Highland; Lynch and
Dahl, NIM B 58 (1991) 6; PDG review "Passage of particles through matter", eq. 34.16), here without
the logarithm, which is not additive: layers must add up to the same track however it is cut.

In the bending plane the length, the momentum and the projection together leave p_t and a factor of
1/cos(lambda), which is near one and dropped: the pads do not see lambda.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["angle_variance", "kinks"]

Array = NDArray[np.float64]

_HIGHLAND_GEV = 0.0136


def angle_variance(q_over_pt: Array, mass_gev: float, radiation_length_mm: float) -> Array:
    """Variance of the angle per mm of track, rad^2/mm.

    Args:
        q_over_pt: Of each track, c/GeV.
        mass_gev: Of the particle, GeV/c^2.
        radiation_length_mm: X0 of the gas.
    """
    inverse = np.abs(q_over_pt)
    inverse_beta = np.sqrt(1 + (mass_gev * inverse) ** 2)
    return np.asarray((_HIGHLAND_GEV * inverse * inverse_beta) ** 2 / radiation_length_mm)


def kinks(length_mm: Array, number: int) -> Array:
    """Path at which a track of each length is bent, float64 (N, number): middles of equal parts."""
    return np.asarray(length_mm[:, None] * (np.arange(number) + 0.5) / number)
