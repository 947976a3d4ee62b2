"""Signals on the wires: electron clouds folded with the impact-resolved response."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, irfft, next_fast_len, rfft

from zoo.api import DataError
from zoo_dnn_roi.physics.drift import Drifted
from zoo_dnn_roi.physics.electronics import ELECTRON_FC, cold_electronics
from zoo_dnn_roi.physics.field_response import IMPACTS, FieldResponse
from zoo_dnn_roi.physics.geometry import Detector
from zoo_dnn_roi.physics.splat import Window, bounding_window, deposit, project

__all__ = ["SignalModel"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


_PITCH_TOLERANCE = 0.05  # ProtoDUNE-HD's wires are 2 % off the 4.71 mm of its response files


class SignalModel:
    """Waveforms of drifted electrons on a detector with a given field response.

    Attributes:
        detector: The detector.
        response: Its field response.
        pulses: float32 (planes, IMPACTS, cells, pulse ticks): ADC counts of one electron, by
            plane, impact bin, wires from the electron's wire (the middle is that wire itself,
            larger indices are larger wire numbers) and ticks after it passed the response plane.

    Raises:
        DataError: The response was computed for wires of another pitch.
    """

    def __init__(self, detector: Detector, response: FieldResponse) -> None:
        _require_pitch(detector, response)
        self.detector = detector
        self.response = response
        paths = _sampled_pulses(detector, response)
        # A bin lies between two paths. Reversal: path k is that of an electron k cells to the
        # right of the wire, which is the wire k cells to the left of the electron.
        bins = (paths[:, :, :-1] + paths[:, :, 1:]) / 2
        self.pulses = bins[:, ::-1].swapaxes(1, 2).astype(np.float32)

    @property
    def pulse_ticks(self) -> int:
        """Length of a pulse, ticks."""
        return int(self.pulses.shape[-1])

    def average_pulse(self, plane: int) -> Float64Array:
        """Pulse averaged over the impact positions, ADC per electron, (cells, pulse ticks)."""
        return np.asarray(self.pulses[plane].mean(axis=0, dtype=np.float64))

    def waveforms(self, clouds: Drifted, plane: int) -> Float32Array:
        """Noise-free waveforms of one plane.

        Only the rectangle that the clouds touch is folded, by Fourier transforms over wires and
        time; electrons that arrive up to one pulse before the readout still count.

        Args:
            clouds: Electron clouds on the response plane.
            plane: Index of the plane.

        Returns:
            float32 (wires, ticks), ADC counts above the baseline.
        """
        wires, ticks = self.detector.planes[plane].wires, self.detector.ticks
        result = np.zeros((wires, ticks), dtype=np.float32)
        spots = project(clouds, self.detector.planes[plane])
        early = self.pulse_ticks
        window = bounding_window(spots, Window(0, wires, -early, early + ticks))
        if window is None:
            return result
        folded = self._fold(deposit(spots, window, IMPACTS), plane)
        # Row 0 of the folded block is half a fan of cells before the window, column 0 its start.
        first_wire = window.first_wire - self.pulses.shape[2] // 2
        low, high = max(0, first_wire), min(wires, first_wire + len(folded))
        start, stop = max(0, window.first_tick), min(ticks, window.first_tick + folded.shape[1])
        result[low:high, start:stop] = folded[
            low - first_wire : high - first_wire,
            start - window.first_tick : stop - window.first_tick,
        ]
        return result

    def _fold(self, charge: Float32Array, plane: int) -> Float32Array:
        """Full linear convolution of (IMPACTS, wires, ticks) with the pulses of a plane."""
        pulses = self.pulses[plane]
        rows = charge.shape[1] + pulses.shape[1] - 1
        columns = charge.shape[2] + pulses.shape[2] - 1
        row_length, column_length = next_fast_len(rows), next_fast_len(columns, real=True)
        total = np.zeros((row_length, column_length // 2 + 1), dtype=np.complex64)
        for charge_bin, pulse_bin in zip(charge, pulses, strict=True):  # ten impact bins
            spectrum = _spectrum(charge_bin, row_length, column_length)
            spectrum *= _spectrum(pulse_bin, row_length, column_length)
            total += spectrum
        block = ifft(total, axis=0, overwrite_x=True)[:rows]
        return np.asarray(irfft(block, n=column_length, axis=1)[:, :columns], dtype=np.float32)


def _require_pitch(detector: Detector, response: FieldResponse) -> None:
    for plane, pitch in zip(detector.planes, response.pitches_mm, strict=False):  # or none is told
        if abs(pitch / plane.pitch_mm - 1) > _PITCH_TOLERANCE:
            raise DataError(
                f"a field response for wires of {pitch:g} mm, plane {plane.name} has "
                f"{plane.pitch_mm:g} mm",
                where=response.name,
                remedy="give the response of this detector, or no file: there is a closed form",
            )


def _spectrum(block: Float32Array, rows: int, columns: int) -> NDArray[np.complex64]:
    """Two-dimensional spectrum of a zero-padded real block, complex64."""
    spectrum = fft(rfft(block, n=columns, axis=1), n=rows, axis=0, overwrite_x=True)
    return np.asarray(spectrum, dtype=np.complex64)


def _sampled_pulses(detector: Detector, response: FieldResponse) -> Float64Array:
    """Field times electronics response, ADC per electron, sampled at the detector's ticks.

    Returns:
        float64 (planes, cells, IMPACTS + 1, pulse ticks).
    """
    samples = response.currents.shape[-1]
    length = next_fast_len(2 * samples, real=True)
    times_us = np.arange(length, dtype=np.float64) * (response.period_ns * 1e-3)
    shaper = cold_electronics(times_us, detector.gain_mv_fc, detector.peaking_us)
    scale = response.period_ns * ELECTRON_FC * detector.adc_per_mv
    spectrum = rfft(response.currents, n=length, axis=-1) * (rfft(shaper) * scale)
    fine = np.asarray(irfft(spectrum, n=length, axis=-1), dtype=np.float64)
    # Nothing is left after the currents and the 10 us of the shaper.
    duration_ns = samples * response.period_ns + 10_000.0
    ticks = np.arange(int(duration_ns / detector.tick_ns) + 1)
    position = ticks * (detector.tick_ns / response.period_ns)
    index = np.minimum(position.astype(np.int64), length - 2)
    fraction = position - index
    sampled = fine[..., index] * (1 - fraction) + fine[..., index + 1] * fraction
    return np.asarray(sampled, dtype=np.float64)
