"""Simulated events in liquid argon.

What is simulated how stands in the modules of :mod:`zoo_sparse_reco.physics`; what is not, in
:class:`~zoo_sparse_reco.sources.events_config.EventsConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table, generator, row_ids
from zoo_sparse_reco.physics.connected import VoxelKeys
from zoo_sparse_reco.physics.deposits import Detector, Pieces, electrons_per_mev, pieces_of
from zoo_sparse_reco.physics.draws import child_keys
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.transport import Deposits, transported
from zoo_sparse_reco.physics.tree import Tree
from zoo_sparse_reco.physics.truth import label
from zoo_sparse_reco.physics.vertices import (
    NEUTRAL_PION,
    Interactions,
    Kind,
    Primaries,
    primaries,
    vertices,
)
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.physics.voxel_sums import summed
from zoo_sparse_reco.sources.event_columns import columns_of
from zoo_sparse_reco.sources.events_config import KINDS, EventsConfig, RainConfig, VertexConfig
from zoo_sparse_reco.sources.variations import VARIATIONS

__all__ = ["Events"]

Keys = NDArray[np.uint64]

_EVENTS_AT_ONCE = 16  # bounds the memory, and keeps it in the cache
_STEP_CM = 0.15
_NOISE = 1000  # number of an event's child that draws what the detector does
_PIDS = (Pid.MUON, Pid.ELECTRON, Pid.PHOTON, Pid.PION, NEUTRAL_PION, Pid.PROTON, Pid.KAON)


class Events:
    """One event a sample.

    Args:
        config: Settings.

    Raises:
        DataError: The grid has too many voxels.
    """

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIATIONS

    def __init__(self, config: EventsConfig) -> None:
        self.config = config
        self.grid = VoxelGrid(
            name="simulated", shape=config.shape, voxel_mm=config.voxel_mm, scheme=config.scheme
        )
        given = config.detector
        self.detector = Detector(
            recombination=given.recombination,
            field_kv_cm=given.field_kv_cm,
            lifetime_us=given.lifetime_us,
            drift_cm_us=given.drift_cm_us,
            longitudinal_cm2_us=given.longitudinal_cm2_us,
            transverse_cm2_us=given.transverse_cm2_us,
        )
        self._sorts = [
            _interactions(config.vertices, config.vertex, config.energy_factor),
            _interactions(config.rain, config.rain_particle, config.energy_factor),
        ]

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The grid, the threshold, and how many electrons a recorded MeV stands for."""
        return {
            **self.grid.facts,
            "threshold_mev": self.config.threshold_mev,
            "electrons_per_mev": electrons_per_mev(
                self.detector.recombination, self.detector.field_kv_cm
            ),
            "ghosts": self.config.ghosts is not None,
            "note": "Events of this plugin's own simulator, whose nuclei break up coarsely.",
        }

    def simulate(self, keys: Keys, fields: frozenset[str]) -> Table:
        """One event per key."""
        starts = range(0, max(len(keys), 1), _EVENTS_AT_ONCE)
        tables = [self._some(keys[at : at + _EVENTS_AT_ONCE]) for at in starts]
        table = Table.concat(tables)
        return table.select([name for name in table if name in fields])

    def deposits(self, keys: Keys) -> tuple[Deposits, list[NDArray[np.float64]], Primaries]:
        """What particles of events deposit, vertices of each event (n, 3), cm, and primaries."""
        box = np.array(self.grid.shape) * self.grid.voxel_mm / 10
        places, drawn = vertices(keys, self._sorts, box)
        tree = Tree(len(keys))
        particles = primaries(keys, drawn, tree)
        return transported(particles, tree, box, _STEP_CM), places, drawn

    def _some(self, keys: Keys) -> Table:
        made, places, _ = self.deposits(keys)
        pieces = pieces_of(made.steps, self.grid.voxel_mm / 10, self.detector)
        event = made.nodes.event[pieces.owner]
        pieces = self._scaled(pieces, event, keys)
        voxel_keys = VoxelKeys(self.grid.shape)
        sums = summed(pieces, event, voxel_keys, len(made.nodes), self.config.threshold_mev)
        voxels, particles = label(sums, made.nodes, voxel_keys)
        noise = child_keys(keys, np.full(len(keys), _NOISE + 1))
        columns = columns_of(
            voxels, particles, places, config=self.config, grid=self.grid, keys=noise
        )
        return Table({"id": row_ids(keys, 1), **columns})

    def _scaled(self, pieces: Pieces, event: NDArray[np.int64], keys: Keys) -> Pieces:
        spread = self.config.detector.scale_spread
        if not spread or not len(keys):
            return pieces
        own = child_keys(keys, np.full(len(keys), _NOISE))
        draw = np.array([generator(key).standard_normal() for key in own])
        factor = np.maximum(1 + spread * draw, 0.1)
        return Pieces(pieces.owner, pieces.voxel, pieces.energy * factor[event])


def _interactions(
    count: tuple[int, int], given: VertexConfig | RainConfig, factor: float
) -> Interactions:
    kinds = []
    for name, pid in zip(KINDS, _PIDS, strict=True):
        one = getattr(given, name)
        least, most = (max(factor * energy, 1.0) for energy in one.energy_mev)
        kinds.append(Kind(int(pid), one.weight, one.most, least, most))
    return Interactions(count, given.particles, kinds)
