"""Longitudinal profiles: numbers by hand, fluctuations, integrals against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.longitudinal import (
    Shape,
    drawn_shapes,
    electromagnetic_share,
    hadronic_shapes,
    in_layers,
    mean_shape,
)
from zoo_calo.physics.medium import medium_of

MEDIUM = medium_of(read_stack("calochallenge"))
TEN = np.array([10.0])


def test_mean_parameters_of_ten_gev_by_hand() -> None:
    # y = 10000 / 8.2285, ln y = 7.1027. T = 7.1027 - 0.812 - 0.55 / 2.4820 - 0.69 * 0.29577;
    # alpha = 0.81 + (0.458 + 2.26 / 72.487) * 7.1027 - 0.476 / 2.4820.
    log_t, log_alpha = mean_shape(MEDIUM, TEN)
    assert np.exp(log_t[0]) == pytest.approx(5.8651, rel=2e-4)
    assert np.exp(log_alpha[0]) == pytest.approx(4.0927, rel=2e-4)


def test_fluctuations_of_ten_gev_by_hand() -> None:
    # sigma(ln T) = 1 / (-2.5 + 1.25 * 7.1027), sigma(ln alpha) = 1 / (-0.82 + 0.79 * 7.1027),
    # rho = 0.784 - 0.023 * 7.1027.
    normals = np.random.default_rng(2).standard_normal((2, 40_000))
    shape = drawn_shapes(MEDIUM, np.full(40_000, 10.0), normals)
    log_t, log_alpha = np.log((shape.alpha - 1) / shape.b), np.log(shape.alpha)
    assert log_t.std() == pytest.approx(0.15678, rel=0.02)
    assert log_alpha.std() == pytest.approx(0.20872, rel=0.02)
    assert np.corrcoef(log_t, log_alpha)[0, 1] == pytest.approx(0.6206, abs=0.02)
    assert log_t.mean() == pytest.approx(np.log(5.8651), abs=0.005)


def test_low_energies_stay_finite() -> None:
    normals = np.full((2, 3), 3.0)
    shape = drawn_shapes(MEDIUM, np.array([0.05, 0.1, 0.5]), normals)
    assert np.all(shape.alpha > 1)
    assert np.all(np.isfinite(shape.b) & (shape.b > 0))


def test_layers_are_integrals_of_the_profile() -> None:
    shape = Shape(alpha=np.array([4.0, 2.5]), b=np.array([0.5, 0.7]))
    start = np.array([0.0, 1.5])
    edges = np.array([[0.0, 1.0, 3.0, 200.0]] * 2)
    found = in_layers(shape, start, edges)
    assert found.sum(1) == pytest.approx([1, 1])

    def density(t: float, alpha: float, b: float) -> float:
        return float(b * (b * t) ** (alpha - 1) * np.exp(-b * t) / gamma(alpha))

    assert found[0, 1] == pytest.approx(quad(density, 1, 3, args=(4.0, 0.5))[0], rel=1e-6)
    assert found[1, 0] == 0
    assert found[1, 1] == pytest.approx(quad(density, 0, 1.5, args=(2.5, 0.7))[0], rel=1e-6)
    assert shape.mean == pytest.approx([8.0, 2.5 / 0.7])


def test_the_hadronic_part_by_hand() -> None:
    # ln 40 = 3.6889: alpha = 0.6165 + 0.3183 ln E, b = 0.9099 - 0.0237 ln E.
    shape = hadronic_shapes(np.array([40.0]))
    assert shape.alpha[0] == pytest.approx(1.79067, rel=1e-4)
    assert shape.b[0] == pytest.approx(0.82247, rel=1e-4)
    # 1 - 40^-0.18 = 0.4852; "about a half at 50 GeV" is the usual statement.
    assert electromagnetic_share(np.array([40.0]))[0] == pytest.approx(0.4852, abs=1e-4)
