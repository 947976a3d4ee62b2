"""The cold front end and the converter."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_dnn_roi.physics.electronics import (
    COLLECTION_BASELINE_MV,
    ELECTRON_FC,
    cold_electronics,
    digitise,
)
from zoo_dnn_roi.physics.geometry import protodune_hd


def _published(t: float) -> float:
    """Wire-Cell's ``coldelec`` as it is printed, 14 mV/fC and 2.2 us, t in us."""
    c, s, e, t = np.cos, np.sin, np.exp, t / 2.2
    a, b = 1.19361 * t, 2.5928 * t
    slow, fast = e(-2.82833 * t), e(-2.40318 * t)
    shape = 4.31054 * e(-2.94809 * t)
    shape -= 2.6202 * slow * (c(a) + c(a) * c(2.38722 * t) + s(a) * s(2.38722 * t))
    shape += 0.762456 * slow * (s(a) - c(2.38722 * t) * s(a) + c(a) * s(2.38722 * t))
    shape += 0.464924 * fast * (c(b) + c(b) * c(5.18561 * t) + s(b) * s(5.18561 * t))
    shape += 0.327684 * fast * (-s(b) + c(5.18561 * t) * s(b) - c(b) * s(5.18561 * t))
    return float(14 * 10 * 1.012 * shape)


def test_peak_of_14_mv_per_fc_at_2_2_us() -> None:
    time = np.arange(0, 10, 0.1)
    response = cold_electronics(time)
    # Published check value of ProtoDUNE-HD's setting: 13.999 mV/fC at 2.6 us.
    assert response.max() == pytest.approx(13.999, abs=0.001)
    assert time[response.argmax()] == pytest.approx(2.6)


def test_response_is_the_published_expansion() -> None:
    time = np.array([0.3, 1.0, 2.2, 4.0, 7.5])
    expected = [_published(t) for t in time]
    np.testing.assert_allclose(cold_electronics(time), expected, rtol=0, atol=2e-4)


def test_gain_scales_and_peaking_time_stretches() -> None:
    time = np.linspace(0.1, 4.0, 40)
    np.testing.assert_allclose(cold_electronics(time, 7.0) * 2, cold_electronics(time))
    stretched = cold_electronics(time * 2, 14.0, 4.4)
    np.testing.assert_allclose(stretched, cold_electronics(time, 14.0, 2.2))


def test_nothing_before_the_charge_and_after_ten_microseconds() -> None:
    assert not cold_electronics(np.array([-1.0, 0.0, 10.0, 50.0])).any()


def test_electron_charge() -> None:
    electrons_per_fc = 1 / ELECTRON_FC
    assert electrons_per_fc == pytest.approx(6241.509, rel=1e-6)


def test_digitise_rounds_and_saturates_on_the_side_of_the_pulses() -> None:
    detector = protodune_hd(wires=10, ticks=10)
    waveform = np.array([0.0, 0.4, -0.6, -21.6, -1e6, 1e6], dtype=np.float32)
    counts = digitise(waveform, COLLECTION_BASELINE_MV, detector)
    baseline = round(507.7 * 16383 / 1400)
    # A collected charge may use the range above the baseline: 14 bits less 507.7 mV.
    assert counts.tolist() == [0, 0, -1, -22, baseline - 16383, baseline]
