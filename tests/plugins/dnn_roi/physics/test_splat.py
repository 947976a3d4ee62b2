"""Gaussian patches against the distribution function itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from zoo_dnn_roi.physics.splat import Spots, Window, bounding_window, deposit

WINDOW = Window(0, 40, 0, 80)


def _spots(wire: list[float], tick: list[float], sigma_wires: float, sigma_ticks: float) -> Spots:
    one = np.ones(len(wire))
    charge = 1000.0 * (1 + np.arange(len(wire)))
    return Spots(np.array(wire), np.array(tick), one * sigma_wires, one * sigma_ticks, charge)


def test_cells_hold_the_integrals_of_the_gaussian() -> None:
    grid = deposit(_spots([20.3], [41.7], 0.8, 2.5), WINDOW)[0]
    wires = np.diff(norm.cdf(np.arange(41), 20.3, 0.8))
    ticks = np.diff(norm.cdf(np.arange(81), 41.7, 2.5))
    expected = 1000 * np.outer(wires, ticks)
    # What lies beyond three standard deviations (0.27 % an axis) is spread over the patch.
    np.testing.assert_allclose(grid, expected, atol=0.006 * expected.max())
    assert grid.sum() == pytest.approx(1000, rel=1e-5)


def test_impact_bins_refine_the_wires() -> None:
    spots = _spots([20.37, 21.9], [41.7, 30.2], 0.3, 1.5)
    fine = deposit(spots, WINDOW, 10)
    wires = np.diff(norm.cdf(np.arange(401) / 10, 20.37, 0.3))
    np.testing.assert_allclose(
        fine[:, 20].sum(axis=1) / 1000, wires[200:210], atol=0.005 * wires.max()
    )
    np.testing.assert_allclose(fine.sum(), 3000, rtol=1e-5)


def test_many_clouds_are_the_sum_of_single_ones() -> None:
    rng = np.random.default_rng(3)
    wire, tick = rng.uniform(-2, 42, 200), rng.uniform(-5, 85, 200)
    sigma = rng.uniform(0.01, 1.5, 200)
    together = deposit(Spots(wire, tick, sigma, 2 * sigma, np.ones(200)), WINDOW)
    single = np.zeros_like(together)
    for i in range(200):
        part = slice(i, i + 1)
        single += deposit(
            Spots(wire[part], tick[part], sigma[part], 2 * sigma[part], np.ones(1)), WINDOW
        )
    # Patches in a chunk are as wide as its widest: more of the tails, up to 0.3 % a cloud and axis.
    np.testing.assert_allclose(together, single, atol=0.01)
    assert together.sum() == pytest.approx(single.sum(), rel=1e-3)


def test_a_point_lands_in_its_cell() -> None:
    grid = deposit(_spots([7.5], [9.5], 0.0, 0.0), WINDOW)[0]
    assert grid[7, 9] == 1000
    assert np.count_nonzero(grid) == 1


def test_charge_outside_the_window_is_lost() -> None:
    half = deposit(_spots([0.0], [40.0], 1.0, 2.0), WINDOW)
    # The two tails of a patch end at cell borders, not equally far from its middle.
    assert half.sum() == pytest.approx(500, rel=0.003)
    assert not deposit(_spots([-30.0, 20.0], [40.0, 300.0], 1.0, 2.0), WINDOW).any()


def test_bounding_window_loses_nothing_and_is_small() -> None:
    spots = _spots([20.3, 25.0], [41.7, 50.0], 0.8, 2.5)
    window = bounding_window(spots, WINDOW)
    assert window is not None
    assert deposit(spots, window).sum() == pytest.approx(3000, rel=1e-5)
    assert window.wires < 14
    assert window.ticks < 30
    assert bounding_window(_spots([-30.0], [40.0], 1.0, 2.0), WINDOW) is None
