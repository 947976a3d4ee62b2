"""Charged particles in a solenoid: helices that scatter in the layers.

Units: mm, GeV, tesla, radians. Energy loss is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIELD", "RADII", "Particles", "curvature", "highland", "scattered", "to_radius"]

Array = NDArray[np.float64]

RADII = (32.0, 72.0, 116.0, 172.0, 260.0, 360.0, 500.0, 660.0)
"""Of the layers, mm: the innermost eight of the barrel of TrackML (arXiv:1904.06778)."""
FIELD = 2.0  # tesla, along z
_PER_GEV = 0.299792458e-3  # GeV / (tesla mm): p = q B R with the speed of light
_PION = 0.13957  # mass, GeV
_NEWTON = 8  # iterations; three bring the last digit


@dataclass(frozen=True)
class Particles:
    """States of N particles, each ``(N,)``.

    Attributes:
        x, y, z: Where they are.
        azimuth: Of the direction of flight.
        slope: dz over path in the transverse plane, cot(theta).
        curvature: Change of azimuth over path in the transverse plane, 1/mm, signed.
    """

    x: Array
    y: Array
    z: Array
    azimuth: Array
    slope: Array
    curvature: Array

    @property
    def momentum(self) -> Array:
        """Transverse momentum, GeV."""
        momentum: Array = _PER_GEV * FIELD / np.abs(self.curvature)
        return momentum


def curvature(momentum: Array) -> Array:
    """Of the track of a transverse momentum (GeV), 1/mm."""
    return _PER_GEV * FIELD / momentum


def to_radius(particles: Particles, radius: float) -> Particles:
    """Follow helices outwards to a cylinder, which they must reach.

    Newton's method for the path at which x^2 + y^2 = radius^2.
    """
    path = radius - np.hypot(particles.x, particles.y)
    for _ in range(_NEWTON):
        x, y, azimuth = _along(particles, path)
        square = x**2 + y**2 - radius**2
        path = path - square / (2 * (x * np.cos(azimuth) + y * np.sin(azimuth)))
    x, y, azimuth = _along(particles, path)
    z = particles.z + particles.slope * path
    return replace(particles, x=x, y=y, z=z, azimuth=azimuth)


def _along(particles: Particles, path: Array) -> tuple[Array, Array, Array]:
    begin, bend = particles.azimuth, particles.curvature
    end = begin + bend * path
    x = particles.x + (np.sin(end) - np.sin(begin)) / bend
    y = particles.y - (np.cos(end) - np.cos(begin)) / bend
    return x, y, end


def highland(momentum: Array, thickness: Array) -> Array:
    """Width of the projected scattering angle of a pion, rad.

    Args:
        momentum: Total, GeV.
        thickness: Radiation lengths.

    Highland's formula, Review of Particle Physics, "Passage of particles through matter".
    """
    beta = momentum / np.hypot(momentum, _PION)
    width: Array = (0.0136 / (beta * momentum) * np.sqrt(thickness)) * (
        1 + 0.038 * np.log(thickness / beta**2)
    )
    return width


def scattered(particles: Particles, thickness: float, normal: Array) -> Particles:
    """Directions after a layer; the momentum keeps its size.

    Args:
        particles: In the layer.
        thickness: Of the layer, radiation lengths, along its normal.
        normal: ``(N, 2)`` standard normal numbers.
    """
    sine = 1 / np.hypot(1.0, particles.slope)
    width = highland(particles.momentum / sine, thickness / sine)
    slope = particles.slope - width * normal[:, 1] / sine**2
    return replace(
        particles,
        azimuth=particles.azimuth + width * normal[:, 0] / sine,
        slope=slope,
        curvature=particles.curvature * sine * np.hypot(1.0, slope),
    )
