"""Electronics noise: amplitude spectra, and waveforms drawn from them.

A spectrum gives the mean modulus of the discrete Fourier transform of a noise waveform of n
samples, divided by sqrt(n). Real and imaginary part of each component are Gaussian; a modulus of
mean m (Rayleigh) belongs to parts of standard deviation m sqrt(2 / pi).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfftfreq

from zoo.api import ConfigError, DataError
from zoo_dnn_roi.physics.electronics import cold_electronics
from zoo_dnn_roi.physics.field_response import read_json
from zoo_dnn_roi.physics.geometry import Detector

__all__ = [
    "NoiseModel",
    "NoiseSettings",
    "NoiseSpectrum",
    "analytic_noise_spectrum",
    "load_noise_spectrum",
]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class NoiseSpectrum:
    """Amplitude spectra of the planes.

    Attributes:
        name: Where they come from.
        frequency_mhz: float64 (frequencies,), increasing.
        amplitude_mv: float64 (planes, frequencies), mean modulus / sqrt(samples), mV.
    """

    name: str
    frequency_mhz: Float64Array
    amplitude_mv: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSettings:
    """How the noise of an event departs from the spectra.

    Attributes:
        scale: Factor on the noise of all channels; 0 switches it off.
        coherent_adc: RMS of a further noise that all channels of a group share, ADC counts;
            ``NoiseModel.shared`` draws it.
        group: Neighbouring channels that share it: 40 in ProtoDUNE-HD's front-end boards.
        noisy: For each plane by name, a mask bool (wires,) of channels of larger noise.
        noisy_factor: Factor on the noise of those channels.
    """

    scale: float = 1.0
    coherent_adc: float = 0.0
    group: int = 40
    noisy: Mapping[str, NDArray[np.bool_]] | None = None
    noisy_factor: float = 5.0

    def __post_init__(self) -> None:
        if min(self.scale, self.coherent_adc, self.noisy_factor) < 0 or self.group < 1:
            raise ConfigError("a factor is negative or a group empty", where="noise settings")


class NoiseModel:
    """Draws noise for the planes of a detector.

    Attributes:
        detector: The detector.
        spectrum: The amplitude spectra.
    """

    def __init__(self, detector: Detector, spectrum: NoiseSpectrum) -> None:
        self.detector = detector
        self.spectrum = spectrum
        self._length = next_fast_len(detector.ticks, real=True)
        frequency = rfftfreq(self._length, detector.tick_ns * 1e-3)
        modulus = np.stack(
            [np.interp(frequency, spectrum.frequency_mhz, a) for a in spectrum.amplitude_mv]
        )
        modulus[:, 0] = 0  # the baseline is subtracted
        self._parts = (modulus * np.sqrt(2 / np.pi) * detector.adc_per_mv).astype(np.float32)

    def rms(self, plane: int) -> float:
        """Standard deviation of the noise in the limit of many waveforms, ADC counts."""
        # Each component of a real waveform appears twice, with two Gaussian parts.
        power = 4 * np.sum(self._parts[plane].astype(np.float64) ** 2) / self._length
        return float(np.sqrt(power))

    def waveforms(
        self, plane: int, rng: np.random.Generator, settings: NoiseSettings | None = None
    ) -> Float32Array:
        """Noise of the channels of one plane, independent of one another.

        Args:
            plane: Index of the plane.
            rng: The only source of randomness.
            settings: Departures from the spectrum.

        Returns:
            float32 (wires, ticks), ADC counts.

        Raises:
            DataError: The mask of noisy channels has not one flag per wire.
        """
        settings = settings or NoiseSettings()
        geometry = self.detector.planes[plane]
        noise = self._draw(plane, geometry.wires, rng)
        if settings.scale != 1:
            noise *= np.float32(settings.scale)
        if settings.noisy is not None and geometry.name in settings.noisy:
            noisy = settings.noisy[geometry.name]
            geometry.check_mask(noisy, "noisy channels")
            noise[noisy] *= np.float32(settings.noisy_factor)
        return noise

    def shared(self, plane: int, rng: np.random.Generator, settings: NoiseSettings) -> Float32Array:
        """Coherent noise of one plane: of the same spectrum, equal on the channels of a group.

        Args:
            plane: Index of the plane.
            rng: The only source of randomness.
            settings: RMS and size of the groups.

        Returns:
            float32 (wires, ticks), ADC counts.
        """
        wires = self.detector.planes[plane].wires
        noise = self._draw(plane, -(-wires // settings.group), rng)
        noise *= np.float32(settings.coherent_adc / self.rms(plane))
        return np.repeat(noise, settings.group, axis=0)[:wires]

    def _draw(self, plane: int, rows: int, rng: np.random.Generator) -> Float32Array:
        # Real and imaginary parts alternate, as they do in the memory of complex numbers.
        sigma = np.repeat(self._parts[plane] * np.sqrt(np.float32(self._length)), 2)
        normal = rng.standard_normal((rows, sigma.size), dtype=np.float32)
        normal *= sigma
        noise = irfft(normal.view(np.complex64), n=self._length, axis=1, overwrite_x=True)
        return np.asarray(noise[:, : self.detector.ticks], dtype=np.float32)


_RMS_ADC = np.array([13.5, 13.7, 10.7])  # ProtoDUNE-HD's U, V, W: of 11.7 counts/mV, 14 mV/fC
_ADC_PER_MV, _GAIN_MV_FC = (2**14 - 1) / 1400.0, 14.0


def analytic_noise_spectrum(detector: Detector) -> NoiseSpectrum:
    """Noise of a charge amplifier in closed form.

    White current noise at the input (parallel) and white voltage noise on its capacitance (series,
    in current proportional to the frequency) pass the shaper; a white term is added behind it.
    Where the two input terms are equal (0.066 MHz) and the white term (0.115 of the parallel one)
    describe ProtoDUNE-HD's measured spectra, see ``tests/plugins/dnn_roi/physics/test_noise.py``;
    so do the RMS values: 13.5, 13.7 and 10.7 counts there. They stand for a charge, which gain and
    converter of another detector make another number of counts.

    Args:
        detector: Gives the shaper, the sampling and the converter.

    Returns:
        The spectra, normalised to those RMS values.
    """
    nyquist_mhz = 500.0 / detector.tick_ns
    frequency = np.linspace(0.0, nyquist_mhz, 513)
    time_us = np.arange(0.0, 10.0, 0.05)
    pulse = cold_electronics(time_us, detector.gain_mv_fc, detector.peaking_us)
    shaper = np.abs(np.exp(-2j * np.pi * np.outer(frequency, time_us)) @ (pulse / pulse.sum()))
    shape = np.hypot(shaper * np.hypot(1.0, frequency / 0.066), 0.115)
    # Parseval: the variance is 4 / pi times the mean squared modulus (Rayleigh) per sample.
    unit_rms = np.sqrt(4 / np.pi * np.trapezoid(shape**2, frequency) / nyquist_mhz)
    rms_mv = _RMS_ADC[:, None] / _ADC_PER_MV * (detector.gain_mv_fc / _GAIN_MV_FC)
    return NoiseSpectrum("analytic", frequency, rms_mv * shape / unit_rms)


def load_noise_spectrum(path: Path) -> NoiseSpectrum:
    """Read a Wire-Cell noise file (``.json`` or ``.json.bz2``).

    Of each plane the first entry is taken; its constant (white) term is added in quadrature.

    Args:
        path: The file.

    Returns:
        The spectra of three planes.

    Raises:
        DataError: The file is missing, damaged or holds no spectrum of a plane.
    """
    entries = read_json(path)
    try:
        first = [next(entry for entry in entries if entry["plane"] == plane) for plane in range(3)]
        frequency = np.asarray(first[0]["freqs"], dtype=np.float64)
        amplitude = np.stack([_amplitude_mv(entry, frequency) for entry in first])
    except StopIteration as error:
        raise DataError(
            "a plane has no entry", where=str(path), remedy="give spectra of planes 0, 1 and 2"
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"not a Wire-Cell noise file ({type(error).__name__}: {error})",
            where=str(path),
            remedy="give a list of entries with plane, nsamples, const, freqs and amps",
        ) from error
    if not np.isfinite(amplitude).all() or (np.diff(frequency) <= 0).any():
        raise DataError(
            "an amplitude is not finite or frequencies do not increase",
            where=str(path),
            remedy="copy the file again, or compute it anew",
        )
    return NoiseSpectrum(path.name, frequency * 1e3, amplitude)  # 1/ns to MHz


def _amplitude_mv(entry: Any, frequency: Float64Array) -> Float64Array:  # decoded JSON
    """Amplitudes of one entry, from Wire-Cell units (1 V = 1e-6) to mV / sqrt(samples)."""
    amplitude = np.interp(frequency, entry["freqs"], entry["amps"])
    millivolt = 1e9 * np.hypot(amplitude, entry["const"])
    return np.asarray(millivolt / np.sqrt(entry["nsamples"]), dtype=np.float64)
