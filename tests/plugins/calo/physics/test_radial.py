"""Radial profiles: numbers by hand, integrals, drawn radii."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.medium import medium_of
from zoo_calo.physics.radial import Radial, drawn_radii, radial_of

MEDIUM = medium_of(read_stack("calochallenge"))
ONE = Radial(core=np.array(0.12), tail=np.array(0.57), share=np.array(0.9))


def test_radii_of_ten_gev_at_the_mean_depth_by_hand() -> None:
    # Z = 72.487, F_S = 2.4820, 1 - e_hat = 0.29577, ln E = 2.3026, tau = 1, e^-1 = 0.36788.
    # core 0.0251 + 0.00735 + 0.08858 - 0.00600 + 0.00588; tail 0.43502 * (0.39874 + 1.17462)
    # - 0.04141 - 0.07337; share 0.87879 + 0.29577 * (0.348 - 0.25866).
    found = radial_of(MEDIUM, np.array([10.0]), np.array([1.0]))
    assert found.core[0] == pytest.approx(0.12091, rel=1e-3)
    assert found.tail[0] == pytest.approx(0.56966, rel=1e-3)
    assert found.share[0] == pytest.approx(0.90521, rel=1e-3)


def test_the_share_within_a_radius_is_the_integral_of_the_density() -> None:
    def density(r: float) -> float:
        core = 2 * r * 0.12**2 / (r * r + 0.12**2) ** 2
        return 0.9 * core + 0.1 * 2 * r * 0.57**2 / (r * r + 0.57**2) ** 2

    for r in (0.1, 0.5, 2.0):
        assert ONE.within(np.array(r)) == pytest.approx(quad(density, 0, r)[0], rel=1e-6)
    assert ONE.within(np.array(1e6)) == pytest.approx(1)


def test_about_nine_tenths_lie_within_a_moliere_radius() -> None:
    # Review of Particle Physics: 90 % of a shower's energy within R_M.
    tau = np.linspace(0.3, 2.5, 12)
    found = radial_of(MEDIUM, np.full(12, 10.0), tau)
    assert found.within(np.ones(12)).mean() == pytest.approx(0.9, abs=0.05)


def test_drawn_radii_follow_it() -> None:
    uniforms = np.random.default_rng(3).random((2, 20_000))
    r = drawn_radii(
        *(np.broadcast_to(one, 20_000) for one in (ONE.core, ONE.tail, ONE.share)), uniforms
    )
    assert kstest(r, ONE.within).pvalue > 1e-3
