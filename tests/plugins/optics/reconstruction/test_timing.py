"""Residuals and their densities against integrals and drawn points."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_optics.physics.water import C_CM_NS
from zoo_optics.reconstruction.timing import core_width, gaussian, residual, tail

LATE = np.linspace(-30, 200, 46001)
WIDTH = np.array([0.6])


def _integral(values: np.ndarray) -> float:
    return float(np.trapezoid(values, LATE))


def test_light_that_goes_straight_has_no_residual() -> None:
    distance, index = np.array([0.0, 100.0, 321.0]), 1.38
    arrives = 7.0 + distance / (C_CM_NS / index)  # start, then the way over the speed of a pulse
    late = residual(arrives, np.array(7.0), distance, index)
    assert late == pytest.approx(np.zeros(3), abs=1e-12)


def test_densities_are_normalised_and_have_their_moments() -> None:
    core, late = gaussian(LATE, WIDTH), tail(LATE, WIDTH, 8.0)
    assert _integral(core) == pytest.approx(1, abs=1e-6)
    assert _integral(core * LATE**2) == pytest.approx(0.36, rel=1e-4)
    assert _integral(late) == pytest.approx(1, abs=1e-5)
    assert _integral(late * LATE) == pytest.approx(8.0, rel=1e-4)
    second = _integral(late * LATE**2) - 8.0**2
    assert second == pytest.approx(8.0**2 + 0.36, rel=1e-3)  # variances of a sum add


@pytest.mark.parametrize("decay", [0.5, 3.0, 20.0])
def test_the_tail_is_an_exponential_smeared_by_the_core(decay: float) -> None:
    step = 0.005
    delay = np.arange(0, 400, step) + step / 2
    weight = np.exp(-delay / decay) / decay * step
    for late in (-1.5, 0.0, 0.4, 5.0, 40.0):
        smeared = float((weight * gaussian(late - delay, WIDTH)).sum())
        assert tail(np.array([late]), WIDTH, decay)[0] == pytest.approx(
            smeared, rel=1e-4, abs=1e-12
        )


def test_far_from_the_core_nothing_overflows() -> None:
    assert np.isfinite(tail(np.array([-1e3, -50.0, 1e4]), WIDTH, 0.01)).all()


@pytest.mark.parametrize("degrees", [0.0, 40.0, 75.0])
def test_the_width_is_that_of_points_on_a_disc(degrees: float) -> None:
    """Distances from a far point to points drawn on the disc, times n / c."""
    rng, radius, index = np.random.default_rng(3), 10.0, 1.38
    r, phi = radius * np.sqrt(rng.random(200_000)), 2 * np.pi * rng.random(200_000)
    disc = np.stack([r * np.cos(phi), r * np.sin(phi), np.zeros_like(r)], axis=1)
    angle = np.deg2rad(degrees)
    far = 1e5 * np.array([np.sin(angle), 0, np.cos(angle)])
    drawn = np.linalg.norm(disc - far, axis=1).std() * index / C_CM_NS
    width = core_width(0.0, radius, np.cos([angle]), np.array([1e5]), (index, 0.0))[0]
    assert width == pytest.approx(drawn, rel=0.01, abs=1e-3)


def test_transit_time_and_colours_add_in_squares() -> None:
    width = core_width(0.3, 4.0, np.array([1.0]), np.array([C_CM_NS]), (1.38, 0.4))
    assert width[0] == pytest.approx(0.5)
