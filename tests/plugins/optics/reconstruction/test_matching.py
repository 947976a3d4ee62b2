"""Assignments, charges along the drift, and matches of simulated windows."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo_optics.physics.detector import Box, Detector, Sensors
from zoo_optics.reconstruction.deviance import Score
from zoo_optics.reconstruction.matching import (
    Chamber,
    MatchSettings,
    assign,
    match_window,
    told_charges,
)
from zoo_optics.reconstruction.windows import FIELDS, Candidate, windows_of
from zoo_optics.sources.lar_windows import LarWindows
from zoo_optics.sources.windows_config import LarWindowsConfig

Array = NDArray[np.float64]


def score(deviance: Array, mean: float = 10.0, spread: float = 2.0) -> Score:
    full = np.ones_like(deviance)
    return Score(deviance, mean * full, spread * full, full)


def best_by_trying(deviance: Array, limit: float) -> float:
    """Least total over all matchings, where a flash that is left costs ``limit``."""
    candidates, flashes = deviance.shape
    places = [*range(flashes), *[-1] * candidates]
    found = np.inf
    for chosen in set(permutations(places, candidates)):
        pairs = [(row, flash) for row, flash in enumerate(chosen) if flash >= 0]
        total = sum(deviance[pair] for pair in pairs) + limit * (flashes - len(pairs))
        found = min(found, total)
    return found


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (1, 1)])
def test_no_other_matching_is_better(shape: tuple[int, int]) -> None:
    for seed in range(8):
        deviance = np.random.default_rng(seed).uniform(5, 40, shape)
        deviance[0, 0] = np.inf
        flash = assign(score(deviance), 5.0)  # a flash that is left costs 10 + 5 * 2
        pairs = [(row, column) for row, column in enumerate(flash) if column >= 0]
        assert len({column for _, column in pairs}) == len(pairs)
        total = sum(deviance[pair] for pair in pairs) + 20.0 * (shape[1] - len(pairs))
        assert np.isfinite(total)
        assert total == pytest.approx(best_by_trying(deviance, 20.0))


def test_pairs_together_win_over_the_best_single_one() -> None:
    deviance = np.array([[1.0, 2.0], [2.0, 19.0]])
    np.testing.assert_array_equal(assign(score(deviance), 5.0), [1, 0])


def test_a_flash_that_nobody_suits_is_left() -> None:
    deviance = np.array([[11.0, 90.0], [95.0, 80.0]])
    np.testing.assert_array_equal(assign(score(deviance), 5.0), [0, -1])
    np.testing.assert_array_equal(assign(score(deviance), 0.0), [0, 1])


def test_what_lies_outside_is_never_matched() -> None:
    deviance = np.array([[np.inf, 3.0], [np.inf, 4.0]])
    for sigma in (0.0, 5.0):
        np.testing.assert_array_equal(assign(score(deviance), sigma), [1, -1])
    assert (assign(score(np.full((2, 3), np.inf)), 0.0) == -1).all()


def test_nothing_to_match() -> None:
    assert assign(score(np.zeros((2, 0))), 5.0).tolist() == [-1, -1]
    assert assign(score(np.zeros((0, 2))), 5.0).shape == (0,)


def chamber(visibility: Any = None) -> Chamber:
    sensors = Sensors(np.array([[110.0, 0, 0], [110.0, 50, 0]]), np.tile([-1.0, 0, 0], (2, 1)), 5.0)
    detector = Detector(sensors, Box((0.0, -100.0, -100.0), (100.0, 100.0, 100.0)))

    def linear(points: Array) -> Array:
        return np.stack([points[:, 0], points[:, 1] + 200], 1) * 1e-4

    return Chamber(detector, visibility or linear, np.array([0.5, 0.0, 0.0]))


def test_charges_at_the_place_that_the_time_tells() -> None:
    """By hand: 10 us at 0.5 cm/us are 5 cm, to x = 15 and 25; 400 us are too far."""
    one = Candidate(7, np.array([[10.0, 20.0, 0.0], [20.0, 30.0, 0.0]]), np.array([1000.0, 3000.0]))
    inside, told = told_charges(one, np.array([10.0, 400.0, -30.0]), chamber())
    np.testing.assert_array_equal(inside, [True, False, False])
    np.testing.assert_allclose(told[0], [0.1 * 15 + 0.3 * 25, 0.1 * 220 + 0.3 * 230])
    assert not told[1:].any()


def test_what_sticks_out_a_little_shines_from_the_wall() -> None:
    one = Candidate(7, np.array([[-3.0, 0.0, 0.0]]), np.array([1000.0]))
    assert not told_charges(one, np.zeros(1), chamber())[0][0]
    inside, told = told_charges(one, np.zeros(1), chamber(), 5.0)
    assert inside[0]
    np.testing.assert_allclose(told[0], [0.0, 20.0])


def windows(count: int, **options: Any) -> tuple[LarWindows, list[Any]]:
    source = LarWindows(LarWindowsConfig.model_validate({"interactions": 6, **options}))
    keys = np.arange(1, count + 1, dtype=np.uint64)
    samples = source.simulate(keys, frozenset(FIELDS))
    return source, list(windows_of(samples, "test"))


def right(source: LarWindows, made: list[Any], visibility: Any, **settings: Any) -> tuple[int, int]:
    drift = np.array(source.facts["drift_cm_us"])
    at = Chamber(source.box.detector, visibility, drift)
    chosen = MatchSettings(**settings)
    found = [match_window(one, at, chosen).flash == one.truth for one in made]
    return int(np.concatenate(found).sum()), sum(len(one) for one in found)


def test_bright_windows_are_matched_by_the_true_light() -> None:
    source, made = windows(10, box={"efficiency": 0.01})
    good, total = right(source, made, source.box.visibility)
    assert total == 60
    assert good >= 58


def test_without_light_and_time_it_is_chance() -> None:
    """All flashes at once and every place as bright: one of six is right."""
    source, made = windows(40, window_us=0.0, box={"efficiency": 0.01})
    good, total = right(source, made, lambda points: np.full((len(points), 60), 1e-4))
    assert total == 240
    assert good < 80  # 40 +- 6 are expected
    assert right(source, made, source.box.visibility)[0] > 200


def test_who_made_no_flash_is_left_alone() -> None:
    source, made = windows(
        20, box={"efficiency": 0.01}, without_flash=0.3, without_charge=0.3, segment_spread=0.0
    )
    good, total = right(source, made, source.box.visibility)
    forced, _ = right(source, made, source.box.visibility, reject_sigma=0.0)
    assert good > 0.97 * total
    assert forced < good
