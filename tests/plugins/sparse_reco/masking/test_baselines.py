"""Classical answers: against slow sums and independent fits, and better than a mean."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from zoo.api import DataError, Table
from zoo_sparse_reco.masking.around import COLUMNS, around
from zoo_sparse_reco.masking.baselines import LocalRegression, NeighbourMean
from zoo_sparse_reco.masking.config import JUDGED, LocalRegressionConfig, NeighbourMeanConfig
from zoo_sparse_reco.masking.metrics import MaskedMetrics
from zoo_sparse_reco.masking.patches import PLACE, SEEN, hide
from zoo_sparse_reco.masking.regression import fit_linear, fit_logistic
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

Events = Callable[..., Table]
Make = Callable[..., Table]
Floats = NDArray[np.float64]


def test_what_is_around_equals_slow_sums(events: Events, grid: VoxelGrid) -> None:
    samples = events(2)
    question = hide(samples, samples.ids, JUDGED, grid.shape)
    columns = around(samples, question)
    asked = np.flatnonzero(question.kind != SEEN)
    logarithm = np.log(samples["deposit"].values.astype(np.float64) + 0.01)
    for row in (0, 7, len(asked) - 1):
        at = asked[row]
        here = question.event == question.event[at]
        seen, known = here & (question.kind == SEEN), here & (question.kind != PLACE)
        known[at] = False
        step = question.place - question.place[at]
        distance = np.sqrt((step**2).sum(1))
        usual = logarithm[question.voxel[seen]].mean()
        expected = {"mean_event": usual, "hottest": usual, "nearest": 6.0}
        near = np.flatnonzero(seen & (distance <= 6))
        if len(near):
            expected["hottest"] = max(usual, logarithm[question.voxel[near]].max())
        for name, width in (("mean_near", 1.5), ("mean_far", 4.0)):
            weight = [math.exp(-((distance[i] / width) ** 2) / 2) for i in near]
            total = sum(w * logarithm[question.voxel[i]] for w, i in zip(weight, near, strict=True))
            expected[name] = (total + 0.05 * usual) / (sum(weight) + 0.05)
        others = np.flatnonzero(known & (distance <= 6))
        for name, width in (("density_next", 1.0), ("density_near", 2.0), ("density_far", 4.0)):
            weights = (math.exp(-((distance[i] / width) ** 2) / 2) for i in others)
            expected[name] = math.log(sum(weights) + 1e-3)
        if len(others):
            expected["nearest"] = distance[others].min()
            middle = step[others].mean(0)
            spread = np.cov(step[others].T, bias=True) + np.eye(3) / 12
            moments, axes = np.linalg.eigh(spread)
            expected["along_line"] = abs(middle @ axes[:, 2])
            expected["off_line"] = math.sqrt(middle @ middle - expected["along_line"] ** 2)
            expected["line"] = moments[2] / moments.sum()
        for name, value in expected.items():
            assert columns[row, COLUMNS.index(name)] == pytest.approx(value, abs=1e-6), name


def _terms(columns: Floats) -> Floats:
    x = (columns - columns.mean(0)) / columns.std(0)
    products = [x[:, a] * x[:, b] for a in range(x.shape[1]) for b in range(a, x.shape[1])]
    return np.column_stack([np.ones(len(x)), x, *products])


def test_least_squares_equal_numpy_with_rows_for_the_penalty() -> None:
    rng = np.random.default_rng(1)
    columns = rng.uniform(-1, 1, (60, 2)) * [1.0, 20.0] + [0, 5]
    value = 1 + columns[:, 0] ** 2 - 0.1 * columns[:, 1] + 0.1 * rng.normal(size=60)
    terms = _terms(columns)
    penalty = math.sqrt(0.02 * 60) * np.eye(6)
    penalty[0, 0] = 0
    solved = np.linalg.lstsq(np.vstack([terms, penalty]), np.append(value, np.zeros(6)))[0]
    found = fit_linear(columns, value, 0.02)
    np.testing.assert_allclose(found.coefficients, solved, atol=1e-9)
    np.testing.assert_allclose(found(columns), terms @ solved, atol=1e-9)


def test_the_likelihood_is_at_its_greatest() -> None:
    """Against a minimiser that knows the function alone."""
    rng = np.random.default_rng(2)
    columns = rng.normal(size=(200, 2))
    occupied = rng.random(200) < 1 / (1 + np.exp(-2 * columns[:, 0] + 1))
    terms = _terms(np.clip(columns, -5, 5))

    def lost(coefficients: Floats) -> float:
        logit = terms @ coefficients
        entropy = np.logaddexp(0, logit) - occupied * logit
        return float(entropy.sum() + 0.01 * 200 * (coefficients[1:] ** 2).sum() / 2)

    expected = minimize(lost, np.zeros(6), method="BFGS", options={"gtol": 1e-7}).x
    found = fit_logistic(columns, occupied, 0.01)
    np.testing.assert_allclose(found.coefficients, expected, atol=1e-4)


def test_a_fit_beats_the_mean_and_knows_no_order(events: Events, grid: VoxelGrid) -> None:
    metrics = MaskedMetrics(grid.facts)
    training, test = [events(15, seed) for seed in (1, 2)], events(10, seed=9)

    def numbers(model: NeighbourMean) -> dict[str, float]:
        rows = metrics.measure(test, model.predict(test))
        return {one.name: one.value for one in metrics.summarise(rows)}

    mean = numbers(NeighbourMean(NeighbourMeanConfig(), grid.facts))
    fitted = LocalRegression(LocalRegressionConfig(), grid.facts)
    assert numbers(fitted) == mean
    fitted.fit(training)
    found = numbers(fitted)
    assert found["occupancy cross-entropy"] < mean["occupancy cross-entropy"]
    assert found["occupancy AUC"] > mean["occupancy AUC"]
    assert found["log energy RMS error"] < 1.1 * mean["log energy RMS error"]
    assert mean["explained variance"] > 50  # tracks of one energy each
    again = LocalRegression(LocalRegressionConfig(), grid.facts)
    again.fit(training[::-1])
    assert numbers(again) == found


def test_keys_decide_what_is_asked(events: Events, grid: VoxelGrid) -> None:
    samples, model = events(2), NeighbourMean(NeighbourMeanConfig(), grid.facts)
    keys = np.array([5, 6], np.uint64)
    one, other = model.predict(samples), model.predict(samples, keys)
    assert not np.array_equal(one["asked_x"].values, other["asked_x"].values)
    np.testing.assert_array_equal(other.ids, samples.ids)


def test_events_without_voxels(table: Make, grid: VoxelGrid) -> None:
    samples = table([np.zeros((0, 3), np.int64)] * 2, [np.zeros(0)] * 2)
    found = NeighbourMean(NeighbourMeanConfig(), grid.facts).predict(samples)
    assert found["asked_x"].lengths.tolist() == [0, 0]
    with pytest.raises(DataError, match="no training event with voxels"):
        LocalRegression(LocalRegressionConfig(), grid.facts).fit([samples])
    with pytest.raises(DataError, match="no training event with voxels"):
        LocalRegression(LocalRegressionConfig(), grid.facts).fit([])
