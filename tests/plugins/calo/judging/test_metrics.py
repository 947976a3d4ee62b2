"""The measure of two samples of one law, of a shifted one, and the speed of a summary."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, wasserstein_distance

from zoo.api import DataError, Ragged, Table
from zoo.evaluation import Resampler, numbers_of
from zoo_calo.fidelity.robust import gaussian_core, mean90
from zoo_calo.fidelity.six import OBSERVABLES, Side, distances, linearity, wasserstein
from zoo_calo.metrics import PRIMARY, CaloMetrics, side_of
from zoo_calo.observables.observed import observed
from zoo_calo.specs import SAMPLE

Toy = Callable[..., Table]


def measured(toy: Toy, toy_grid: Any, energy: Any, seed: int, **changes: Any) -> Any:
    grid = toy_grid()
    metrics = CaloMetrics(grid.facts())
    true, made = toy(energy, seed, grid), toy(energy, seed + 1, grid, **changes)
    made = made.with_columns({"id": true.ids}).select(frozenset({"cell", "deposit"}))
    return metrics, metrics.measure(true, made).with_columns({"group": true.ids})


def values(metrics: Any, rows: Table) -> dict[str, float]:
    return {number.name: number.value for number in metrics.summarise(rows)}


def test_fields_are_those_of_samples() -> None:
    assert CaloMetrics.needs <= set(SAMPLE)
    assert set(CaloMetrics.bins) == {"energy", "theta"}


def test_two_samples_of_one_law_have_the_floor_and_no_more(toy: Toy, toy_grid: Any) -> None:
    """200 and 200 showers of 20 GeV: the raw sum is that of Geant4 against itself, .64 +- .03."""
    raw, floor, corrected = [], [], []
    for seed in range(4):
        metrics, rows = measured(toy, toy_grid, np.full(200, 20.0), 10 * seed)
        found = values(metrics, rows)
        raw.append(found["raw JS, sum"])
        floor.append(found["floor of the raw sum"])
        corrected.append(found[PRIMARY])
    assert np.mean(raw) == pytest.approx(0.64, abs=0.1)
    assert np.mean(floor) == pytest.approx(np.mean(raw), rel=0.08)
    assert np.mean(corrected) < 0.15


def test_its_interval_holds_zero(toy: Toy, toy_grid: Any) -> None:
    metrics, rows = measured(toy, toy_grid, np.full(300, 5.0), 50)
    primary = next(
        number
        for number in numbers_of(Resampler(metrics, resamples=60), rows)
        if number.number.name == PRIMARY and not number.column
    )
    assert primary.low == 0 < primary.high < 0.3


def test_a_shift_is_measured_as_on_many_showers(toy: Toy, toy_grid: Any) -> None:
    """Energies 4 % too high and profiles 10 % too deep: true on 4,000, measured on 500."""
    change = {"response": 1.04, "depth": 1.1}
    grid = toy_grid()
    parts: list[dict[str, Any]] = [{}, {}]
    for side, changes in enumerate(({}, change)):
        tables = [observed(toy(np.full(500, 5.0), 100 + i + 50 * side, grid, **changes), grid)
                  for i in range(8)]  # fmt: skip
        parts[side] = {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}
    sides = [Side.of(part, np.full(4000, 5.0)) for part in parts]
    truth = distances(sides[0], sides[1], grid.layers, paired=False)
    expected = sum(one.excess for one in truth.values()) ** 0.5
    metrics, rows = measured(toy, toy_grid, np.full(500, 5.0), 300, **change)
    numbers = numbers_of(Resampler(metrics, resamples=60), rows)
    primary = next(n for n in numbers if n.number.name == PRIMARY and not n.column)
    raw = next(n for n in numbers if n.number.name == "raw JS, sum" and not n.column)
    assert expected > 0.15
    assert primary.low < expected < primary.high
    assert raw.number.value > 1.1 * sum(one.raw for one in truth.values())
    found = values(metrics, rows)
    assert found["visible energy - 1"] == pytest.approx(4, abs=1.5)
    assert found["corrected JS of longitudinal profile"] == pytest.approx(
        truth["longitudinal profile"].corrected, rel=0.2
    )


def test_strata_do_not_make_up_for_one_another(toy: Toy, toy_grid: Any) -> None:
    """Too high at 2 GeV, too low at 5 GeV: no bias of the mean, and not no distance."""
    energy = np.repeat([2.0, 5.0], 300)
    metrics, rows = measured(toy, toy_grid, energy, 70)
    tilted = np.where(energy < 3, 1.2, 0.8).astype(np.float32)
    rows = rows.with_columns({"made_visible": rows["made_visible"] * tilted})
    found = values(metrics, rows)
    assert abs(found["visible energy - 1"]) < 2
    assert found["corrected JS of visible energy"] > 0.3
    assert found["corrected JS of hits"] < 0.2


def test_numbers_are_the_same_for_any_rows(toy: Toy, toy_grid: Any) -> None:
    metrics, rows = measured(toy, toy_grid, np.full(20, 2.0), 80)
    names = [number.name for number in metrics.summarise(rows)]
    assert len(set(names)) == len(names) == 4 + 3 + 18 + 3
    assert [number.name for number in metrics.summarise(rows.take([0]))] == names
    assert set(side_of(rows, "true").columns) < {name[5:] for name in rows}
    assert np.isnan(rows["theta"]).all()


def test_angles_bin_and_containment_is_told(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    theta = np.linspace(np.pi / 6, np.pi / 2, 30)
    true = toy(np.full(30, 5.0), 1, grid, theta=theta)
    rows = CaloMetrics(grid.facts()).measure(true, true)
    np.testing.assert_allclose(rows["theta"], np.degrees(theta), rtol=1e-5)
    # A tilt of 60 degrees leaves the grid; along the normal nearly all stays.
    assert rows["true_contained"][0] < 0.6
    assert rows["true_contained"][-1] > 0.8


def test_an_empty_generator_has_numbers(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    true = toy(np.full(30, 2.0), 1, grid)
    offsets = np.zeros(31, np.int64)
    nothing = Table(
        {
            "id": true.ids,
            "cell": Ragged(np.zeros(0, np.int32), offsets),
            "deposit": Ragged(np.zeros(0, np.float32), offsets),
        }
    )
    metrics = CaloMetrics(grid.facts())
    found = values(metrics, metrics.measure(true, nothing))
    assert found[PRIMARY] > 1
    assert found["raw JS of hits"] == pytest.approx(np.log(2) ** 0.5)
    assert found["hits - 1"] == -100


def test_data_without_a_grid_are_refused(toy: Toy, toy_grid: Any) -> None:
    table = toy(np.full(3, 2.0), 1, toy_grid())
    with pytest.raises(DataError, match="no grid"):
        CaloMetrics({}).measure(table, table)


def test_mean90_and_gaussian_core() -> None:
    """Of a normal law the shortest 90 % have a width of 0.7893; tails do not count."""
    quantiles = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    peak = mean90(10 + 2 * quantiles)
    cut = norm.ppf(0.95)
    by_hand = 2 * (1 - 2 * cut * norm.pdf(cut) / 0.9) ** 0.5
    assert peak.mean == pytest.approx(10, abs=1e-3)
    assert peak.width == pytest.approx(by_hand, rel=1e-3)
    assert peak.mean_error == pytest.approx(peak.width / 18_000**0.5)
    core = gaussian_core(np.concatenate([10 + 2 * quantiles, np.full(100, 1000.0)]))
    assert (core.mean, core.width) == pytest.approx((10, 2), rel=2e-3)
    assert np.isnan(mean90(np.ones(1)).mean)
    assert mean90(np.ones(5)).resolution == 0


def test_linearity_and_width_of_scaled_energies() -> None:
    rng = np.random.default_rng(2)
    energy = np.repeat([2.0, 20.0], 500)
    visible = energy * (30 + 3 * rng.normal(size=1000))
    first = Side.of({"visible": visible}, energy)
    second = Side.of({"visible": 1.1 * visible}, energy)
    assert linearity(first, second) == pytest.approx((10, 0), abs=1e-9)


def test_wasserstein_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=50), rng.normal(0.5, 1, 80)
    expected = wasserstein_distance(first, second) / first.std()
    assert wasserstein(first, second) == pytest.approx(expected)
    assert wasserstein(first, first[::-1] + 0.3) == pytest.approx(0.3 / first.std())
    assert np.isnan(wasserstein(np.ones(3), np.ones(3)))


def test_a_summary_is_quick_enough_for_a_thousand_resamples(toy: Toy, toy_grid: Any) -> None:
    """10,000 rows in well under a second, so that a thousand take minutes at most."""
    metrics, rows = measured(toy, toy_grid, np.repeat([2.0, 5.0, 8.0], 100), 90)
    index = np.random.default_rng(0).integers(300, size=10_000)
    many = rows.take(index).with_columns({"id": np.arange(10_000, dtype=np.uint64)})
    metrics.summarise(many)
    began = time.process_time()
    found = metrics.summarise(many)
    assert time.process_time() - began < 0.5
    assert len(found) == 4 + 3 + 3 * len(OBSERVABLES) + 3
