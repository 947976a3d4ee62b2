"""Deviance of counts: as scipy's likelihoods, and as far from zero as right counts are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from zoo_optics.reconstruction.deviance import moments, poisson_deviance, profiled


def test_it_is_twice_the_log_of_the_likelihood_ratio() -> None:
    count = np.array([0.0, 1.0, 4.0, 30.0])
    mean = np.array([0.3, 2.5, 4.0, 20.0])
    expected = 2 * (poisson.logpmf(count, count) - poisson.logpmf(count, mean))
    np.testing.assert_allclose(poisson_deviance(count, mean), expected, rtol=1e-10, atol=1e-12)


def test_moments_where_many_are_expected() -> None:
    """Cordeiro, J. R. Stat. Soc. B 45 (1983) 404: its mean is 1 + 1/(6 mu) + ...; variance 2."""
    for mu in (50.0, 200.0):
        mean, variance = moments(np.array([mu]))
        assert float(mean[0]) == pytest.approx(1 + 1 / (6 * mu), abs=3e-4)
        assert float(variance[0]) == pytest.approx(2, rel=0.03)


def test_moments_where_hardly_one_is_expected() -> None:
    """By hand to first order: 2 mu of no count, and mu times -2 (1 + log mu) of one."""
    mu = 1e-5
    mean, variance = moments(np.array([mu]))
    assert float(mean[0]) == pytest.approx(-2 * mu * np.log(mu), rel=1e-3)
    assert float(variance[0]) == pytest.approx(mu * 4 * (1 + np.log(mu)) ** 2, rel=1e-3)


@pytest.mark.parametrize("mu", [0.2, 1.0, 7.0])
def test_moments_are_those_of_drawn_counts(mu: float) -> None:
    drawn = poisson_deviance(np.random.default_rng(1).poisson(mu, 200_000).astype(float), mu)
    mean, variance = moments(np.array([mu]))
    assert float(mean[0]) == pytest.approx(float(drawn.mean()), rel=0.02)
    assert float(variance[0]) == pytest.approx(float(drawn.var()), rel=0.04)


def test_a_free_yield_makes_the_totals_equal() -> None:
    told = np.array([1.0, 2.0, 5.0])
    score = profiled(np.array([4.0, 3.0, 9.0]), told)
    assert float(score.light_yield) == pytest.approx(16 / 8)
    expected = poisson_deviance(np.array([4.0, 3.0, 9.0]), 2 * told).sum()
    assert float(score.deviance) == pytest.approx(float(expected))


@pytest.mark.parametrize("spread", [None, 0.1])
def test_the_yield_solves_its_equation(spread: float | None) -> None:
    rng, error = np.random.default_rng(2), 0.2
    told = rng.uniform(0.1, 40, (5, 30))
    count = rng.poisson(1.4 * told).astype(float)
    light = profiled(count, told, model_error=error, yield_spread=spread).light_yield[:, None]
    weight = 1 / (1 + error**2 * light * told)
    pull = 0 if spread is None else np.log(light[:, 0]) / spread**2
    rest = (weight * (light * told - count)).sum(1) + pull
    np.testing.assert_allclose(rest, 0, atol=1e-5 * count.sum())
    if spread is not None:
        assert (light < 1.4).all()
        assert (light > 1).all()


@pytest.mark.parametrize("mu", [1.0, 3.0, 60.0])
def test_right_pairs_lie_about_zero_sigma(mu: float) -> None:
    rng = np.random.default_rng(3)
    told = mu * rng.uniform(0.2, 2, (400, 60))
    sigma = profiled(rng.poisson(told).astype(float), told).sigma
    assert abs(float(sigma.mean())) < 0.2
    assert float(sigma.std()) == pytest.approx(1, abs=0.12)


def test_of_a_few_photo_electrons_right_pairs_lie_closer() -> None:
    """The fitted yield takes the spread of the total, which is most of it there."""
    rng = np.random.default_rng(3)
    told = 0.1 * rng.uniform(0.2, 2, (400, 60))
    count = rng.poisson(told).astype(float)
    free, known = profiled(count, told).sigma, profiled(count, told, yield_spread=0.01).sigma
    assert abs(float(free.mean())) < 0.3
    assert float(free.std()) < 0.6
    assert float(known.std()) == pytest.approx(1, abs=0.15)


def test_an_error_of_the_light_widens_what_is_right() -> None:
    rng = np.random.default_rng(4)
    told = 400 * rng.uniform(0.2, 2, (400, 60))
    true = told * np.clip(1 + 0.2 * rng.standard_normal(told.shape), 0, None)
    count = rng.poisson(true).astype(float)
    assert float(profiled(count, told).sigma.mean()) > 20
    known = profiled(count, told, model_error=0.2).sigma
    assert abs(float(known.mean())) < 1
    assert float(known.std()) < 2


def test_no_light_at_all_is_finite() -> None:
    score = profiled(np.array([0.0, 3.0]), np.array([0.0, 0.0]), model_error=0.1)
    assert np.isfinite([score.deviance, score.mean, score.spread, score.light_yield]).all()
