"""Amplitude, time and width of pulses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Heights", "Pulses", "pulse_heights"]

Array = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Pulses:
    """Waveforms of pads.

    Attributes:
        pad: int (P,), which.
        samples: float64 (P, samples), ADC.
        start_ns: float64 (P,), time of the first sample.
    """

    pad: Ints
    samples: Array
    start_ns: Array


@dataclass(frozen=True)
class Heights:
    """Pulses above threshold, (hits,) each.

    Attributes:
        pad: Which.
        charge: Largest sample, ADC.
        time_ns: When: the top of a parabola through that sample and its neighbours.
        width_ns: How long the pulse is above half of it, between straight lines through samples.
    """

    pad: Ints
    charge: Array
    time_ns: Array
    width_ns: Array


def pulse_heights(pulses: Pulses, sampling_ns: float, threshold: float) -> Heights:
    """Pulses whose largest sample reaches the threshold.

    Args:
        pulses: Waveforms.
        sampling_ns: Between samples.
        threshold: ADC, above 0.
    """
    keep = np.flatnonzero(pulses.samples.max(axis=1, initial=0) >= threshold)
    wave = pulses.samples[keep]
    row, count = np.arange(len(wave)), wave.shape[1]
    at = wave.argmax(axis=1) if count else np.zeros(0, np.intp)
    top = wave[row, at]
    before, after = wave[row, np.maximum(at - 1, 0)], wave[row, np.minimum(at + 1, count - 1)]
    bend = 2 * top - before - after
    vertex = np.where(bend > 0, (after - before) / (2 * np.maximum(bend, 1e-9)), 0.0)
    rise, fall = _half(wave, at, top / 2)
    return Heights(
        pad=pulses.pad[keep],
        charge=top,
        time_ns=pulses.start_ns[keep] + sampling_ns * (at + np.clip(vertex, -0.5, 0.5)),
        width_ns=sampling_ns * (fall - rise),
    )


def _half(wave: Array, at: Ints, half: Array) -> tuple[Array, Array]:
    """Where waves pass half their height before and after their top, in samples."""
    row, sample = np.arange(len(wave)), np.arange(wave.shape[1])
    low = wave < half[:, None]
    last = np.where(low & (sample < at[:, None]), sample, -1).max(axis=1, initial=-1)
    first = np.where(low & (sample > at[:, None]), sample, len(sample)).min(
        axis=1, initial=len(sample)
    )

    def crossing(under: Ints, over: Ints) -> Array:
        one, other = wave[row, under], wave[row, over]
        rise = np.where(other > one, other - one, 1)  # flat: no crossing, and not used
        return np.asarray(under + (over - under) * (half - one) / rise)

    inner = np.minimum(first, len(sample) - 1)
    rise = np.where(last < 0, 0.0, crossing(np.maximum(last, 0), np.maximum(last, 0) + 1))
    fall = np.where(first == len(sample), len(sample) - 1.0, crossing(inner, inner - 1))
    return rise, fall
