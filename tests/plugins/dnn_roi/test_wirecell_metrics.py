"""Wire-Cell's definitions on planes and histograms whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.stats import norm

from zoo_dnn_roi.wirecell_metrics import CENTRES, count_channels, fit_gaussian

WIRES, TICKS = 12, 100
ALL = np.ones(WIRES, np.bool_)


def filled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = np.append(CENTRES, CENTRES[-1] + 0.01) - 0.005
    return np.histogram(values, edges)[0].astype(np.float64)


def test_the_fit_finds_mean_and_width_of_a_gaussian() -> None:
    exact = norm(0.13, 0.04).pdf(CENTRES)
    assert fit_gaussian(exact) == pytest.approx((0.13, 0.04), rel=1e-4)


def test_the_fit_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(-0.06, 0.05, 400), rng.uniform(-1.5, 0.9, 80)])
    counts = filled(values)
    median = np.searchsorted(np.cumsum(counts), counts.sum() / 2)
    part = slice(int(median) - 25, int(median) + 25)

    def shape(x: NDArray[np.float64], a: float, mu: float, sigma: float) -> NDArray[np.float64]:
        return a * np.exp(-0.5 * ((x - mu) / sigma) ** 2)

    (_, mu, sigma), _ = curve_fit(shape, CENTRES[part], counts[part], p0=(30, -0.05, 0.05))
    assert fit_gaussian(counts) == pytest.approx((mu, sigma), rel=1e-3)


def test_few_channels_have_their_mean_and_deviation() -> None:
    assert fit_gaussian(filled(np.array([0.1, 0.1, 0.3]))) == pytest.approx(
        (1 / 6, np.std([0.1, 0.1, 0.3]))
    )
    assert np.isnan(fit_gaussian(np.zeros(len(CENTRES)))).all()


def test_channels_of_the_largest_piece_alone_are_compared() -> None:
    truth = np.zeros((WIRES, TICKS), np.float32)
    truth[2:8, 20:30] = 1000  # the largest: six channels of 10 000
    truth[10, 60:70] = 1000
    charge = np.zeros_like(truth)
    charge[2, 20:30] = 800  # (Qt - Qr) / Qt = 0.2
    charge[3, 20:30] = 1300  # -0.3
    charge[4, 60:70] = 900  # outside of the box: an empty channel
    charge[5, 20:30] = -100  # neither empty nor positive
    charge[6:8, 20:30] = 1000
    charge[10, 60:70] = 500
    found = count_channels(truth, charge, ALL, 10.0)
    assert (found.valid, found.empty) == (6, 1)
    np.testing.assert_array_equal(found.histogram, filled(np.array([0.2, -0.3, 0.0, 0.0])))
    alive = np.arange(WIRES) != 4
    assert count_channels(truth, charge, alive, 10.0)[:2] == (5, 0)


def test_the_largest_piece_is_the_one_of_most_charge() -> None:
    truth = np.zeros((WIRES, TICKS), np.float32)
    truth[1:3, 10:20] = 100  # larger, of 2000 electrons
    truth[6, 50:55] = 1000  # of 5000
    assert count_channels(truth, truth, ALL, 10.0).valid == 1


def test_far_too_much_charge_is_counted_in_the_first_bin() -> None:
    truth = np.zeros((WIRES, TICKS), np.float32)
    truth[0, 10:20] = 100
    found = count_channels(truth, 50 * truth, ALL, 10.0)
    assert found.histogram[0] == found.histogram.sum() == 1


def test_a_plane_without_charge_has_nothing() -> None:
    nothing = np.zeros((WIRES, TICKS), np.float32)
    found = count_channels(nothing, nothing, ALL, 10.0)
    assert found.valid == found.empty == found.histogram.sum() == 0
