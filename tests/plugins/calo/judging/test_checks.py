"""Each check on showers that are right, and on the fault that it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Table
from zoo_calo.checks import (
    angle_slope,
    check,
    containment,
    last_layers,
    layer_factor,
    same_core,
    uniform_label,
)
from zoo_calo.observables.cores import cut_to_core

Toy = Callable[..., Table]


def test_weighted_deposits_are_seen_in_the_profile(toy: Toy, toy_grid: Any) -> None:
    grid, plain = toy_grid(last=2.0), toy_grid()
    showers = toy(np.full(400, 20.0), 1, grid, depth=1.4)
    found = layer_factor(showers, grid)
    assert found.verdict == "pass"
    assert found.number == pytest.approx(1, abs=0.1)
    layer = showers["cell"].values // (grid.cells // grid.layers)
    deposit = showers["deposit"]
    twice = deposit.values * np.asarray(grid.layer_weight, np.float32)[layer]
    weighted = showers.with_columns({"deposit": type(deposit)(twice, deposit.offsets)})
    for one in (grid, plain):
        found = layer_factor(weighted, one)
        assert found.verdict == "fail"
        assert found.number == pytest.approx(2, abs=0.5)
        assert "weighted already" in found.sentence
    assert layer_factor(toy(np.full(400, 20.0), 2, plain, depth=1.4), plain).verdict == "pass"
    assert layer_factor(showers, toy_grid(layers=12)).verdict == "unknown"


def test_generated_showers_without_the_weights_end_too_early(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid(last=2.0)
    good = toy(np.full(400, 20.0), 1, grid), toy(np.full(400, 20.0), 2, grid)
    assert last_layers(*good, grid).verdict == "pass"
    bad = last_layers(good[0], toy(np.full(400, 20.0), 3, grid, depth=0.8), grid)
    assert bad.verdict == "fail"
    assert bad.number < 0.8


def test_a_slope_in_angle_is_found(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    rng = np.random.default_rng(0)
    theta = rng.uniform(1.2, np.pi / 2, 600)
    first, second = (toy(np.full(600, 20.0), seed, grid, theta=theta) for seed in (1, 2))
    assert angle_slope(first, second, grid).verdict == "pass"
    # 1 % more for each degree of tilt.
    rising = 1 + 0.01 * (90 - np.degrees(theta))
    deposit = second["deposit"]
    factor = np.repeat(rising, deposit.lengths).astype(np.float32)
    tilted = second.with_columns({"deposit": type(deposit)(deposit.values * factor,
                                                           deposit.offsets)})  # fmt: skip
    found = angle_slope(first, tilted, grid)
    assert found.verdict == "fail"
    assert found.number == pytest.approx(-9.5, abs=2.5)
    assert angle_slope(first.select(frozenset({"energy"})), second, grid).verdict == "unknown"


def test_labels() -> None:
    rng = np.random.default_rng(1)
    assert uniform_label(rng.uniform(0.5, 1.5, 3000), "theta").verdict == "pass"
    bent = uniform_label(np.arcsin(rng.uniform(0.5, 1, 3000)), "theta")
    assert bent.verdict == "fail"
    assert "they are not" in bent.sentence
    assert uniform_label(np.repeat([2.0, 5.0, 8.0], [90, 110, 100]), "energy").verdict == "pass"
    assert uniform_label(np.repeat([2.0, 5.0, 8.0], [900, 1100, 1300]), "energy").verdict == "fail"
    assert uniform_label(np.full(9, 20.0), "energy").verdict == "unknown"


def test_the_p_value_of_uniform_labels_is_uniform() -> None:
    rng = np.random.default_rng(2)
    found = [uniform_label(rng.uniform(3, 4, 60), "x").number for _ in range(150)]
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.08)


def test_a_core_must_be_cut_from_both(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid(cells=15)
    reference, generated = (toy(np.full(60, 20.0), seed, grid, width_mm=20) for seed in (1, 2))
    assert same_core(reference, generated, grid).verdict == "pass"
    core = cut_to_core(generated, grid, 9)
    found = same_core(reference, core, grid)
    assert found.verdict == "fail"
    assert "9 x 9" in found.sentence
    assert same_core(cut_to_core(reference, grid, 9), core, grid).verdict == "pass"
    narrow = toy_grid(cells=9)
    few = toy(np.full(9, 20.0), 1, narrow)
    assert same_core(few, few, narrow).verdict == "unknown"


def test_containment_compares_the_outermost_cells(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    reference, generated = (toy(np.full(200, 20.0), seed, grid) for seed in (1, 2))
    found = containment(reference, generated, grid)
    assert found.verdict == "pass"
    assert "of what the detector saw" in found.sentence
    wide = containment(reference, toy(np.full(200, 20.0), 3, grid, width_mm=20), grid)
    assert wide.verdict == "fail"
    assert wide.number > 1.5


def test_all_checks_tell(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    table = toy(np.full(60, 20.0), 1, grid)
    findings = check(table, table, grid)
    assert len({finding.name for finding in findings}) == len(findings) == 7
    assert all(finding.verdict != "fail" for finding in findings)
    unknown = next(f for f in findings if f.name == "slope in angle").told()
    assert unknown["number"] is None
    assert unknown["sentence"].startswith("not tested")
