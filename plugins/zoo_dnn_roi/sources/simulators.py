"""Simulators: cosmic-ray events, and tracks of known angle with or without cosmic rays.

Showers are in ``showers.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, Table, file_digest, generator, row_ids
from zoo_dnn_roi.physics.analytic_response import WIDER_MM, analytic_field_response, shape_of
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.field_response import FieldResponse, load_field_response
from zoo_dnn_roi.physics.noise import NoiseSettings, load_noise_spectrum
from zoo_dnn_roi.physics.refine import CHAIN_VERSION
from zoo_dnn_roi.physics.simulation import Simulation
from zoo_dnn_roi.physics.tracks import cosmic_muons, muon_track
from zoo_dnn_roi.sources.chosen import chosen_planes
from zoo_dnn_roi.sources.config import (
    ANALYTIC_WIDE,
    CosmicsConfig,
    SimulatorConfig,
    TracksConfig,
)
from zoo_dnn_roi.sources.events import plane_rows
from zoo_dnn_roi.sources.simulated_detector import (
    detector_facts,
    simulated_detector,
    visible_depth,
)
from zoo_dnn_roi.sources.variations import VARIATIONS

__all__ = [
    "Cosmics",
    "EventSimulator",
    "Label",
    "Tracks",
    "file_origin",
]

_C = TypeVar("_C", bound=SimulatorConfig)
_MARGIN_MM = 40.0  # a track stays this far from the borders of the volume
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Label:
    """What is known of a simulated event beside its charge.

    Attributes:
        theta_xz: Angle of its track or shower, degrees; NaN: none.
        columns: Further fields of its rows, one per plane, (planes, ...).
    """

    theta_xz: float = float("nan")
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, compare=False)


class EventSimulator(Generic[_C]):
    """An event of depositions through drift, response, noise, deconvolution and ROI finding.

    Its rows are the induction planes of one event.

    Args:
        config: Settings.

    Attributes:
        detector: What is simulated.
        planes: Its induction planes that become rows.

    Raises:
        ConfigError: The geometry file is wrong, a setting contradicts it, or planes differ in size.
    """

    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIATIONS

    def __init__(self, config: _C) -> None:
        self.config = config
        self.detector, self._layout = simulated_detector(config.detector)
        name = config.detector.geometry or "ProtoDUNE-HD"
        self.planes = chosen_planes(self.detector.induction, config.planes, name)

    @property
    def samples_per_key(self) -> int:
        """Rows of one event."""
        return len(self.planes)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Geometry, and which drift, responses, noise and traditional chain made the data."""
        config, detector = self.config, self.detector
        return {
            **detector_facts(detector, self._layout),
            "field_response": file_origin(config.field_response),
            "signal_response": file_origin(config.signal_response or config.field_response),
            "gain": config.gain,
            "drift": {
                "speed_mm_us": detector.drift_speed_mm_us,
                "longitudinal_cm2_s": detector.longitudinal_cm2_s,
                "transverse_cm2_s": detector.transverse_cm2_s,
                "lifetime_ms": detector.lifetime_ms,
            },
            "noise_spectrum": file_origin(config.noise_spectrum),
            "noise": {
                "scale": config.noise_scale,
                "coherent_adc": config.coherent_adc,
                "noisy": config.noisy,
                "noisy_factor": config.noisy_factor,
                "dead": config.dead,
            },
            "traditional_chain": CHAIN_VERSION,
        }

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One row per key and plane."""
        ids = row_ids(keys, self.samples_per_key).reshape(len(keys), -1)
        events = [
            self._event(row, generator(key)).select(fields)
            for key, row in zip(keys, ids, strict=True)
        ]
        return Table.concat(events)

    def depositions(self, rng: np.random.Generator) -> tuple[Depos, Label]:
        """The depositions of an event, and what is known of it."""
        raise NotImplementedError  # abstract: cosmics, tracks and showers differ here

    @cached_property
    def _simulation(self) -> Simulation:
        response, noise = self.config.field_response, self.config.noise_spectrum
        return Simulation(
            self.detector,
            load_field_response(Path(response)) if response else None,
            load_noise_spectrum(Path(noise)) if noise else None,
            signal_response=self._signal_response(),
            gain=self.config.gain,
        )

    def _signal_response(self) -> FieldResponse | None:
        name = self.config.signal_response
        if name == ANALYTIC_WIDE:
            wider, speed = shape_of(self.detector, WIDER_MM), self.detector.drift_speed_mm_us
            return analytic_field_response(wider, speed_mm_us=speed)
        return load_field_response(Path(name)) if name else None

    def _event(self, ids: NDArray[np.uint64], rng: np.random.Generator) -> Table:
        simulation, config = self._simulation, self.config
        depos, label = self.depositions(rng)
        clouds = simulation.drift(depos, rng)
        dead, noisy = self._channels(config.dead, rng), self._channels(config.noisy, rng)
        settings = NoiseSettings(
            scale=config.noise_scale,
            coherent_adc=config.coherent_adc,
            noisy=noisy,
            noisy_factor=config.noisy_factor,
        )
        adc = simulation.waveforms(clouds, rng, settings, dead=dead, digital=True)
        planes, truth = simulation.deconvolve(adc, dead), simulation.truth(clouds)
        rows = plane_rows(
            ids,
            self.detector,
            planes,
            truth,
            targets=[plane.name for plane in self.planes],
            theta_xz=label.theta_xz,
            dead=dead,
            noisy=noisy,
        )
        return rows.with_columns(label.columns)

    def _channels(self, fraction: float, rng: np.random.Generator) -> dict[str, BoolArray]:
        planes = self.detector.planes
        return {plane.name: rng.random(plane.wires) < fraction for plane in planes}


class Cosmics(EventSimulator[CosmicsConfig]):
    """Events of cosmic muons: the training sample."""

    def depositions(self, rng: np.random.Generator) -> tuple[Depos, Label]:
        """Muons of the whole volume, and no angle."""
        return cosmic_muons(self.detector, rng, muons=self.config.cosmics), Label()


class Tracks(EventSimulator[TracksConfig]):
    """One muon of known theta_xz in the readout, among as many cosmic muons as wanted.

    Raises:
        ConfigError: If a track of that length does not fit into the readout at some angle.
    """

    def __init__(self, config: TracksConfig) -> None:
        super().__init__(config)
        for angle in config.theta_xz:
            free_x, free_z = self._freedom(angle)
            if min(free_x, free_z) < 0:
                raise ConfigError(
                    f"a track of {config.length_mm:g} mm at {angle:g} degrees is larger than the "
                    f"readout by {-min(free_x, free_z):.0f} mm",
                    where="length_mm",
                    remedy="make it shorter, or give the detector more wires, ticks or drift",
                )

    def depositions(self, rng: np.random.Generator) -> tuple[Depos, Label]:
        """A track somewhere in the readout, then the cosmic muons."""
        config = self.config
        angle = float(rng.choice(config.theta_xz))
        free_x, free_z = self._freedom(angle)
        centre_x = visible_depth(self.detector) / 2 + rng.uniform(-0.5, 0.5) * free_x
        centre_z = rng.uniform(-0.5, 0.5) * free_z
        track = muon_track(config.length_mm, angle, centre_mm=(centre_x, 0.0, centre_z), rng=rng)
        cosmics = cosmic_muons(self.detector, rng, muons=config.cosmics)
        return Depos.concatenate([track, cosmics]), Label(angle)

    def _freedom(self, angle: float) -> tuple[float, float]:
        """How far the middle of a track can move in x and in z, mm; negative: it does not fit."""
        along_x = self.config.length_mm * np.sin(np.deg2rad(angle))
        along_z = self.config.length_mm * np.cos(np.deg2rad(angle))
        return (
            float(visible_depth(self.detector) - along_x - 2 * _MARGIN_MM),
            float(self.detector.length_z_mm - along_z - 2 * _MARGIN_MM),
        )


def file_origin(path: str) -> dict[str, str]:
    """Name and digest of a file, or which closed form stands in its place."""
    if path in ("", ANALYTIC_WIDE):
        return {"name": path or "analytic", "sha256": ""}
    return {"name": Path(path).name, "sha256": file_digest(Path(path))}
