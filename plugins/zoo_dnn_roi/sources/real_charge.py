"""Measured charge as truth: a real event, simulated and reconstructed anew.

A frame of Wire-Cell's signal processing (tag ``gauss``) holds the charge that it found, with the
topology of real events. Its regions of interest above a floor are taken as true, folded with field
and electronics response, overlaid with noise, digitised, deconvolved and searched like a simulated
event, and compared with that truth, blurred exactly as the deconvolution blurs it. Without noise it
returns this truth within 0.5 % of the charge (with the Gaussian fit ``TRUTH_SMEARING`` that blurs
simulated truth: within 3 %).

What to keep in mind:

- **Pre-selection bias.** The truth holds only charge that signal processing had found. What it
  lost, above all of tracks that run towards the wires, is missing, so that inefficiencies are
  underestimated and all algorithms look better than they are; by construction the traditional one
  gains most. Fakes above the floor count as true.
- The measured charge is blurred already and is blurred once more: a point charge ends up 1.4 times
  as wide as in a simulated event.
- Impact positions are unknown: the response is averaged over them, and one source of resolution is
  missing.
- Induction channels are folded in the order of their numbers. On a face wires follow that order but
  for one step, from the last channel of a plane to the first, over which induction is neglected;
  at the border between the two faces of W ten channels of one face induce on the other.
- All replicas are the same event: they tell the effect of noise, and are one group in a bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, ConfigError, Table, file_digest, generator, row_ids, sample_ids
from zoo_dnn_roi.physics.analytic_response import analytic_field_response
from zoo_dnn_roi.physics.deconvolution import Deconvolved
from zoo_dnn_roi.physics.electronics import baseline_mv, digitise
from zoo_dnn_roi.physics.field_response import load_field_response
from zoo_dnn_roi.physics.noise import NoiseSettings, load_noise_spectrum
from zoo_dnn_roi.physics.refine import CHAIN_VERSION
from zoo_dnn_roi.physics.replay import blurred, charge_waveforms
from zoo_dnn_roi.physics.runs import FloatArray
from zoo_dnn_roi.physics.signal import SignalModel
from zoo_dnn_roi.physics.simulation import Simulation
from zoo_dnn_roi.sources.config import RealChargeConfig
from zoo_dnn_roi.sources.events import TARGETS, plane_rows
from zoo_dnn_roi.sources.measured import MeasuredEvent, read_measured
from zoo_dnn_roi.sources.simulated_detector import detector_facts
from zoo_dnn_roi.sources.simulators import file_origin

__all__ = ["NOTE", "RealCharge"]

NOTE = (
    "truth is charge that signal processing found in real data: what it lost (prolonged tracks) "
    "is missing, so inefficiency is underestimated"
)
"""The pre-selection bias in one sentence, for tables and facts."""


class RealCharge:
    """Planes U and V of the frames of a Wire-Cell frame archive; a block is a replica of a frame.

    Args:
        config: Settings.
        path: The archive, with a tag ``gauss...`` of all channels of one anode.

    Attributes:
        detector: The anode; its wires are channels.
        facts: Geometry, origin of all files, and how the truth is biased (``note``).

    Raises:
        ConfigError: No wire file is given.
        DataError: A file is missing or damaged, or the wires are not those of the frame or not of
            the detector that the simulators know.
    """

    def __init__(self, config: RealChargeConfig, path: str | Path) -> None:
        path = Path(path)
        if not config.wires:
            raise ConfigError(
                "no wire file",
                where="wires",
                remedy="give the Wire-Cell wire file of the detector that took the frame",
            )
        self.config = config
        digest = file_digest(path)
        measured = read_measured(path, Path(config.wires), config.charge_floor)
        self.detector = measured.detector
        self._faces = measured.faces
        self._events = [event for event in measured.events for _ in range(config.replicas)]
        self._blocks = [
            Block(
                key=f"frame {event.ident}, replica {index % config.replicas}",
                rows=len(TARGETS),
                group=f"frame {event.ident} of {digest[:16]}",
            )
            for index, event in enumerate(self._events)
        ]
        base = sample_ids(digest, np.array([config.seed]))
        self._ids = row_ids(base, len(TARGETS) * len(self._blocks)).reshape(-1, len(TARGETS))
        self._latest: tuple[int, Table] | None = None
        self.facts: Mapping[str, Any] = {
            **detector_facts(self.detector),
            "field_response": file_origin(config.field_response),
            "noise_spectrum": file_origin(config.noise_spectrum),
            "wires": file_origin(config.wires),
            "frames": {"name": path.name, "sha256": digest},
            "charge_floor": config.charge_floor,
            "traditional_chain": CHAIN_VERSION,
            "note": NOTE,
        }

    def blocks(self) -> Sequence[Block]:
        """The replicas of each frame, which are one group."""
        return self._blocks

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Rows U and V of one replica; the replica read last is kept."""
        index = self._blocks.index(block)
        if self._latest is None or self._latest[0] != index:
            self._latest = None  # two replicas are never held
            self._latest = index, self._replica(self._events[index], self._ids[index])
        return self._latest[1].take(rows).select(fields)

    @cached_property
    def _simulation(self) -> Simulation:
        """The chain, on a readout that also holds the pulses of the last charges of the frame."""
        response, noise = self.config.field_response, self.config.noise_spectrum
        field = (
            load_field_response(Path(response))
            if response
            else analytic_field_response(speed_mm_us=self.detector.drift_speed_mm_us)
        )
        pulse_ticks = SignalModel(self.detector, field).pulse_ticks
        longer = replace(self.detector, ticks=self.detector.ticks + pulse_ticks)
        return Simulation(longer, field, load_noise_spectrum(Path(noise)) if noise else None)

    def _replica(self, event: MeasuredEvent, ids: NDArray[np.uint64]) -> Table:
        rng = generator(ids[0])
        filters = self._simulation.deconvolver.filters
        planes, truth = {}, {}
        for index, plane in enumerate(self.detector.planes):
            charge = event.charge[plane.name].toarray()
            planes[plane.name] = self._deconvolved(charge, index, event, rng)
            if plane.name in TARGETS:
                sigma = filters.wire_induction
                truth[plane.name] = blurred(charge, sigma, filters, self.detector.tick_ns)
        return plane_rows(ids, self.detector, planes, truth, dead=event.dead, faces=self._faces)

    def _deconvolved(
        self, charge: FloatArray, index: int, event: MeasuredEvent, rng: np.random.Generator
    ) -> Deconvolved:
        """One plane with noise, digitised and deconvolved, on the ticks of the frame."""
        simulation, plane = self._simulation, self.detector.planes[index]
        adc = charge_waveforms(simulation.signal, charge, index)
        settings = NoiseSettings(scale=self.config.noise_scale)
        adc += simulation.noise.waveforms(index, rng, settings)
        adc = digitise(adc, baseline_mv(simulation.detector, plane), simulation.detector)
        found = simulation.deconvolver(adc, index, event.dead[plane.name])
        return _first_ticks(found, self.detector.ticks)


def _first_ticks(found: Deconvolved, ticks: int) -> Deconvolved:
    def cut(waveforms: FloatArray) -> FloatArray:
        return np.ascontiguousarray(waveforms[:, :ticks])

    return Deconvolved(
        cut(found.charge),
        cut(found.wiener),
        cut(found.loose_lf),
        cut(found.tight_lf),
        cut(found.tighter_lf),
        found.rms,
    )
