"""Cold front-end electronics and analogue-to-digital conversion.

The front end of ProtoDUNE-HD is a fifth-order semi-Gaussian shaper: one real pole and two pairs of
complex poles. Its impulse response is the partial-fraction expansion below; the coefficients are
those of the cold-electronics response in Wire-Cell (util, ``Response::coldelec``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.geometry import Detector, Plane

__all__ = [
    "COLLECTION_BASELINE_MV",
    "ELECTRON_FC",
    "INDUCTION_BASELINE_MV",
    "baseline_mv",
    "cold_electronics",
    "digitise",
]

ELECTRON_FC = 1.602176634e-4
"""Charge of an electron in fC (SI definition)."""

INDUCTION_BASELINE_MV = 1003.4
"""Baseline of ProtoDUNE-HD's induction channels, whose pulses have both signs, mV."""

COLLECTION_BASELINE_MV = 507.7
"""Baseline of its collection channels, whose pulses have one sign, mV."""

_SUPPORT_US = 10.0  # the published response is cut to zero beyond
_RANGE_MV = 1400.0  # the converter of these baselines


def baseline_mv(detector: Detector, plane: Plane) -> float:
    """Baseline of a plane: ProtoDUNE-HD's, the same share of the converter's range, mV."""
    baseline = INDUCTION_BASELINE_MV if plane.induction else COLLECTION_BASELINE_MV
    return baseline * (detector.adc_range_mv / _RANGE_MV)


def cold_electronics(
    time_us: NDArray[np.float64], gain_mv_fc: float = 14.0, peaking_us: float = 2.2
) -> NDArray[np.float64]:
    """Impulse response of the front end.

    Args:
        time_us: Times after the charge arrived, us.
        gain_mv_fc: Height of the peak, mV/fC.
        peaking_us: Peaking time (5 % of the peak to the peak), us.

    Returns:
        The response in mV/fC, of the shape of ``time_us``; 0 before 0 and after 10 us.
    """
    t = np.clip(time_us, 0.0, _SUPPORT_US) / peaking_us
    slow = np.exp(-2.82833 * t)
    fast = np.exp(-2.40318 * t)
    response = (
        4.31054 * np.exp(-2.94809 * t)
        - slow * (5.2404 * np.cos(1.19361 * t) - 1.524912 * np.sin(1.19361 * t))
        + fast * (0.929848 * np.cos(2.5928 * t) - 0.655368 * np.sin(2.5928 * t))
    )
    # The expansion peaks at 1 / 10.12 of the gain.
    inside = (time_us > 0) & (time_us < _SUPPORT_US)
    return np.where(inside, response * gain_mv_fc * 10.12, 0.0)


def digitise(
    waveform: NDArray[np.float32], baseline_mv: float, detector: Detector
) -> NDArray[np.float32]:
    """Round and clip waveforms as the converter does.

    Waveforms here have the sign of the induced current (electrons collected on a wire count
    negative); the front end inverts, so that a large collection pulse runs into the upper limit.

    Args:
        waveform: Signal and noise relative to the baseline, ADC counts, any shape.
        baseline_mv: Baseline, mV.
        detector: Gives bits and range of the converter.

    Returns:
        Whole counts relative to the (rounded) baseline, of the sign of the waveform, float32.
    """
    baseline = np.float32(round(baseline_mv * detector.adc_per_mv))
    counts = np.clip(np.rint(baseline - waveform), 0, 2**detector.adc_bits - 1)
    return np.asarray(baseline - counts, dtype=np.float32)
