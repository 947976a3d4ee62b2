"""The simulator of electron showers of known energy and angle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.geometry import Detector, Plane
from zoo_dnn_roi.physics.showers import electron_shower
from zoo_dnn_roi.physics.tracks import cosmic_muons
from zoo_dnn_roi.sources.config import ShowersConfig
from zoo_dnn_roi.sources.simulated_detector import visible_depth
from zoo_dnn_roi.sources.simulators import EventSimulator, Label

__all__ = ["Showers"]

Vector = tuple[float, float, float]


class Showers(EventSimulator[ShowersConfig]):
    """One electron shower in the readout, among as many cosmic muons as wanted.

    It runs at theta_xz to the wire planes, towards either end of the beam and either end of the
    drift. What leaves the volume that all planes see is lost: of a small detector most of it.
    """

    def depositions(self, rng: np.random.Generator) -> tuple[Depos, Label]:
        """A shower, then the cosmic muons."""
        config, detector = self.config, self.detector
        angle = float(rng.choice(config.theta_xz))
        low, high = np.log(config.energy_mev)
        energy = float(np.exp(rng.uniform(low, high)))
        vertex, direction = self._start(angle, rng)
        shower = electron_shower(energy, direction, vertex, rng)
        shower = shower.take(_inside(detector, shower))
        cosmics = cosmic_muons(detector, rng, muons=config.cosmics)
        columns = _columns(detector, self.planes, energy, vertex, direction)
        return Depos.concatenate([shower, cosmics]), Label(angle, columns)

    def _start(self, angle: float, rng: np.random.Generator) -> tuple[Vector, Vector]:
        """Vertex, mm, and direction, (x, y, z)."""
        config = self.config
        to_cathode, downstream = rng.choice([-1.0, 1.0], 2).tolist()
        depth = visible_depth(self.detector)
        x = depth * (0.5 - to_cathode * (0.5 - rng.uniform(*config.vertex_x)))
        z = self.detector.length_z_mm * downstream * (rng.uniform(*config.vertex_z) - 0.5)
        in_plane = np.deg2rad(angle)
        direction = to_cathode * float(np.sin(in_plane)), 0.0, downstream * float(np.cos(in_plane))
        return (float(x), 0.0, float(z)), direction


def _inside(detector: Detector, depos: Depos) -> NDArray[np.bool_]:
    """Depositions between the wire planes and the cathode, over wires of every plane."""
    inside: NDArray[np.bool_] = (depos.x >= 0) & (depos.x <= detector.drift_length_mm)
    return inside & detector.seen(depos.y, depos.z)


def _columns(
    detector: Detector,
    planes: Sequence[Plane],
    energy: float,
    vertex: Vector,
    direction: Vector,
) -> dict[str, NDArray[np.float32]]:
    """The shower as the induction planes see it."""
    x, y, z = (np.array(value) for value in vertex)
    across = [
        direction[2] * along_z + direction[1] * along_y
        for along_z, along_y in (plane.direction for plane in planes)
    ]
    columns = {
        "shower_energy": np.full(len(planes), energy),
        "vertex_wire": np.array([float(plane.wire(y, z)) for plane in planes]),
        "vertex_tick": np.full(len(planes), float(x) / detector.mm_per_tick),
        "direction": np.stack([across, np.full(len(planes), direction[0])], axis=1),
    }
    return {name: column.astype(np.float32) for name, column in columns.items()}
