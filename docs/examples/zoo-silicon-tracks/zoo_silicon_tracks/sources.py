"""The simulator: each event is made from its key alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Simulator, Table, generator, row_ids
from zoo_silicon_tracks.config import HelicesConfig
from zoo_silicon_tracks.helix import FIELD, RADII, Particles, curvature, scattered, to_radius

__all__ = ["Helices"]

_LOWEST, _HIGHEST = 0.5, 5.0  # transverse momentum, GeV
_STEEPEST = 1.175  # cot(theta) at pseudorapidity 1: sinh(1)
_PIXELS = 4  # layers; strips further out
_BEAM, _BUNCH = 0.015, 55.0  # width and length of the luminous region, mm


class Helices(Simulator):
    """Particles from a luminous region, logarithmic in p_t, most of them in jets."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "fuller": {"fewest": 100, "most": 150},
        "efficiency-5%": {"efficiency": 0.92},
        "thicker": {"thickness": 0.03},
        "narrower": {"jet_width": 0.02},
    }

    def __init__(self, config: HelicesConfig) -> None:
        self.config = config
        self.facts: Mapping[str, Any] = {"geometry": {"radii": list(RADII), "field": FIELD}}

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One event per key."""
        events = [self._event(generator(int(key))) for key in keys]
        columns: dict[str, Any] = {"id": row_ids(keys, 1)}
        for name in sorted(fields & events[0].keys()):
            columns[name] = Ragged.of([event[name] for event in events])
        return Table(columns)

    def _event(self, random: np.random.Generator) -> dict[str, NDArray[Any]]:
        particles = self._particles(random)
        count = len(particles.x)
        momentum = particles.momentum.astype(np.float32)
        hits = []
        for layer, radius in enumerate(RADII):
            particles = to_radius(particles, radius)
            azimuth = np.arctan2(particles.y, particles.x)
            azimuth = azimuth + self.config.resolution / radius * random.normal(size=count)
            z = particles.z + self._resolution_z(layer) * random.normal(size=count)
            seen = random.uniform(size=count) < self.config.efficiency
            owner = np.where(seen)[0]
            hits.append(self._layer(random, layer, azimuth[seen], z[seen], owner))
            particles = scattered(particles, self.config.thickness, random.normal(size=(count, 2)))
        joined = {name: np.concatenate([hit[name] for hit in hits]) for name in hits[0]}
        return {**joined, "momentum": momentum}

    def _particles(self, random: np.random.Generator) -> Particles:
        count = int(random.integers(self.config.fewest, self.config.most + 1))
        momentum = _LOWEST * (_HIGHEST / _LOWEST) ** random.uniform(size=count)
        charge = random.choice([-1.0, 1.0], size=count)
        jet = self._jets(random, count)  # particles of a jet share its axis and its vertex
        width = self.config.jet_width * (jet < count)
        return Particles(
            x=_BEAM * random.normal(size=count),
            y=_BEAM * random.normal(size=count),
            z=_BUNCH * random.normal(size=2 * count)[jet],
            azimuth=random.uniform(-np.pi, np.pi, 2 * count)[jet]
            + width * random.normal(size=count),
            slope=random.uniform(-_STEEPEST, _STEEPEST, 2 * count)[jet]
            + width * random.normal(size=count),
            curvature=charge * curvature(momentum),
        )

    def _jets(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Number of the jet of each particle; from ``count`` on: a particle for itself."""
        alone = random.uniform(size=count) >= self.config.in_jets
        jets = random.integers(0, max(1, round(count / self.config.jet)), count)
        return np.where(alone, count + np.arange(count), jets)

    def _resolution_z(self, layer: int) -> float:
        return self.config.pixels_z if layer < _PIXELS else self.config.strips_z

    def _layer(
        self,
        random: np.random.Generator,
        layer: int,
        azimuth: NDArray[np.float64],
        z: NDArray[np.float64],
        owner: NDArray[np.intp],
    ) -> dict[str, NDArray[Any]]:
        """Hits of one layer with its noise, sorted by azimuth: their order tells nothing."""
        noise = int(random.poisson(self.config.noise * len(z)))
        reach = 2 * _BUNCH + RADII[layer] * _STEEPEST
        azimuth = np.concatenate([azimuth, random.uniform(-np.pi, np.pi, noise)])
        azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi
        z = np.concatenate([z, random.uniform(-reach, reach, noise)])
        owner = np.concatenate([owner, np.full(noise, -1)])
        order = np.argsort(azimuth)
        x, y = RADII[layer] * np.cos(azimuth), RADII[layer] * np.sin(azimuth)
        return {
            "position": np.stack([x, y, z], axis=1)[order].astype(np.float32),
            "layer": np.full(len(z), layer, np.int32),
            "particle": owner[order].astype(np.int32),
        }
