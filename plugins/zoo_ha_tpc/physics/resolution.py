"""How well the transverse momentum of a track can be measured: the textbook curve.

R. L. Gluckstern, Nucl. Instrum. Meth. 24 (1963) 381, as in the Review of Particle Physics, section
"Measurement of particle momenta in a uniform magnetic field": equally spaced points of equal
precision, fitted with a parabola. Gluckstern's term is that of many points, at least about ten.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo_ha_tpc.physics.constants import GEV_PER_TESLA_METRE, MUON_GEV, RADIATION_LENGTH_M

__all__ = [
    "CLUSTER_MM",
    "limit",
    "measurement_limit",
    "scattering_limit",
]

Array = NDArray[np.float64]

CLUSTER_MM = 0.45
"""Precision of one point: of a good cluster of a horizontal track of middling drift, mm."""


def measurement_limit(
    p_t: ArrayLike,
    length_mm: ArrayLike,
    points: ArrayLike,
    field_tesla: float,
    *,
    cluster_mm: float = CLUSTER_MM,
) -> Array:
    """Standard error of 1/p_t over 1/p_t that the precision of the points leaves.

    ``sigma(k) = sigma_x / L^2 sqrt(720 / (N + 4))`` for the curvature ``k = 0.3 B / p_t``.

    Args:
        p_t: Transverse momentum, GeV/c.
        length_mm: Length of the track across the field, mm.
        points: How many it has.
        field_tesla: Magnetic field.
        cluster_mm: Precision of a point.
    """
    length = np.asarray(length_mm, np.float64) / 1e3
    curvature = cluster_mm / 1e3 / length**2 * np.sqrt(720 / (np.asarray(points) + 4.0))
    return np.asarray(curvature * np.asarray(p_t, np.float64) / (GEV_PER_TESLA_METRE * field_tesla))


def scattering_limit(
    p_t: ArrayLike,
    length_mm: ArrayLike,
    field_tesla: float,
    *,
    tan_lambda: ArrayLike = 0.0,
    mass_gev: float = MUON_GEV,
    radiation_mm: float = 1e3 * RADIATION_LENGTH_M,
) -> Array:
    """Standard error of 1/p_t over 1/p_t that multiple scattering leaves.

    ``sigma(k) = 0.016 GeV/c / (L p beta cos^2(lambda)) sqrt(L / X_0)`` with the length ``L`` and
    the momentum ``p`` in space, here written with those across the field.

    Args:
        p_t: Transverse momentum, GeV/c.
        length_mm: Length of the track across the field, mm.
        field_tesla: Magnetic field.
        tan_lambda: Slope of the track along the field.
        mass_gev: Of the particle, GeV/c^2.
        radiation_mm: Radiation length of the gas, mm.
    """
    stretch = np.hypot(1.0, np.asarray(tan_lambda, np.float64))  # 1 / cos(lambda)
    momentum = np.asarray(p_t, np.float64) * stretch
    beta = momentum / np.hypot(momentum, mass_gev)
    length = np.asarray(length_mm, np.float64)
    thickness = np.sqrt(length * stretch / radiation_mm)
    return np.asarray(0.016 / (GEV_PER_TESLA_METRE * field_tesla * length / 1e3 * beta) * thickness)


def limit(
    p_t: ArrayLike,
    length_mm: ArrayLike,
    points: ArrayLike,
    field_tesla: float,
    *,
    tan_lambda: ArrayLike = 0.0,
) -> Array:
    """Both in quadrature, for a muon in the gas of the HA-TPC: a fraction, not percent."""
    measured = measurement_limit(p_t, length_mm, points, field_tesla)
    scattered = scattering_limit(p_t, length_mm, field_tesla, tan_lambda=tan_lambda)
    return np.hypot(measured, scattered)
