"""Showers as events of LCIO: the particle, and a SimCalorimeterHit for every cell with energy.

Energies are GeV. A hit lies in the middle of its cell; its number has the fields ``layer``, ``x``
and ``y`` (of rings ``alpha`` and ``r``). All of its energy is one contribution of the particle, at
the time that light needs from the origin of the detector: digitisers cut on times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError, Table, atomic_path
from zoo_calo.lcio.headers import EventHeader, RunHeader
from zoo_calo.lcio.parameters import Parameters
from zoo_calo.lcio.particles import Particle, Particles
from zoo_calo.lcio.sim_hits import LONG, Contributions, SimHits
from zoo_calo.lcio.writer import LcioWriter
from zoo_calo.physics.grid import Grid
from zoo_calo.showers_out.writer import Job, ShowerWriter, require_cells
from zoo_calo.sources.cell_map import CellMap, identity_map
from zoo_calo.sources.cell_map_file import read_cell_map
from zoo_calo.sources.lcio_file import TOLD

__all__ = ["cell_numbers", "encoding", "write"]

_MEV = 1000.0  # in a GeV
_LIGHT_MM_NS = 299.792458
_MASS_GEV = {11: 0.000510998950, 13: 0.1056583755, 211: 0.13957039, 2212: 0.93827208816}
"""By the absolute number of the particle (Particle Data Group, 2022); others count as massless."""
_CHARGE = {11: -1.0, 13: -1.0, 211: 1.0, 2212: 1.0}
_PARTICLE_TAG = 1
_FIELD_BITS = 12
_LAYER_BITS = 8

Array = NDArray[np.float64]


class _Writer:
    def __init__(self, writer: LcioWriter, job: Job) -> None:
        self._writer, self._job = writer, job
        self._map = _map(job)
        self._numbers = cell_numbers(job.grid)
        self._events = 0
        told = {
            **job.grid.facts(),
            "collections": [job.collection],
            "theta": job.angled,
            "map": job.map,
        }
        strings = {TOLD: (json.dumps(told),)}
        strings |= {name: (text,) for name, text in job.about.items()}
        writer.run(
            RunHeader(
                detector=job.grid.name,
                description="showers of detector-zoo",
                subdetectors=(job.collection,),
                parameters=Parameters(ints={"PDG": (job.pdg,)}, strings=strings),
            )
        )

    def append(self, showers: Table) -> None:
        """See :class:`ShowerWriter`."""
        require_cells(showers, self._job.grid)
        for row in range(showers.rows):
            theta = float(showers["theta"][row]) if self._job.angled else np.pi / 2
            energy = float(showers["energy"][row])
            hits = self._hits(showers["cell"][row], showers["deposit"][row])
            header = EventHeader(
                event=self._events,
                detector=self._job.grid.name,
                parameters=Parameters(floats={"energy_GeV": (energy,), "theta_rad": (theta,)}),
            )
            particle = Particles(particles=[self._particle(energy, theta)])
            self._writer.event(header, [("MCParticle", particle), (self._job.collection, hits)])
            self._events += 1

    def _particle(self, energy: float, theta: float) -> Particle:
        kind = abs(self._job.pdg)
        mass = min(_MASS_GEV.get(kind, 0.0), energy)
        local = np.array([0.0, np.cos(theta), np.sin(theta)]) * np.sqrt(energy**2 - mass**2)
        momentum = np.zeros(3)
        momentum[self._map.columns] = local * self._map.signs
        x, y, z = momentum.tolist()
        return Particle(
            tag=_PARTICLE_TAG,
            pdg=self._job.pdg,
            vertex_mm=self._map.origin_mm,
            momentum_gev=(x, y, z),
            mass_gev=mass,
            charge=_CHARGE.get(kind, 0.0) * (1 if self._job.pdg > 0 else -1),
        )

    def _hits(self, cell: NDArray[np.int32], deposit: NDArray[np.float32]) -> SimHits:
        energy = (deposit.astype(np.float64) / _MEV).astype(np.float32)
        place = self._map.places(cell) if self._job.grid.box else _ring_places(self._job.grid, cell)
        time = np.linalg.norm(place, axis=1) / _LIGHT_MM_NS
        return SimHits(
            flag=LONG,
            parameters=Parameters(strings={"CellIDEncoding": (encoding(self._job.grid),)}),
            cell_id0=self._numbers[cell],
            cell_id1=np.zeros(len(cell), np.int32),
            energy_gev=energy,
            position_mm=place.astype(np.float32),
            contributions=Contributions.one_each(_PARTICLE_TAG, energy, time.astype(np.float32)),
            tag=np.arange(len(cell), dtype=np.uint32) + np.uint32(_PARTICLE_TAG + 1),
        )


def encoding(grid: Grid) -> str:
    """What the bits of a cell's number mean, as LCIO's decoders read it."""
    names = ("x", "y") if grid.box else ("alpha", "r")
    return ",".join([f"layer:{_LAYER_BITS}", *(f"{name}:{_FIELD_BITS}" for name in names)])


def cell_numbers(grid: Grid) -> NDArray[np.int32]:
    """int32 (cells,): the number of every cell, by :func:`encoding`.

    Raises:
        DataError: Layers or cells are more than the bits hold.
    """
    within = np.arange(grid.cells) - grid.first_cell[grid.layer]
    if grid.box is not None:
        sizes = np.full(grid.layers, grid.box.ny)
    else:
        sizes = np.array([len(ring.r_mm) - 1 for ring in grid.rings])
    first, second = np.divmod(within, sizes[grid.layer])
    if grid.layers > 2**_LAYER_BITS or max(first.max(), second.max()) >= 2**_FIELD_BITS:
        raise DataError(
            f"{grid.layers} layers of {int(first.max()) + 1} x {int(second.max()) + 1} cells",
            where=grid.name,
            remedy=f"LCIO's numbers hold {2**_LAYER_BITS} layers of {2**_FIELD_BITS} x "
            f"{2**_FIELD_BITS}; write them as calo-h5",
        )
    number = grid.layer | first << _LAYER_BITS | second << (_LAYER_BITS + _FIELD_BITS)
    return number.astype(np.uint32).view(np.int32)


def _map(job: Job) -> CellMap:
    if not job.map:
        return identity_map(job.grid)
    found = read_cell_map(job.map)
    if found.grid.shape != job.grid.shape or job.grid.box is None:
        raise ConfigError(
            f"a cell map of {found.grid.shape} cells for a grid of {job.grid.name}",
            where=job.map,
            remedy="name the map of this detector",
        )
    return found


def _ring_places(grid: Grid, cell: NDArray[np.int32]) -> Array:
    depth = np.array(grid.depth_mm)[grid.layer[cell]]
    return np.stack([grid.x_mm[cell], grid.y_mm[cell], depth], axis=1)


@contextmanager
def write(job: Job) -> Iterator[ShowerWriter]:
    """A writer of this format."""
    with atomic_path(job.path) as temporary, temporary.open("wb") as stream:
        yield _Writer(LcioWriter(stream), job)
