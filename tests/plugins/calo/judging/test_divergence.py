"""The divergence against scipy, its floor against the exact mean over repeated samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import binom

from zoo_calo.fidelity.contrasts import (
    Counted,
    Summed,
    contrast_of_counts,
    contrast_of_sums,
    repeats_of,
)
from zoo_calo.fidelity.divergence import Contrast, js_divergence, mean_of_splits

Array = Any


def counts(
    reference: Array, generated: Array, bins: int, *, paired: bool, repeats: Array = None
) -> Contrast:
    sides = [
        Counted(np.asarray(one, np.intp), np.ones(len(one)) if repeats is None else repeats)
        for one in (reference, generated)
    ]
    return contrast_of_counts(*sides, np.zeros(bins, np.intp), 1, paired=paired)


def sums(reference: Array, generated: Array, *, paired: bool, repeats: Array = None) -> Contrast:
    sides = [
        Summed(one, np.zeros(len(one), np.intp), np.ones(len(one)) if repeats is None else repeats)
        for one in (reference, generated)
    ]
    return contrast_of_sums(*sides, 1, paired=paired)


def test_distance_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    p, q = rng.poisson(5, 40), rng.poisson(3, 40)
    assert js_divergence(p, q) ** 0.5 == pytest.approx(jensenshannon(p, q), rel=1e-12)
    assert js_divergence(np.array([1, 0]), np.array([0, 1])) == pytest.approx(np.log(2))
    places = [np.repeat(np.arange(40), one) for one in (p, q)]
    found = counts(*places, 40, paired=False).divergence().item()
    assert found**0.5 == pytest.approx(jensenshannon(p, q), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 399, 401, 5000])
def test_mean_over_splits_is_that_of_the_binomial_law(n: int) -> None:
    i = np.arange(n + 1)
    parts = [np.where(k > 0, k * np.log(np.maximum(k, 1) * 2 / n), 0) for k in (i, n - i)]
    by_hand = binom.pmf(i, n, 0.5) @ (parts[0] + parts[1]) / 2
    assert mean_of_splits(np.array([n])).item() == pytest.approx(by_hand, rel=1e-5)


def test_the_floor_of_full_bins_is_the_closed_form() -> None:
    """(k - 1) / 8 (1/N + 1/M), from the chi-square law."""
    k, n, m = 30, 20_000, 10_000
    rng = np.random.default_rng(2)
    found = counts(rng.integers(k, size=n), rng.integers(k, size=m), k, paired=False)
    assert found.floor().item() == pytest.approx((k - 1) / 8 * (1 / n + 1 / m), rel=0.01)


def test_the_floor_of_200_showers_in_30_bins_is_the_published_one() -> None:
    """Of 200 and 200 Geant4 showers the distance of the visible energy is .187, of hits .192."""
    found = counts(np.arange(200) % 30, (np.arange(200) * 7) % 30, 30, paired=False)
    assert found.floor().item() ** 0.5 == pytest.approx(0.19, abs=0.006)


@pytest.mark.parametrize("spread", [0.8, 3.0, 12.0])
def test_the_floor_is_the_mean_of_repeated_samples(spread: float) -> None:
    """Gaussians in bins of their own width to a fifteenth of it: full bins, and nearly empty."""
    rng = np.random.default_rng(3)
    repetitions, n = 200, 60
    found, floor = np.empty(repetitions), np.empty(repetitions)
    for row in range(repetitions):
        places = np.clip(rng.normal(40, spread, (2, n)), 0, 79).astype(int)
        one = counts(*places, 80, paired=False)
        found[row], floor[row] = one.divergence().item(), one.floor().item()
    error = found.std() / repetitions**0.5
    assert abs(found.mean() - floor.mean()) < 4 * error + 0.01 * found.mean()


def profiles(rng: Any, n: int, shift: float = 0.0) -> Array:
    """Sums of clustered entries: each shower has its own middle, so bins move together."""
    middle = rng.normal(10 + shift, 2.0, n)
    grid = np.arange(20)
    mean = 40 * np.exp(-0.5 * ((grid - middle[:, None]) / 3) ** 2)
    return rng.poisson(mean).astype(np.float32)


def test_the_floor_of_profiles_knows_that_showers_are_clusters() -> None:
    rng = np.random.default_rng(4)
    repetitions, n = 150, 40
    found, floor, naive = (np.empty(repetitions) for _ in range(3))
    for row in range(repetitions):
        first, second = profiles(rng, n), profiles(rng, n)
        one = sums(first, second, paired=False)
        found[row], floor[row] = one.divergence().item(), one.floor().item()
        naive[row] = 19 / 8 * (1 / first.sum() + 1 / second.sum())
    error = found.std() / repetitions**0.5
    assert abs(found.mean() - floor.mean()) < 4 * error + 0.02 * found.mean()
    assert found.mean() > 5 * naive.mean()  # cells as independent entries: far too low


def test_pairs_of_one_energy_have_a_lower_floor() -> None:
    """What both showers of a pair share moves neither away from the other."""
    rng = np.random.default_rng(5)
    repetitions, n = 150, 80
    found, floor, apart = (np.empty(repetitions) for _ in range(3))
    for row in range(repetitions):
        energy = rng.integers(0, 30, n)
        places = [energy + rng.integers(0, 3, n) for _ in range(2)]
        one = counts(*places, 40, paired=True)
        found[row], floor[row] = one.divergence().item(), one.floor().item()
        apart[row] = counts(*places, 40, paired=False).floor().item()
    error = found.std() / repetitions**0.5
    assert abs(found.mean() - floor.mean()) < 4 * error + 0.02 * found.mean()
    assert apart.mean() > 1.1 * floor.mean()


def test_paired_profiles_have_a_lower_floor_too() -> None:
    rng = np.random.default_rng(6)
    repetitions, n = 120, 40
    found, floor = np.empty(repetitions), np.empty(repetitions)
    for row in range(repetitions):
        size = rng.integers(1, 4, n)[:, None]
        where = np.exp(-0.5 * ((np.arange(12) - 3 * size) / 2) ** 2) * 30
        one = sums(*(rng.poisson(where).astype(np.float32) for _ in range(2)), paired=True)
        found[row], floor[row] = one.divergence().item(), one.floor().item()
    error = found.std() / repetitions**0.5
    assert abs(found.mean() - floor.mean()) < 4 * error + 0.02 * found.mean()


@pytest.mark.parametrize("kind", ["counts", "sums"])
def test_resamples_lie_about_the_value_and_not_a_floor_above(kind: str) -> None:
    rng = np.random.default_rng(7)
    n = 150
    if kind == "counts":
        first, second = rng.integers(20, size=n), np.minimum(rng.integers(22, size=n), 19)
    else:
        first, second = profiles(rng, n), profiles(rng, n, 0.3)

    def excess(index: Array) -> tuple[float, float]:
        repeats = repeats_of(index.astype(np.uint64))
        one = (
            counts(first[index], second[index], 20, paired=True, repeats=repeats)
            if kind == "counts"
            else sums(first[index], second[index], paired=True, repeats=repeats)
        )
        floor = one.floor().item()
        return one.divergence().item() - floor, floor

    point, floor = excess(np.arange(n))
    drawn = np.array([excess(rng.integers(n, size=n))[0] for _ in range(200)])
    assert abs(drawn.mean() - point) < 4 * drawn.std() / 14 + 0.1 * floor


def test_intervals_of_one_law_hold_zero_at_least_as_often_as_they_say() -> None:
    rng = np.random.default_rng(9)
    n, held = 60, 0
    for _ in range(40):
        first, second = rng.integers(12, size=(2, n))
        drawn = []
        for _ in range(40):
            index = rng.integers(n, size=n)
            repeats = repeats_of(index.astype(np.uint64))
            one = counts(first[index], second[index], 12, paired=True, repeats=repeats)
            drawn.append(one.divergence().item() - one.floor().item())
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= 0 <= high
    assert held >= 36  # of 40, 38 expected where they are right


def test_disjoint_samples_have_no_floor() -> None:
    """Their divergence is log 2, whatever the size: nothing is to be taken off."""
    rng = np.random.default_rng(8)
    found = counts(rng.integers(20, size=200), 20 + rng.integers(20, size=200), 40, paired=False)
    assert found.divergence().item() == pytest.approx(np.log(2))
    assert found.floor().item() == 0
    near, far = np.arange(20) < 8, np.arange(20) > 12
    profile = sums(profiles(rng, 50) * near, profiles(rng, 50) * far, paired=False)
    assert profile.floor().item() < 1e-4


def test_separation_power() -> None:
    one = counts([0, 0, 1, 1], [1, 1, 2, 2], 3, paired=False)
    # Shares (.5, .5, 0) and (0, .5, .5): (.5 + 0 + .5) / 2.
    assert one.separation().item() == pytest.approx(0.5)


def test_empty_strata_say_nothing() -> None:
    side = Counted(np.array([0, 1], np.intp), np.ones(2))
    one = contrast_of_counts(side, side, np.array([0, 0, 1, 1], np.intp), 2, paired=True)
    assert one.divergence().tolist() == [0, 0]
    assert one.floor().tolist() == [0, 0]  # each pair in one bin: nothing can differ
