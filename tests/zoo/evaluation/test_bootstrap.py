"""Intervals cover what they promise; they resample groups, and only groups."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo.errors import UsageError
from zoo.evaluation.bootstrap import bootstrap


def mean_of(values: NDArray[np.float64]):
    return lambda index: np.array([values[index].mean()])


def coverage(experiments: int, groups: int, per_group: int, *, by_row: bool) -> float:
    """How often the interval holds the true mean 0 of rows that share their group's offset."""
    generator = np.random.default_rng(20261122)
    inside = 0
    for seed in range(experiments):
        offset = np.repeat(generator.normal(size=groups), per_group)
        values = offset + 0.2 * generator.normal(size=groups * per_group)
        labels = np.arange(len(values)) if by_row else np.repeat(np.arange(groups), per_group)
        interval = bootstrap(mean_of(values), labels.astype(np.uint64), resamples=200, seed=seed)
        inside += int(interval.low[0] <= 0 <= interval.high[0])
    return inside / experiments


@pytest.mark.parametrize("groups", [6, 40])
def test_95_percent_of_the_intervals_hold_the_truth(groups: int):
    # Binomial: 0.95 +- 3.5 sqrt(0.95 * 0.05 / 400) = 0.95 +- 0.038.
    assert coverage(400, groups, 5, by_row=False) == pytest.approx(0.95, abs=0.038)


def test_rows_instead_of_groups_would_promise_too_much():
    # Five rows of one event count as five: the interval is about sqrt(5) too short,
    # P(|z| < 1.96 / sqrt(4.85)) = 0.63.
    assert coverage(200, 40, 5, by_row=True) < 0.75


def test_the_width_is_that_of_the_standard_error():
    values = np.random.default_rng(1).normal(size=400)
    interval = bootstrap(mean_of(values), np.arange(400, dtype=np.uint64), resamples=4000, seed=0)
    expected = 2 * 1.96 * values.std() / 20  # closed form for a mean
    assert interval.high[0] - interval.low[0] == pytest.approx(expected, rel=0.06)


def test_equal_groups_are_drawn_alike_in_any_order():
    values = np.random.default_rng(2).normal(size=30)
    groups = np.repeat(np.arange(10, dtype=np.uint64), 3)
    order = np.random.default_rng(3).permutation(30)
    one = bootstrap(mean_of(values), groups, resamples=50, seed=4)
    two = bootstrap(mean_of(values[order]), groups[order], resamples=50, seed=4)
    np.testing.assert_allclose([one.low, one.high], [two.low, two.high], rtol=1e-12)


def test_one_group_has_no_interval():
    interval = bootstrap(mean_of(np.arange(4.0)), np.zeros(4, np.uint64), resamples=10, seed=0)
    assert np.isnan(interval.low[0])
    assert np.isnan(interval.high[0])
    assert interval.groups == 1


def test_an_undefined_number_has_no_interval():
    def statistic(index: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.array([np.nan, float(len(index))])

    interval = bootstrap(statistic, np.arange(5, dtype=np.uint64), resamples=10, seed=0)
    assert np.isnan(interval.low[0])
    assert interval.low[1] == interval.high[1] == 5


def test_no_resamples_is_refused():
    with pytest.raises(UsageError, match="0 resamples"):
        bootstrap(mean_of(np.arange(4.0)), np.arange(4, dtype=np.uint64), resamples=0, seed=0)
