"""The AFTER chip: pulse shape, noise.

The shape is that of the public model of the detector's response (tristandaret/ModelHATPC): a
transfer function of quality 2/3, whose peak is 4096 counts for 120 fC.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["ADC_PER_FC", "ELECTRON_FC", "Noise", "noise_basis", "shaped", "slope", "slope_noise"]

Array = NDArray[np.float64]
Noise = Literal["series", "parallel", "white"]

ELECTRON_FC = 1.602176634e-4
"""Charge of an electron (exact, SI)."""

ADC_PER_FC = 4096 / 120
"""Counts of the converter per charge, at the peak (ModelHATPC)."""

_QUALITY = 2 / 3
_KEPT = 0.97  # of the noise's variance, by its strongest components
_STEP_NS = 4.0  # of the integral of the noise's correlation


def shaped(time_ns: Array, peaking_ns: float) -> Array:
    """Answer to a charge that arrives at 0, over its own peak; 0 before.

    h(t) = e^(-wt) + e^(-Ct) (A sin Bt - cos Bt), w = 2 / peaking, C = w / 2Q,
    B = w/2 sqrt(4 - 1/Q^2), A = sqrt((2Q - 1) / (2Q + 1)), Q = 2/3.
    """
    return _transfer(time_ns, peaking_ns) / _peak(peaking_ns)


def slope(time_ns: Array, peaking_ns: float) -> Array:
    """Derivative of :func:`shaped`, 1/ns: the answer to a current."""
    w, a, b, c = _constants(peaking_ns)
    t = np.maximum(time_ns, 0)
    wave = (b - a * c) * np.sin(b * t) + (a * b + c) * np.cos(b * t)
    derivative = -w * np.exp(-w * t) + np.exp(-c * t) * wave
    return np.where(time_ns >= 0, derivative, 0.0) / _peak(peaking_ns)


@lru_cache
def noise_basis(kind: Noise, samples: int, sampling_ns: float, peaking_ns: float) -> Array:
    """Matrix that turns independent normal numbers into noise of RMS 1.

    Args:
        kind: ``series``: white voltage noise of the amplifier across the pads' capacitance, so that
            the correlation is that of the pulse's slope. ``parallel``: white current, that of the
            pulse. ``white``: samples are independent.
        samples: Of a waveform.
        sampling_ns: Between them.
        peaking_ns: Of the chip.

    Returns:
        float64 (numbers, samples); fewer numbers than samples where those are correlated.
    """
    if kind == "white":
        return np.eye(samples)
    correlation = _correlation(kind, sampling_ns * np.arange(samples, dtype=np.float64), peaking_ns)
    order = np.abs(np.subtract.outer(np.arange(samples), np.arange(samples)))
    variance, component = np.linalg.eigh(correlation[order])
    variance, component = variance[::-1], component[:, ::-1]
    kept = 1 + int(np.searchsorted(np.cumsum(variance) / samples, _KEPT))
    basis = np.sqrt(np.maximum(variance[:kept], 0))[:, None] * component[:, :kept].T
    return np.asarray(basis / np.sqrt((basis**2).sum(axis=0)))


def slope_noise(kind: Noise, sampling_ns: float, peaking_ns: float) -> float:
    """RMS of the slope of noise between the two neighbours of a sample, for noise of RMS 1, 1/ns.

    Args:
        kind: See :func:`noise_basis`.
        sampling_ns: Between samples.
        peaking_ns: Of the chip.
    """
    apart_ns = 2 * sampling_ns
    alike = 0.0 if kind == "white" else _correlation(kind, np.array([apart_ns]), peaking_ns)[0]
    return float(np.sqrt(2 * (1 - alike)) / apart_ns)


def _correlation(kind: Noise, lags_ns: Array, peaking_ns: float) -> Array:
    """Of noise that is not white with itself, ``lags_ns`` later."""
    fine = np.arange(0, lags_ns.max() + 12 * peaking_ns, _STEP_NS)
    pulse = (slope if kind == "series" else shaped)(fine, peaking_ns)
    shifted = np.interp(fine[None] + lags_ns[:, None], fine, pulse, right=0.0)
    return np.asarray(shifted @ pulse / (pulse @ pulse))


def _constants(peaking_ns: float) -> tuple[float, float, float, float]:
    w = 2 / peaking_ns
    b = w / 2 * np.sqrt(4 - 1 / _QUALITY**2)
    return w, float(np.sqrt((2 * _QUALITY - 1) / (2 * _QUALITY + 1))), float(b), w / (2 * _QUALITY)


def _transfer(time_ns: Array, peaking_ns: float) -> Array:
    w, a, b, c = _constants(peaking_ns)
    t = np.maximum(time_ns, 0)
    return np.asarray(np.exp(-w * t) + np.exp(-c * t) * (a * np.sin(b * t) - np.cos(b * t)))


@lru_cache
def _peak(peaking_ns: float) -> float:
    return float(_transfer(np.linspace(0, 4 * peaking_ns, 40_001), peaking_ns).max())
