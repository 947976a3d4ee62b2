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
    at = pulses.samples.argmax(axis=1)
    top = pulses.samples[np.arange(len(at)), at]
    keep = np.flatnonzero(top >= threshold)
    wave, at, top = pulses.samples[keep], at[keep], top[keep]
    row, count = np.arange(len(wave)), wave.shape[1]
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
    row, count = np.arange(len(wave)), wave.shape[1]
    low = wave < half[:, None]
    # Backwards from the top, and forwards: argmax stops at the first that is low.
    sample, peak = np.arange(count, dtype=np.int16), at.astype(np.int16)[:, None]
    early = sample[::-1] < peak
    early &= low[:, ::-1]
    last = count - 1 - early.argmax(axis=1)
    late = sample > peak
    late &= low
    first = late.argmax(axis=1)
    rises, falls = early[row, count - 1 - last], late[row, first]

    def crossing(under: Ints, over: Ints) -> Array:
        one, other = wave[row, under], wave[row, over]
        step = np.where(other > one, other - one, 1)  # 1: no crossing, not used
        return np.asarray(under + (over - under) * (half - one) / step)

    last, first = np.minimum(last, count - 2), np.maximum(first, 1)
    rise = np.where(rises, crossing(last, last + 1), 0.0)
    fall = np.where(falls, crossing(first, first - 1), count - 1.0)
    return rise, fall
