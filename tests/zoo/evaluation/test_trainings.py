"""Several trainings as one row: the mean, and an interval that knows their spread."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from zoo.api import DataError, Table
from zoo.evaluation.bootstrap import Interval
from zoo.evaluation.trainings import join_trainings, split_trainings, widened


def rows(values: list[float], first: int = 0) -> Table:
    ids = np.arange(first, first + len(values), dtype=np.uint64)
    return Table({"id": ids, "group": ids, "value": np.array(values)})


def test_joined_and_split_are_what_they_were():
    tables = [rows([1, 2]), rows([3, 4]), rows([5, 6])]
    joined = join_trainings(tables)
    assert joined.rows == 6
    for one, two in zip(split_trainings(joined), tables, strict=True):
        np.testing.assert_array_equal(one["value"], two["value"])
    assert join_trainings(tables[:1]) is tables[0]
    assert split_trainings(tables[0]) == (tables[0],)


def test_trainings_of_other_samples_are_refused():
    with pytest.raises(DataError, match="different samples"):
        split_trainings(join_trainings([rows([1, 2]), rows([1, 2], first=5)]))


def test_without_an_error_of_the_events_it_is_the_t_interval_of_the_trainings():
    trainings = np.array([[0.10], [0.12], [0.17]])
    mean = trainings.mean(axis=0)
    found = widened(Interval(mean, mean, 1000), mean, [trainings])
    expected = ttest_1samp(trainings[:, 0], 0).confidence_interval(0.95)  # SciPy's, t with 2 dof
    assert found.low[0] == pytest.approx(expected.low, rel=1e-6)
    assert found.high[0] == pytest.approx(expected.high, rel=1e-6)


def test_equal_trainings_and_one_training_change_nothing():
    given = Interval(np.array([1.0, np.nan]), np.array([4.0, np.nan]), 50)
    value = np.array([2.0, np.nan])
    for trainings in (np.array([[2.0, np.nan]]), np.array([[2.0, np.nan], [2.0, np.nan]])):
        found = widened(given, value, [trainings])
        np.testing.assert_allclose(found.low, given.low)
        np.testing.assert_allclose(found.high, given.high)


def test_variances_add_and_the_shape_is_kept():
    # Many events and many trainings: t is 1.96 for both, standard errors 1 and 1 give sqrt(2).
    generator = np.random.default_rng(0)
    trainings = generator.normal(size=(10_000, 1))
    trainings = 100 * (trainings - trainings.mean()) / trainings.std(ddof=1)  # error of mean: 1
    given = Interval(np.array([-1.0]), np.array([2.92]), 10_000)  # width 3.92: standard error 1
    found = widened(given, np.array([0.0]), [trainings])
    assert found.low[0] == pytest.approx(-np.sqrt(2), rel=1e-3)
    assert found.high[0] == pytest.approx(2.92 * np.sqrt(2), rel=1e-3)


def test_two_models_each_add_their_spread():
    one = np.array([[1.0], [3.0]])  # variance of the mean 2 / 2 = 1, one degree of freedom each
    value = np.array([0.0])
    found = widened(Interval(value, value, 100), value, [one, one + 5])
    # Welch-Satterthwaite: (1 + 1)^2 / (1 + 1) = 2 degrees, t = 4.302653 (tables), times sqrt(2).
    assert found.high[0] == pytest.approx(4.302653 * np.sqrt(2), rel=1e-6)
