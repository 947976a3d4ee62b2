"""Measured charge replayed: the waveforms it would give again, and how it then comes back.

A measured charge lies on channels and ticks; where between the wires it drifted is not known. So it
is folded with the response averaged over impact positions, the one by which the deconvolution
divides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, irfft, next_fast_len, rfft, rfftfreq

from zoo_dnn_roi.physics.filters import FilterSet, high_frequency, wire_filter
from zoo_dnn_roi.physics.runs import FloatArray, Samples, from_mask
from zoo_dnn_roi.physics.signal import SignalModel

__all__ = ["blurred", "charge_waveforms", "significant_charge"]


def significant_charge(charge: FloatArray, floor: float) -> FloatArray:
    """Charge of the regions of interest that hold more than a floor.

    Args:
        charge: float32 (channels, ticks), electrons per tick; a region of interest is a run of
            ticks with charge.
        floor: Electrons.

    Returns:
        float32 (channels, ticks), zero outside of the regions that are kept.
    """
    samples = Samples.of(from_mask(charge != 0))
    kept = samples.runs.select(samples.total(samples.gather(charge)) > floor)
    inside = Samples.of(kept)
    result = np.zeros_like(charge, order="C")
    result.reshape(-1)[inside.pixel] = inside.gather(charge)
    return result


def charge_waveforms(model: SignalModel, charge: FloatArray, plane: int) -> FloatArray:
    """Noise-free waveforms of charge of unknown impact position.

    Args:
        model: The signal model; its detector has as many wires, and at least as many ticks.
        charge: float32 (wires, ticks), electrons per tick passing the response plane.
        plane: Index of the plane.

    Returns:
        float32 (wires, ticks of the detector), ADC counts above the baseline.
    """
    pulse = model.average_pulse(plane)
    rows = next_fast_len(len(charge) + len(pulse) - 1)
    columns = next_fast_len(charge.shape[1] + pulse.shape[1] - 1, real=True)
    kernel = np.zeros((rows, pulse.shape[1]), dtype=np.float32)
    kernel[: len(pulse)] = pulse
    kernel = np.roll(kernel, -(len(pulse) // 2), axis=0)  # row 0 is the wire itself
    response = fft(rfft(kernel, n=columns, axis=1), axis=0, overwrite_x=True)
    folded = _filtered(charge, response, columns)[:, : model.detector.ticks]
    waveforms = np.zeros((len(charge), model.detector.ticks), dtype=np.float32)
    waveforms[:, : folded.shape[1]] = folded
    return waveforms


def blurred(
    charge: FloatArray, sigma_wire: float, filters: FilterSet, tick_ns: float
) -> FloatArray:
    """Charge as an ideal deconvolution gives it back: blurred by its charge and wire filters.

    Args:
        charge: float32 (wires, ticks), electrons per tick.
        sigma_wire: Constant of the plane's wire filter (``wire_induction`` or
            ``wire_collection``).
        filters: Gives the Gaussian charge filter.
        tick_ns: Sampling period, ns.

    Returns:
        float32 (wires, ticks); charge blurred over a border is lost.
    """
    wires, ticks = charge.shape
    margin = int(np.ceil(8e3 / (2 * np.pi * filters.gauss_mhz * tick_ns)))  # 8 standard deviations
    rows, columns = next_fast_len(wires + 16), next_fast_len(ticks + margin, real=True)
    frequency = rfftfreq(columns, tick_ns * 1e-3)
    in_time = high_frequency(frequency, filters.gauss_mhz, 2.0)
    in_time[0] = 1  # unlike the deconvolution, whose offset is a baseline, truth keeps its sum
    response = np.outer(wire_filter(rows, sigma_wire), in_time).astype(np.float32)
    return np.ascontiguousarray(_filtered(charge, response, columns)[:, :ticks])


def _filtered(
    charge: FloatArray, response: NDArray[np.complex64] | FloatArray, columns: int
) -> FloatArray:
    """The charge (wires, ticks) times a response (rows, frequencies), float32 (wires, columns)."""
    spectrum = fft(rfft(charge, n=columns, axis=1), n=len(response), axis=0, overwrite_x=True)
    spectrum *= response
    block = ifft(spectrum, axis=0, overwrite_x=True)[: len(charge)]
    return np.asarray(irfft(block, n=columns, axis=1), dtype=np.float32)
