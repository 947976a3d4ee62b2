"""The AFTER chip against its transfer function, solved by another program."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import impulse, lfilter

from zoo_ha_tpc.physics.electronics import (
    ADC_PER_FC,
    ELECTRON_FC,
    Noise,
    noise_basis,
    shaped,
    slope,
    slope_noise,
)

PEAKING = 412.0
TIME = np.linspace(0, 2500, 5001)


def filtered() -> np.ndarray:
    """1 / ((s + w)(s^2 + s w/Q + w^2)), w = 2 / peaking, Q = 2/3, over its peak."""
    w = 2 / PEAKING
    denominator = np.polymul([1, w], [1, 1.5 * w, w**2])
    answer = impulse(([1.0], denominator), T=TIME)[1]
    return np.asarray(answer / answer.max())


def test_the_pulse_is_the_third_order_filter() -> None:
    np.testing.assert_allclose(shaped(TIME, PEAKING), filtered(), atol=2e-5)
    assert shaped(np.array([-5.0, 0.0]), PEAKING).tolist() == [0, 0]
    assert not slope(np.array([-5.0]), PEAKING).any()


def test_the_peak() -> None:
    """The setting of the chip that is called 412 ns peaks there, within one per cent."""
    pulse = shaped(TIME, PEAKING)
    assert pulse.max() == pytest.approx(1, abs=1e-6)
    assert TIME[filtered().argmax()] == pytest.approx(TIME[pulse.argmax()], abs=1)
    assert TIME[pulse.argmax()] == pytest.approx(412, rel=0.01)
    double = shaped(2 * TIME, 2 * PEAKING)
    np.testing.assert_allclose(double, pulse, atol=1e-6)


def test_the_slope_is_the_derivative() -> None:
    fine = np.arange(0, 2000, 0.5)
    numeric = np.diff(shaped(fine, PEAKING)) / 0.5
    np.testing.assert_allclose(slope(fine[:-1] + 0.25, PEAKING), numeric, atol=1e-8)


def test_counts_of_known_charges() -> None:
    """120 fC fill 12 bits; 800 electrons are 0.128 fC and 4.4 counts (design report)."""
    assert ADC_PER_FC * 120 == 4096
    assert pytest.approx(0.128, abs=5e-4) == ELECTRON_FC * 800
    assert pytest.approx(4.37, abs=0.01) == ELECTRON_FC * 800 * ADC_PER_FC


@pytest.mark.parametrize("kind", ["series", "parallel"])
def test_noise_is_correlated_as_filtered_white_noise(kind: str) -> None:
    basis = noise_basis(kind, 60, 40.0, PEAKING)  # type: ignore[arg-type]
    np.testing.assert_allclose((basis**2).sum(axis=0), 1, rtol=1e-12)
    assert len(basis) < 30
    kernel = filtered()[::10] if kind == "parallel" else np.diff(filtered())[::10]
    white = np.random.default_rng(2).standard_normal(400_000)
    wave = lfilter(kernel, [1.0], white)[1000:]  # steps of 5 ns
    for lag in (1, 3, 8, 15):
        expected = (wave[: -8 * lag] * wave[8 * lag :]).mean() / (wave**2).mean()
        middle = np.arange(10, 40)
        ours = (basis[:, middle] * basis[:, middle + lag]).sum(axis=0).mean()
        assert ours == pytest.approx(expected, abs=0.05)


def test_white_noise_is_not() -> None:
    assert np.array_equal(noise_basis("white", 5, 40.0, PEAKING), np.eye(5))


@pytest.mark.parametrize("kind", ["series", "parallel"])
def test_the_slope_between_the_neighbours_of_a_sample(kind: Noise) -> None:
    """Of filtered white noise, differences of samples that lie two apart."""
    kernel = filtered()[::10] if kind == "parallel" else np.diff(filtered())[::10]
    wave = lfilter(kernel, [1.0], np.random.default_rng(2).standard_normal(400_000))[1000:]
    drawn = (wave[16:] - wave[:-16]) / 80.0  # steps of 5 ns
    assert slope_noise(kind, 40.0, PEAKING) == pytest.approx(drawn.std() / wave.std(), rel=0.02)


def test_neighbours_of_white_noise_are_independent() -> None:
    assert slope_noise("white", 40.0, PEAKING) == pytest.approx(np.sqrt(2) / 80.0)
