"""Widths and centres against closed forms and numpy's own quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo_ha_tpc.robust import gaussian_core, shape_of

MANY = 60_001  # more than are sorted whole


def grid(count: int = MANY) -> np.ndarray:
    """Probabilities in the middle of equal shares: quantile functions of them have no noise."""
    return (np.arange(count) + 0.5) / count


@pytest.mark.parametrize(
    ("quantile", "median", "s68"),
    [
        # Uniform, exponential, logistic and Cauchy;
        # of the standard normal one P(|x| < 1) = 68.27 %.
        (lambda p: p, 0.5, 0.682689 / 2),
        (lambda p: -np.log1p(-p), np.log(2), np.log(0.841345 / 0.158655) / 2),
        (lambda p: np.log(p / (1 - p)), 0, np.log(0.841345 / 0.158655)),
        (lambda p: np.tan(np.pi * (p - 0.5)), 0, np.tan(np.pi * 0.3413447)),
    ],
)
@pytest.mark.parametrize("count", [2_001, MANY])
def test_quantiles_of_known_distributions(
    quantile: Callable[[np.ndarray], np.ndarray], median: float, s68: float, count: int
):
    values = np.random.default_rng(1).permutation(quantile(grid(count))).astype(np.float32)
    found = shape_of(values)
    assert found.median == pytest.approx(median, abs=2e-6)
    assert found.s68 == pytest.approx(s68, rel=2e-3)  # n - 1 of n steps


def test_of_a_gaussian_it_is_sigma():
    values = np.random.default_rng(2).normal(3, 0.2, 40_000).astype(np.float32)
    found = shape_of(values)
    # The standard error of s68 of n values is 0.94 sigma / sqrt(n), that of the median 1.25.
    assert found.s68 == pytest.approx(0.2, abs=4 * 0.2 * 0.94 / 200)
    assert found.median == pytest.approx(3, abs=4 * 0.2 * 1.25 / 200)


@pytest.mark.parametrize("count", [1, 2, 7, 500, 2_999, 3_000, 45_678])
def test_it_is_what_numpy_says(count: int):
    random = np.random.default_rng(count)
    values = (random.normal(size=count) * 10 ** random.uniform(-6, 6, count)).astype(np.float32)
    values[count // 3 : count // 2] = -0.0  # many equal ones, as in resamples
    low, median, high = np.quantile(values.astype(np.float64), [0.15865525, 0.5, 0.84134475])
    found = shape_of(values)
    assert found.median == pytest.approx(median, rel=1e-6, abs=1e-30)
    assert found.s68 == pytest.approx((high - low) / 2, rel=1e-6, abs=1e-30)


def test_not_a_number_is_left_out_and_of_nothing_nothing_is_known():
    values = np.array([np.nan, 1, 2, 3, np.nan], np.float32)
    assert shape_of(values).median == 2
    assert np.isnan(shape_of(values[:1])).all()
    assert np.isnan(shape_of(values[:0])).all()


def test_the_core_of_a_gaussian_with_wide_tails():
    random = np.random.default_rng(3)
    values = np.concatenate([random.normal(0.5, 2, 90_000), random.uniform(-200, 200, 10_000)])
    core = gaussian_core(values)
    # A window of 8 in 400 holds 2 % of the tails, 200 of them; they widen the core by 0.4 %.
    assert core.mean == pytest.approx(0.5, abs=0.04)
    assert core.sigma == pytest.approx(2, rel=0.015)
    assert core.total == pytest.approx(90_200, rel=0.005)
    assert values.std() > 30


def test_few_values_have_no_core():
    assert np.isnan(gaussian_core(np.arange(8.0)).sigma)
    assert np.isnan(gaussian_core(np.empty(0)).sigma)
    assert np.isnan(gaussian_core(np.full(5, np.nan)).sigma)
