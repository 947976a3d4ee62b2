"""Two-dimensional deconvolution of waveforms into charge, as Wire-Cell does it before ROI finding.

Waveforms are divided, in the space of wire wave number and frequency, by the response averaged over
impact positions, damped across wires by the wire filter and in time by software filters. The recipe
is that of ``OmnibusSigProc`` (WireCell/wire-cell-toolkit, sigproc; C. Adams et al., JINST 13 (2018)
P07006), written anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, irfft, next_fast_len, rfft, rfftfreq

from zoo.api import DataError
from zoo_dnn_roi.physics.filters import FilterSet, high_frequency, low_frequency, wire_filter
from zoo_dnn_roi.physics.signal import SignalModel

__all__ = ["Deconvolved", "Deconvolver", "channel_rms", "restore_baseline"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.intp]

_BASELINE_REACH = 500.0  # electrons per tick from the median that still count as baseline
_NEGLIGIBLE = 1e-6  # filter values below are nothing in float32


@dataclass(frozen=True, eq=False, slots=True)
class Deconvolved:
    """Deconvolved waveforms of one plane, float32 (wires, ticks) in electrons per tick.

    The collection plane needs no low-frequency filter: its three ``*_lf`` and ``wiener`` are one
    and the same array.

    Attributes:
        charge: Gaussian filter: the charge (Wire-Cell's ``decon_charge``).
        wiener: Wiener_tight without low-frequency filter, which refines ROIs.
        loose_lf: Wiener_tight and the loose low-frequency filter.
        tight_lf: Wiener_tight and the tight one.
        tighter_lf: Wiener_tight and the tighter one.
        rms: float32 (wires,), noise RMS of ``tight_lf``, electrons per tick.
    """

    charge: Float32Array
    wiener: Float32Array
    loose_lf: Float32Array
    tight_lf: Float32Array
    tighter_lf: Float32Array
    rms: Float32Array


@dataclass(frozen=True, eq=False, slots=True)
class _PlaneFilters:
    """What a plane's deconvolution multiplies with; frequencies above a cut are dropped."""

    inverse: NDArray[np.complex64]  # (padded wires, frequencies): wire filter / response
    charge: Float32Array
    wiener: Float32Array
    loose: Float32Array
    tight: Float32Array
    tighter: Float32Array


class Deconvolver:
    """Deconvolution with the average response of a signal model.

    Attributes:
        model: The signal model whose average response is divided out.
        filters: Constants of the filters.
    """

    def __init__(self, model: SignalModel, filters: FilterSet | None = None) -> None:
        self.model = model
        self.filters = filters or FilterSet()
        self._length = next_fast_len(model.detector.ticks + model.pulse_ticks, real=True)
        self._planes = tuple(self._prepare(plane) for plane in range(3))

    def __call__(self, adc: Float32Array, plane: int, dead: BoolArray | None = None) -> Deconvolved:
        """Deconvolve one plane.

        Args:
            adc: float32 (wires, ticks), ADC counts above the baseline.
            plane: Index of the plane.
            dead: bool (wires,), channels that are ignored and zero in the result.

        Returns:
            The waveforms.

        Raises:
            DataError: A shape does not belong to the detector.
        """
        adc = self._alive(adc, plane, dead)
        prepared = self._planes[plane]
        invert = self._inverter(self._spectrum(adc, prepared))
        charge = np.ascontiguousarray(invert(prepared.charge))
        wiener, ordered = _restored(invert(prepared.wiener))
        if self.model.detector.planes[plane].induction:
            loose = restore_baseline(invert(prepared.loose))
            tight, ordered = _restored(invert(prepared.tight))
            tighter = restore_baseline(invert(prepared.tighter))
        else:
            charge = restore_baseline(charge)
            loose, tight, tighter = wiener, wiener, wiener
        result = Deconvolved(charge, wiener, loose, tight, tighter, _rms(tight, ordered))
        if dead is not None:
            for waveforms in (charge, wiener, loose, tight, tighter, result.rms):
                waveforms[dead] = 0
        return result

    def _prepare(self, plane: int) -> _PlaneFilters:
        detector, constants = self.model.detector, self.filters
        induction = detector.planes[plane].induction
        frequency = rfftfreq(self._length, detector.tick_ns * 1e-3)
        charge = high_frequency(frequency, constants.gauss_mhz, 2.0)
        wiener = high_frequency(frequency, *constants.wiener_tight[plane])
        used = int(np.flatnonzero(np.maximum(charge, wiener) > _NEGLIGIBLE)[-1]) + 1
        low = (constants.loose_mhz, constants.tight_mhz, constants.tighter_mhz)
        loose, tight, tighter = (wiener * low_frequency(frequency, tau) for tau in low)
        sigma = constants.wire_induction if induction else constants.wire_collection
        return _PlaneFilters(
            self._inverse(plane, used, sigma),
            *(f[:used].astype(np.float32) for f in (charge, wiener, loose, tight, tighter)),
        )

    def _inverse(self, plane: int, used: int, sigma: float) -> NDArray[np.complex64]:
        """Wire filter over the spectrum of the average response; row 0 is the wire itself."""
        pulse = self.model.average_pulse(plane)
        rows = next_fast_len(self.model.detector.planes[plane].wires + len(pulse) - 1)
        kernel = np.zeros((rows, pulse.shape[1]))
        kernel[: len(pulse)] = pulse
        kernel = np.roll(kernel, -(len(pulse) // 2), axis=0)
        response = fft(rfft(kernel, n=self._length, axis=1)[:, :used], axis=0)
        damping = wire_filter(rows, sigma)[:, None]
        # A mode to which the wires are blind carries nothing that could be divided out.
        blind = np.abs(response) < 1e-12 * np.abs(response).max()
        inverse = np.where(blind, 0.0, damping / np.where(blind, 1.0, response))
        return inverse.astype(np.complex64)

    def _alive(self, adc: Float32Array, plane: int, dead: BoolArray | None) -> Float32Array:
        """The waveforms with dead channels at zero, after a check of the shapes."""
        geometry = self.model.detector.planes[plane]
        expected = (geometry.wires, self.model.detector.ticks)
        if adc.shape != expected:
            raise DataError(
                f"waveforms of shape {adc.shape}, expected {expected}",
                where=f"plane {geometry.name}",
                remedy="give (wires, ticks) of the detector",
            )
        if dead is None:
            return adc
        geometry.check_mask(dead, "dead channels")
        return np.where(dead[:, None], np.float32(0), adc)

    def _spectrum(self, adc: Float32Array, prepared: _PlaneFilters) -> NDArray[np.complex64]:
        """Deconvolved spectrum, complex64 (wires, frequencies)."""
        rows, used = prepared.inverse.shape
        spectrum = fft(rfft(adc, n=self._length, axis=1)[:, :used], n=rows, axis=0)
        spectrum *= prepared.inverse
        return np.asarray(ifft(spectrum, axis=0, overwrite_x=True)[: len(adc)], dtype=np.complex64)

    def _inverter(self, spectrum: NDArray[np.complex64]) -> Callable[[Float32Array], Float32Array]:
        """A function from a time filter to the filtered waveforms, float32 (wires, ticks)."""
        full = np.zeros((len(spectrum), self._length // 2 + 1), dtype=np.complex64)

        def invert(time_filter: Float32Array) -> Float32Array:
            # All filters end at one frequency: what lies beyond stays zero from call to call.
            np.multiply(spectrum, time_filter, out=full[:, : time_filter.size])
            waveforms = irfft(full, n=self._length, axis=1)
            return np.asarray(waveforms[:, : self.model.detector.ticks], dtype=np.float32)

        return invert


def restore_baseline(waveforms: Float32Array) -> Float32Array:
    """Subtract from each waveform the median of its samples within 500 of its median.

    Args:
        waveforms: float32 (wires, ticks), electrons per tick.

    Returns:
        float32 (wires, ticks).
    """
    return _restored(waveforms)[0]


def channel_rms(waveforms: Float32Array) -> Float32Array:
    """Noise RMS of each waveform, from the samples that are no signal.

    A first sigma is half the width of the central 68 %; the result is the RMS of all samples within
    five of them.

    Args:
        waveforms: float32 (wires, ticks), baseline at 0.

    Returns:
        float32 (wires,).
    """
    return _rms(waveforms, np.sort(waveforms, axis=1))


def _restored(waveforms: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Waveforms without their baselines, and the sorted waveforms with them."""
    ordered = np.sort(waveforms, axis=1)  # makes both medians look-ups
    nothing = np.zeros(len(ordered), np.intp)
    middle = _median(ordered, nothing, nothing + ordered.shape[1])
    low = _count_below(ordered, middle - np.float32(_BASELINE_REACH))
    high = _count_below(ordered, middle + np.float32(_BASELINE_REACH))
    return waveforms - _median(ordered, low, high)[:, None], ordered


def _rms(waveforms: Float32Array, ordered: Float32Array) -> Float32Array:
    """``channel_rms`` of waveforms whose sorted samples are known up to a constant per row."""
    low, middle, high = (_quantile(ordered, q) for q in (0.16, 0.5, 0.84))
    sigma = np.sqrt(((high - middle) ** 2 + (middle - low) ** 2) / 2)[:, None]
    is_quiet = np.abs(waveforms) < 5 * sigma
    quiet = waveforms * is_quiet
    count = np.maximum(np.count_nonzero(is_quiet, axis=1), 1)
    return np.asarray(np.sqrt(np.vecdot(quiet, quiet) / count), dtype=np.float32)


def _median(ordered: Float32Array, low: IndexArray, high: IndexArray) -> Float32Array:
    """Median (wires,) of the samples low to high - 1 of each sorted row."""
    rows = np.arange(len(ordered))
    last = high - 1
    pair = ordered[rows, (low + last) // 2] + ordered[rows, (low + last + 1) // 2]
    return np.asarray(pair / 2, dtype=np.float32)


def _count_below(ordered: Float32Array, limit: Float32Array) -> IndexArray:
    """Samples (wires,) of each sorted row below its limit: a bisection of all rows at once."""
    rows = np.arange(len(ordered))
    low, high = np.zeros_like(rows), np.full_like(rows, ordered.shape[1])
    while (low < high).any():
        middle = (low + high) // 2
        # A finished row has low = high, which may lie one past its end.
        below = ordered[rows, np.minimum(middle, ordered.shape[1] - 1)] < limit
        low = np.where(below & (low < high), middle + 1, low)
        high = np.where(below, high, middle)
    return low


def _quantile(ordered: Float32Array, quantile: float) -> Float32Array:
    """Linearly interpolated quantile (wires,) of sorted rows."""
    position = quantile * (ordered.shape[1] - 1)
    index = int(position)
    upper = min(index + 1, ordered.shape[1] - 1)
    fraction = np.float32(position - index)
    return ordered[:, index] * (1 - fraction) + ordered[:, upper] * fraction
