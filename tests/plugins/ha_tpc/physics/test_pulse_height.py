"""Amplitude, time and width of pulses that are known."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_ha_tpc.physics.pulse_height import Pulses, pulse_heights

SAMPLES = np.arange(60)


def gaussian(centre: float, height: float, sigma: float = 5.0) -> np.ndarray:
    return np.asarray(height * np.exp(-0.5 * ((SAMPLES - centre) / sigma) ** 2))


def measured(*waves: np.ndarray, threshold: float = 20.0) -> dict[str, np.ndarray]:
    start = 1000.0 * np.arange(len(waves))
    pad = np.arange(len(waves)) + 5
    return vars(pulse_heights(Pulses(pad, np.stack(waves), start), 40.0, threshold))


def test_a_gaussian_pulse() -> None:
    """Full width at half maximum: 2.3548 sigma."""
    found = measured(gaussian(20.3, 500), gaussian(33.0, 100))
    assert found["pad"].tolist() == [5, 6]
    np.testing.assert_allclose(found["charge"], [500, 100], rtol=3e-3)
    np.testing.assert_allclose(found["time_ns"], [20.3 * 40, 1000 + 33 * 40], atol=2)
    np.testing.assert_allclose(found["width_ns"], 2.3548 * 5 * 40, rtol=5e-3)


def test_the_threshold() -> None:
    found = measured(gaussian(20, 19.9), gaussian(20, 20), gaussian(20, 20.1))
    assert found["pad"].tolist() == [6, 7]


def test_a_saturated_pulse_keeps_its_width() -> None:
    clipped = np.minimum(gaussian(20, 8000), 4095)
    found = measured(clipped)
    assert found["charge"].item() == 4095
    # Half of the clipped height is reached at sigma sqrt(2 ln(8000 / 2047.5)).
    expected = 2 * 5 * np.sqrt(2 * np.log(8000 / 2047.5)) * 40
    assert found["width_ns"].item() == pytest.approx(expected, rel=0.01)


def test_pulses_that_the_window_cuts() -> None:
    found = measured(gaussian(58, 100), gaussian(1, 100), np.full(60, 50.0))
    assert found["width_ns"][0] == pytest.approx((59 - 58 + 5 * 1.1774) * 40, rel=0.01)
    assert found["width_ns"][1] == pytest.approx((1 + 5 * 1.1774) * 40, rel=0.01)
    assert found["width_ns"][2] == 59 * 40


def test_a_second_pulse_does_not_count() -> None:
    both = gaussian(15, 300, 2.0) + gaussian(45, 290, 2.0)
    assert measured(both)["width_ns"].item() == pytest.approx(2.3548 * 2 * 40, rel=0.02)


def test_no_pulses() -> None:
    empty = pulse_heights(Pulses(np.zeros(0, int), np.zeros((0, 60)), np.zeros(0)), 40.0, 20.0)
    assert len(empty.charge) == 0
    assert len(measured(np.zeros(60))["charge"]) == 0
