"""One object for the whole chain: depositions to waveforms, truth and deconvolved charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.analytic_response import analytic_field_response, shape_of
from zoo_dnn_roi.physics.deconvolution import Deconvolved, Deconvolver
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.drift import Drifted, drift
from zoo_dnn_roi.physics.electronics import baseline_mv, digitise
from zoo_dnn_roi.physics.field_response import FieldResponse
from zoo_dnn_roi.physics.filters import FilterSet
from zoo_dnn_roi.physics.geometry import Detector
from zoo_dnn_roi.physics.noise import (
    NoiseModel,
    NoiseSettings,
    NoiseSpectrum,
    analytic_noise_spectrum,
)
from zoo_dnn_roi.physics.signal import SignalModel
from zoo_dnn_roi.physics.splat import Window, deposit, project

__all__ = ["TRUTH_SMEARING", "Simulation"]

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

TRUTH_SMEARING = ((2.692, 0.738), (2.675, 0.716), (2.714, 0.140))
"""By plane U, V, W: how far signal processing blurs charge, in ticks and in wires (Wire-Cell's fit
for ProtoDUNE-HD; the Gaussian charge filter of 0.12 MHz alone gives 1 / (2 pi 0.12 MHz) = 2.65
ticks). Truth is blurred alike, so that it can be compared with deconvolved charge cell by cell. The
filters are functions of the frequency: ticks are those of 500 ns."""

_SMEARING_TICK_NS = 500.0


class Simulation:
    """Simulation and deconvolution of one detector; all spectra are computed once.

    Args:
        detector: The detector.
        response: Field response that the deconvolution assumes; None takes the analytic one.
        noise: Noise spectra; None takes the analytic ones.
        filters: Constants of the deconvolution; None takes ProtoDUNE-HD's. They belong to the
            planes by their order: two induction planes, then the collection plane.
        signal_response: Field response that makes the signals; None: the assumed one.
        gain: Factor on the electronics gain of the signals; the deconvolution assumes 1. Noise
            does not follow: its spectra are measured behind the amplifier, with whatever gain
            that has.
    """

    def __init__(
        self,
        detector: Detector,
        response: FieldResponse | None = None,
        noise: NoiseSpectrum | None = None,
        filters: FilterSet | None = None,
        *,
        signal_response: FieldResponse | None = None,
        gain: float = 1.0,
    ) -> None:
        self.detector = detector
        if response is None:
            response = analytic_field_response(
                shape_of(detector), speed_mm_us=detector.drift_speed_mm_us
            )
        assumed = SignalModel(detector, response)
        self.noise = NoiseModel(detector, noise or analytic_noise_spectrum(detector))
        self.deconvolver = Deconvolver(assumed, filters)
        self.signal = assumed
        if signal_response is not None or gain != 1:
            amplified = replace(detector, gain_mv_fc=gain * detector.gain_mv_fc)
            self.signal = SignalModel(amplified, signal_response or response)

    def drift(self, depos: Depos, rng: np.random.Generator | None = None) -> Drifted:
        """Drift depositions to the response plane; see ``drift.drift``."""
        return drift(depos, self.detector, rng)

    def waveforms(
        self,
        clouds: Drifted,
        rng: np.random.Generator | None,
        settings: NoiseSettings | None = None,
        *,
        dead: Mapping[str, BoolArray] | None = None,
        digital: bool = False,
    ) -> dict[str, Float32Array]:
        """Waveforms of all planes.

        Coherent noise is drawn last, so that the rest of an event is the same with and without it.

        Args:
            clouds: Electron clouds on the response plane.
            rng: Draws the noise; None switches it off.
            settings: Departures of the noise from its spectra.
            dead: For planes by name, a mask bool (wires,) of channels that read zero.
            digital: Round to whole counts and clip to the range of the converter.

        Returns:
            By plane name, float32 (wires, ticks), ADC counts above the baseline.

        Raises:
            DataError: A mask has not one flag per wire.
        """
        result = {}
        for index, plane in enumerate(self.detector.planes):
            result[plane.name] = self.signal.waveforms(clouds, index)
            if rng is not None:
                result[plane.name] += self.noise.waveforms(index, rng, settings)
        if rng is not None and settings is not None and settings.coherent_adc > 0:
            for index, plane in enumerate(self.detector.planes):
                result[plane.name] += self.noise.shared(index, rng, settings)
        for plane in self.detector.planes:
            if digital:
                baseline = baseline_mv(self.detector, plane)
                result[plane.name] = digitise(result[plane.name], baseline, self.detector)
            if dead is not None and plane.name in dead:
                plane.check_mask(dead[plane.name], "dead channels")
                result[plane.name][dead[plane.name]] = 0
        return result

    def truth(self, clouds: Drifted) -> dict[str, Float32Array]:
        """True charge of all planes, blurred as signal processing blurs it (``TRUTH_SMEARING``).

        Args:
            clouds: The clouds that gave the waveforms.

        Returns:
            By plane name, float32 (wires, ticks), electrons per tick; charge appears at the tick at
            which it passes the response plane, where the deconvolution puts it, too.
        """
        result = {}
        per_tick = _SMEARING_TICK_NS / self.detector.tick_ns
        for plane, (ticks, wires) in zip(self.detector.planes, TRUTH_SMEARING, strict=True):
            spots = project(clouds, plane, smear_wires=wires, smear_ticks=ticks * per_tick)
            result[plane.name] = deposit(spots, Window(0, plane.wires, 0, self.detector.ticks))[0]
        return result

    def deconvolve(
        self, adc: Mapping[str, Float32Array], dead: Mapping[str, BoolArray] | None = None
    ) -> dict[str, Deconvolved]:
        """Deconvolve the planes that are given.

        Args:
            adc: By plane name, float32 (wires, ticks), ADC counts above the baseline.
            dead: By plane name, masks bool (wires,) of dead channels.

        Raises:
            ConfigError: The detector has no such plane.
            DataError: A shape does not belong to the plane.
        """
        dead = dead or {}
        return {
            name: self.deconvolver(waveforms, self.detector.index(name), dead.get(name))
            for name, waveforms in adc.items()
        }
