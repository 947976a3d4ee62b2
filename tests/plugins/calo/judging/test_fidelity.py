"""Every measure on a case whose answer is known from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import norm

from zoo.api import Table
from zoo_calo.fidelity.classifier import Budget, Matrix, auc, classify
from zoo_calo.fidelity.features import Cells, high_level
from zoo_calo.fidelity.frechet import fpd, frechet_distance
from zoo_calo.fidelity.kernel import kpd, squared_mmd
from zoo_calo.fidelity.neighbours import neighbourhood, same_law_coverage
from zoo_calo.observables.observed import observed

SMALL = Budget(hidden=16, epochs=6, batch=100, rate=5e-3)


def gaussians(n: int, d: int, shift: float = 0.0, width: float = 1.0, seed: int = 0) -> Any:
    return shift + width * np.random.default_rng(seed).normal(size=(n, d))


def test_frechet_distance_is_the_closed_form() -> None:
    """Of two samples, with the matrix root that scipy draws."""
    first = gaussians(500, 4, seed=1) @ gaussians(4, 4, seed=2)
    second = gaussians(400, 4, 0.5, seed=3) @ gaussians(4, 4, seed=4)
    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    by_hand = ((first.mean(0) - second.mean(0)) ** 2).sum()
    by_hand += np.trace(c1 + c2 - 2 * np.real(sqrtm(c1 @ c2)))
    assert frechet_distance(first, second) == pytest.approx(by_hand, rel=1e-8)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_fpd_has_no_bias_of_the_sample_size() -> None:
    """N(0, 1) and N(.3, 1.5^2) in 8 dimensions: 8 (.09 + .25)."""
    true = 8 * (0.3**2 + 0.5**2)
    first, second = gaussians(4000, 8, seed=1), gaussians(4000, 8, 0.3, 1.5, seed=2)
    found = fpd(first, second, batches=8)
    assert found.small
    assert found.sizes == (1600, 4000)
    # Of the means alone: 2 * .3 * sqrt(8 (1 + 1.5^2) / 4000).
    assert 0.048 < found.error < 0.15
    assert abs(found.value - true) < 3 * found.error
    same = fpd(first, gaussians(4000, 8, seed=3), batches=8)
    assert abs(same.value) < 3 * same.error
    assert frechet_distance(first[:400], gaussians(400, 8, seed=3)) > 10 * abs(same.value)


def test_kernel_distance_by_hand_and_its_mean() -> None:
    # One dimension, first {0, 1}, second {2, 3}: (x y + 1)^4.
    first, second = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    by_hand = 1 + 7**4 - 2 * (1 + 1 + 3**4 + 4**4) / 4
    assert squared_mmd(first, second) == pytest.approx(by_hand)
    drawn = [
        squared_mmd(gaussians(60, 3, seed=2 * i), gaussians(60, 3, seed=2 * i + 1))
        for i in range(300)
    ]
    assert abs(np.mean(drawn)) < 4 * np.std(drawn) / 300**0.5


def test_kernel_distance_of_few_showers_is_marked_and_unbiased() -> None:
    """d = 1: k = sum C(4, i) (x y)^i, so MMD^2 = sum C(4, i) (E x^i - E y^i)^2."""
    shift = 0.7
    moments = [[1, 0, 1, 0, 3], [1, shift, 1 + shift**2, 3 * shift + shift**3,
               3 + 6 * shift**2 + shift**4]]  # fmt: skip
    true = sum(
        c * (a - b) ** 2
        for c, a, b in zip([1, 4, 6, 4, 1], *moments, strict=True)  # type: ignore[arg-type]
    )
    found = kpd(gaussians(5000, 1, seed=1), gaussians(5000, 1, shift, seed=2))
    assert found.small
    assert found.sizes == (500, 500)
    assert abs(found.value - true) < 4 * found.error
    same = kpd(gaussians(5000, 1, seed=1), gaussians(5000, 1, seed=3))
    assert abs(same.value) < 4 * same.error
    many = kpd(gaussians(20_000, 1, seed=1), gaussians(20_000, 1, seed=3), batch=500)
    assert (many.small, many.sizes) == (False, (500, 500))


def test_neighbourhoods() -> None:
    first = gaussians(600, 3, seed=1)
    same = neighbourhood(first, first)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    far = neighbourhood(first, gaussians(600, 3, 100.0, seed=2))
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)
    again = neighbourhood(first, gaussians(600, 3, seed=3))
    assert again.density == pytest.approx(1, abs=0.1)
    # 1 - 1/2^5 for many showers (arXiv:2002.09797).
    assert same_law_coverage(10**7) == pytest.approx(1 - 2**-5, rel=1e-4)
    assert again.coverage == pytest.approx(same_law_coverage(600), abs=0.03)
    # Generated showers in half of the reference alone: precise, and half is missing.
    two = np.concatenate([gaussians(300, 3, seed=4), gaussians(300, 3, 50.0, seed=5)])
    half = neighbourhood(two, gaussians(600, 3, seed=6))
    assert half.precision > 0.9
    assert half.recall < 0.55
    with pytest.raises(ValueError, match="neighbours"):
        neighbourhood(first[:5], first)


def test_auc_of_scores() -> None:
    area, error = auc(np.array([1.0, 2, 3]), np.array([2.0, 4]))
    assert area == pytest.approx((1 + 0.5 + 0 + 3) / 6)
    assert auc(np.zeros(50), np.zeros(50))[0] == 0.5
    # Hanley and McNeil at .5 and n = m: (1/4 + 2 (n - 1) (1/3 - 1/4)) / n^2.
    assert auc(np.zeros(50), np.zeros(50))[1] ** 2 == pytest.approx((0.25 + 98 / 12) / 2500)
    assert error > 0


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_classifier_of_gaussians_reaches_the_best_there_is(shift: float) -> None:
    """Apart by d the best area is Phi(d / sqrt 2); of one law it is a half."""
    first, second = gaussians(1500, 4, seed=1), gaussians(1500, 4, seed=2)
    second[:, 0] += shift
    told: list[tuple[int, int]] = []
    found = classify(Matrix(first), Matrix(second), SMALL, lambda *done: told.append(done))
    assert found.tested == (300, 300)
    assert abs(found.auc - norm.cdf(shift / 2**0.5)) < 4 * found.error
    assert found.budget["hidden"] == 16
    assert told[0] == (1, 6)
    if shift:
        again = classify(Matrix(first), Matrix(second), SMALL)
        assert again.auc == found.auc


def test_a_classifier_needs_showers() -> None:
    with pytest.raises(ValueError, match="ten showers"):
        classify(Matrix(np.zeros((5, 2))), Matrix(np.zeros((50, 2))), SMALL)


def test_inputs_of_showers(toy: Callable[..., Table], toy_grid: Any) -> None:
    grid = toy_grid()
    table = toy(np.array([2.0, 5.0, 8.0]), 1, grid)
    cells = Cells(table, grid)
    found = cells.take(np.array([2, 0]))
    assert found.shape == (2, cells.width) == (2, grid.cells + 1)
    np.testing.assert_allclose(found[:, -1], np.log10([8, 2]), rtol=1e-6)
    assert 8000 * found[0, :-1].sum() == pytest.approx(table["deposit"][2].sum(), rel=1e-5)
    features = high_level(observed(table, grid), table, grid)
    assert features.shape == (3, 6 * grid.layers + 2)
    assert np.isfinite(features).all()
    visible = observed(table, grid)["visible"]
    np.testing.assert_allclose(10 ** features[:, -1], visible, rtol=1e-5)
    np.testing.assert_allclose((10 ** features[:, : grid.layers]).sum(1), visible, rtol=1e-5)
