"""The limit against covariances of the fit itself, and against numbers of others."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_ha_tpc.physics.constants import RADIATION_LENGTH_M
from zoo_ha_tpc.physics.resolution import (
    CLUSTER_MM,
    limit,
    measurement_limit,
    scattering_limit,
)


def curvature_error(length: float, points: int, covariance: np.ndarray) -> float:
    """Standard error of the curvature of an unweighted parabola through points of a track."""
    place = np.linspace(0, length, points)
    design = np.stack([np.ones(points), place, place**2 / 2], axis=1)
    estimate = np.linalg.pinv(design)
    return float(np.sqrt(estimate[2] @ covariance @ estimate[2]))


@pytest.mark.parametrize("points", [20, 49, 145])
def test_gluckstern_is_the_covariance_of_a_parabola(points: int):
    # sigma(k) B = 0.2 T: 1/p_t of 1 GeV/c is a curvature of 0.06 / m.
    length, sigma = 1.2, 0.45e-3
    direct = curvature_error(length, points, sigma**2 * np.eye(points))
    found = measurement_limit(1.0, 1000 * length, points, 0.2, cluster_mm=0.45)
    assert float(found) == pytest.approx(direct / (0.299792458 * 0.2), rel=0.02)


def test_scattering_is_the_covariance_of_a_random_walk():
    # Directions change by 13.6 MeV / (beta p) sqrt(s / X0) (Highland, without its logarithm), so
    # places at s and t >= s covary by theta^2 (s^2 t / 2 - s^3 / 6).
    length, p_t, points = 0.8, 0.5, 300
    beta = p_t / np.hypot(p_t, 0.10566)
    place = np.linspace(0, length, points)
    low, high = np.minimum.outer(place, place), np.maximum.outer(place, place)
    rate = (0.0136 / (beta * p_t)) ** 2 / 115
    direct = curvature_error(length, points, rate * (low**2 * high / 2 - low**3 / 6))
    found = scattering_limit(p_t, 1000 * length, 0.2, radiation_mm=115e3)
    assert float(found) == pytest.approx(direct / (0.299792458 * 0.2 / p_t), rel=0.02)


@pytest.mark.parametrize(
    ("length", "points", "expected", "within"),
    [
        # Collected for this detector before the plugin was written: 0.45 mm, X0 of 115 m.
        (1620, 144, {0.3: 2.1, 0.55: 2.0, 0.85: 2.0, 1.25: 2.1}, 0.025),
        # Means over tracks of about this length and of a range of momenta.
        (1000, 89, {0.3: 2.9, 0.55: 2.7, 0.85: 3.2, 1.25: 3.7}, 0.1),
        (550, 49, {0.3: 4.7, 0.55: 5.8, 0.85: 8.4, 1.25: 11}, 0.1),
    ],
)
def test_the_limit_of_the_detector(
    length: float, points: int, expected: dict[float, float], within: float
):
    assert pytest.approx(0.45) == CLUSTER_MM
    for p_t, percent in expected.items():
        found = 100 * limit(p_t, length, points, 0.2)
        assert float(found) == pytest.approx(percent, rel=within)


def test_the_floor_of_scattering_by_length():
    # 0.016 / (0.3 B L) sqrt(L / X0) for beta = 1, of the same collection: X0 of 115 m.
    for length, percent in ((1620, 2.0), (1000, 2.5), (550, 3.5)):
        floor = 100 * scattering_limit(50.0, length, 0.2, radiation_mm=115e3)
        assert float(floor) == pytest.approx(percent, rel=0.045)


def test_the_radiation_length_of_the_gas():
    # Of the gases at 20 C and 1 atm (Particle Data Group, atomic and nuclear properties): argon
    # 117.6 m, CF4 89.9 m, isobutane 181 m; shares of volume add their inverses.
    mixture = 1 / (0.95 / 117.6 + 0.03 / 89.9 + 0.02 / 181)
    assert pytest.approx(mixture, rel=0.03) == RADIATION_LENGTH_M


def test_slopes_along_the_field_scatter_in_more_gas():
    # At the same p_t and length across the field: 1 / cos(lambda) more gas, beta nearer to one.
    flat, steep = (float(scattering_limit(20.0, 1000, 0.2, tan_lambda=t)) for t in (0, 1))
    assert steep / flat == pytest.approx(2**0.25, rel=1e-4)


def test_the_limit_scales_as_the_formulas_say():
    one = float(measurement_limit(1.0, 800, 60, 0.2))
    assert float(measurement_limit(2.0, 800, 60, 0.2)) == pytest.approx(2 * one)
    assert float(measurement_limit(1.0, 1600, 60, 0.2)) == pytest.approx(one / 4)
    assert float(measurement_limit(1.0, 800, 60, 0.4)) == pytest.approx(one / 2)
    # Scattering hardly depends on p_t: that of 0.3 GeV/c is larger by 1 / beta alone.
    slow, fast = (float(scattering_limit(p_t, 800, 0.2)) for p_t in (0.3, 3.0))
    assert slow / fast == pytest.approx(np.hypot(0.3, 0.10566) / 0.3, rel=1e-3)
