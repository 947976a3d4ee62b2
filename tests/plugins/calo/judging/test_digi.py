"""Digitisation by hand and by its laws; calibration and resolution of known showers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from zoo.api import DataError, Ragged, Table
from zoo_calo.digi.calibration import fit_calibration
from zoo_calo.digi.electronics import Electronics, Saturation, digitise, saturated
from zoo_calo.digi.levels import levels
from zoo_calo.digi.resolution import energy_points, stochastic_term

Toy = Callable[..., Table]


def few(deposits: list[float]) -> Table:
    cell = Ragged.of([np.arange(len(deposits), dtype=np.int32)])
    deposit = Ragged(np.array(deposits, np.float32), cell.offsets)
    return Table({"id": np.array([7], np.uint64), "cell": cell, "deposit": deposit})


def test_scale_and_threshold_by_hand(toy_grid: Any) -> None:
    # A MIP is 0.2 MeV: 0.05, 0.1 and 0.6 MeV are 0.25, 0.5 and 3 MIP.
    found = digitise(few([0.05, 0.1, 0.6]), toy_grid(), Electronics(), np.array([7], np.uint64))
    assert found["cell"].values.tolist() == [1, 2]
    np.testing.assert_allclose(found["deposit"].values, [0.5, 3], rtol=1e-6)


def test_saturation() -> None:
    law = Saturation(photoelectrons=10, pixels=1000)
    # 100 MIP are 1,000 photo-electrons on 1,000 pixels: 1 - 1/e of them fire.
    assert saturated(np.array([100.0]), law).item() == pytest.approx(100 * (1 - np.exp(-1)))
    assert saturated(np.array([0.01]), law).item() == pytest.approx(0.01, rel=1e-4)
    assert saturated(np.array([1e6]), law).item() == pytest.approx(100)


def test_noise_lights_as_many_empty_cells_as_a_normal_law(toy_grid: Any) -> None:
    grid = toy_grid()
    count, sigma = 40, 0.25
    offsets = np.zeros(count + 1, np.int64)
    empty = Table(
        {
            "id": np.arange(count, dtype=np.uint64),
            "cell": Ragged(np.zeros(0, np.int32), offsets),
            "deposit": Ragged(np.zeros(0, np.float32), offsets),
        }
    )
    electronics = Electronics(noise_mip=sigma)
    found = digitise(empty, grid, electronics, empty.ids)
    expected = count * grid.cells * norm.sf(0.5 / sigma)
    assert len(found["cell"].values) == pytest.approx(expected, abs=4 * expected**0.5)
    # Mean of the tail: sigma phi(t) / Q(t).
    tail = sigma * norm.pdf(0.5 / sigma) / norm.sf(0.5 / sigma)
    assert found["deposit"].values.mean() == pytest.approx(tail, rel=0.02)
    assert all((np.diff(found["cell"][row]) > 0).all() for row in range(count))
    alone = digitise(empty.take([5]), grid, electronics, empty.ids[5:6])
    np.testing.assert_array_equal(alone["deposit"][0], found["deposit"][5])


def test_noise_of_hit_cells_has_its_width(toy_grid: Any) -> None:
    found = digitise(
        few([20.0] * 2000), toy_grid(), Electronics(noise_mip=0.3), np.array([3], np.uint64)
    )
    seen = found["deposit"].values[:2000].astype(np.float64)
    assert seen.mean() == pytest.approx(100, abs=4 * 0.3 / 2000**0.5)
    assert seen.std() == pytest.approx(0.3, rel=0.07)


def test_calibration_finds_the_factor_of_each_kind_of_layer(toy_grid: Any) -> None:
    """Two cells a shower, before and behind the border: E = 0.03 a + 0.07 b exactly."""
    grid = toy_grid(last=2.0)
    rng = np.random.default_rng(1)
    deposit = rng.uniform(50, 500, (100, 2))
    energy = deposit @ [0.03, 0.07]
    cells = np.tile([5, grid.cells - 5], 100).astype(np.int32)
    offsets = np.arange(0, 201, 2)
    table = Table(
        {
            "id": np.arange(100, dtype=np.uint64),
            "cell": Ragged(cells, offsets),
            "deposit": Ragged(deposit.ravel().astype(np.float32), offsets),
        }
    )
    found = fit_calibration(table, energy, grid)
    np.testing.assert_allclose(found.factor, [0.03, 0.07], rtol=1e-5)
    np.testing.assert_allclose(found.energy(table), energy, rtol=1e-5)
    # One factor keeps the weights of the grid; by hand, the weighted sums w = a + 2 b.
    weighted = deposit @ [1, 2]
    by_hand = weighted.sum() / (weighted**2 / energy).sum()
    single = fit_calibration(table, energy, grid, groups=False)
    np.testing.assert_allclose(single.factor, by_hand * np.array([1, 2]), rtol=1e-5)


def test_a_calibration_holds_for_other_showers(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid(last=2.0)
    energy = np.random.default_rng(1).uniform(5, 50, 300)
    found = fit_calibration(toy(energy, 1, grid, width_mm=3), energy, grid)
    other = toy(np.full(200, 20.0), 2, grid, width_mm=3)
    assert found.energy(other).mean() == pytest.approx(20, rel=0.015)


def test_calibration_needs_showers(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    table = toy(np.full(5, 20.0), 1, grid)
    with pytest.raises(DataError, match="cannot calibrate"):
        fit_calibration(table, table["energy"], grid)


def test_saturation_costs_linearity_and_noise_costs_resolution(toy: Toy, toy_grid: Any) -> None:
    grid = toy_grid()
    energy = np.repeat([5.0, 20.0], 100)
    training, judged = (toy(energy, seed, grid) for seed in (1, 2))
    bad = Electronics(noise_mip=0.4, saturation=Saturation(photoelectrons=15, pixels=1000))
    good = levels(training, judged, grid, Electronics(threshold_mip=0))
    np.testing.assert_allclose(good["digi"].energy, good["sim"].energy, rtol=1e-5)
    found = levels(training, judged, grid, bad)
    assert good["sim"].points[1].mean90.mean == pytest.approx(1, abs=0.03)
    ratio = {name: one.points[1].mean90.mean / one.points[0].mean90.mean
             for name, one in found.items()}  # fmt: skip
    assert ratio["sim"] == pytest.approx(1, abs=0.04)
    assert ratio["digi"] < ratio["sim"] - 0.05  # noise is the same at both energies
    told = found["digi"].told()
    assert [point["energy"] for point in told["points"]] == [5, 20]
    assert told["points"][0]["showers"] == 100
    assert told["stochastic_term"] > 0


def test_stochastic_and_constant_term_are_found() -> None:
    rng = np.random.default_rng(3)
    energy = np.repeat([2.0, 5.0, 8.0, 20.0, 50.0, 80.0], 3000)
    width = np.hypot(0.16 / np.sqrt(energy), 0.02)
    points = energy_points(30 * energy * (1 + width * rng.normal(size=len(energy))), energy)
    assert [point.energy for point in points] == [2, 5, 8, 20, 50, 80]
    assert points[0].mean90.mean == pytest.approx(30, rel=0.01)
    assert points[0].gaussian.resolution == pytest.approx(width[0], rel=0.06)
    a, b = stochastic_term(points)
    assert (a, b) == (pytest.approx(0.16, rel=0.05), pytest.approx(0.02, rel=0.1))
    assert np.isnan(stochastic_term(points[:1])).all()
    assert energy_points(np.ones(5), np.ones(5)) == []
