"""The simulator of mini-points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Simulator, Table, generator, row_ids
from zoo_miniatures.points.config import EventsConfig

__all__ = ["Events"]

Array = NDArray[np.float64]
_PARTICLES = ((0, 30), (0, 30), (1, 60))  # (label, deposits) of particle 0, 1, 2


class Events(Simulator):
    """Tracks are lines of unit charge; the shower is a cone of deposits that widens."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "spread+20%": {"spread": 1.8},
        "noise-x2": {"energy_noise": 0.2},
    }

    def __init__(self, config: EventsConfig) -> None:
        self.config = config
        self.facts: Mapping[str, Any] = {"edge": config.edge}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        events = [self._event(generator(int(key))) for key in keys]
        columns: dict[str, Any] = {"id": row_ids(keys, 1)}
        for name in sorted(fields & {"voxels", "charge", "label", "particle"}):
            columns[name] = Ragged.of([event[name] for event in events])
        if "vertex" in fields:
            columns["vertex"] = np.stack([event["vertex"] for event in events])
        return Table(columns)

    def _event(self, random: np.random.Generator) -> Mapping[str, NDArray[Any]]:
        vertex = self.config.edge * random.uniform(0.3, 0.7, 3)
        points, charges, particles = [], [], []
        for particle, (label, deposits) in enumerate(_PARTICLES):
            points.append(self._deposits(random, vertex, shower=label == 1, count=deposits))
            charges.append(np.full(deposits, self.config.track_length / deposits))
            particles.append(np.full(deposits, particle))
        return {
            "vertex": vertex.astype(np.float32),
            **self._voxels(
                random, np.concatenate(points), np.concatenate(charges), np.concatenate(particles)
            ),
        }

    def _deposits(
        self, random: np.random.Generator, vertex: Array, *, shower: bool, count: int
    ) -> Array:
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        along = self.config.track_length * random.uniform(0, 1, count)[:, None]
        across = random.normal(size=(count, 3)) * self.config.spread * shower
        return vertex + along * direction + across * along / self.config.track_length

    def _voxels(
        self,
        random: np.random.Generator,
        points: Array,
        charges: Array,
        particles: NDArray[np.int64],
    ) -> Mapping[str, NDArray[Any]]:
        """Charge per occupied voxel; a voxel belongs to the particle that left most in it."""
        inside = ((points >= 0) & (points < self.config.edge)).all(1)
        voxels, index = np.unique(
            np.floor(points[inside]).astype(np.int32), axis=0, return_inverse=True
        )
        shares = np.zeros((len(voxels), len(_PARTICLES)))
        np.add.at(shares, (index, particles[inside]), charges[inside])
        noise = 1 + self.config.energy_noise * random.normal(size=len(voxels))
        owner = shares.argmax(1)
        return {
            "voxels": voxels,
            "charge": np.maximum(0.0, shares.sum(1) * noise).astype(np.float32),
            "particle": owner.astype(np.int32),
            "label": np.array([label for label, _ in _PARTICLES], np.int32)[owner],
        }
