"""LCIO files: hits of SimCalorimeterHit collections, on the grid of a cell map.

Files that zoo wrote need no settings: their run header tells grid, collection and angle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError, DataError, Ragged
from zoo_calo.lcio.particles import particles_of
from zoo_calo.lcio.reader import Event, LcioFile
from zoo_calo.lcio.sim_hits import LONG, SimHits, sim_hits_of
from zoo_calo.physics.grid import grid_of
from zoo_calo.sources.cell_map import CellMap, identity_map
from zoo_calo.sources.cell_map_file import read_cell_map
from zoo_calo.sources.events import primary_of, require_collections, theta_of
from zoo_calo.sources.files_config import LcioConfig
from zoo_calo.sources.hdf5 import files_of
from zoo_calo.sources.shower_files import ShowerFile, ShowerFiles

__all__ = ["HITS", "TOLD", "Lcio"]

HITS = "SimCalorimeterHit"
TOLD = "zoo"
"""Parameter of the run header in which zoo tells what it wrote, JSON."""

Array = NDArray[np.float64]


class Lcio(ShowerFiles):
    """A file, or a folder of them; see :class:`ShowerFiles`.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        ConfigError: No collection or no map is named.
        DataError: A file is damaged, or lacks the collection.
    """

    config: LcioConfig

    def __init__(self, config: LcioConfig, path: str | Path) -> None:
        where = Path(path)
        self._open = {file: LcioFile(file) for file in files_of(where, ".slcio")}
        told = [_told(file) for file in self._open.values()]
        own = told[0] if all(one == told[0] for one in told) else {}
        self.map = _cell_map(config, own)
        self.collections = config.collections or tuple(own.get("collections", ()))
        first = next(iter(self._open.values()))
        if not self.collections:
            require_collections(config, _known(first), where)
        files = [ShowerFile(name, file.events, config.rows) for name, file in self._open.items()]
        self._theta = (config.theta or bool(own.get("theta"))) and config.primary != "sum"
        fields = {"energy", "cell", "deposit", "outside"} | ({"theta"} if self._theta else set())
        about = {"format": "LCIO", "collections": list(self.collections)}
        super().__init__(
            config, where, files=files, grid=self.map.grid, fields=frozenset(fields), about=about
        )

    def showers(self, path: Path, rows: range, fields: frozenset[str]) -> Mapping[str, Any]:
        """See :meth:`ShowerFiles.showers`."""
        columns: dict[str, Any] = {}
        events = [self._open[path].event(row) for row in rows]
        if fields & {"energy", "theta"}:
            primaries = [self._primary(event) for event in events]
            columns["energy"] = np.array([energy for energy, _ in primaries], np.float32)
            columns["theta"] = theta_of([momentum for _, momentum in primaries], self.map)
        if fields & {"cell", "deposit", "outside"}:
            hits = [self._hits(event) for event in events]
            place = np.concatenate([position for position, _ in hits])
            energy = Ragged.of([energy for _, energy in hits])
            filled = self.map.fill(place, energy.values, energy.offsets)
            columns |= {"cell": filled.cell, "deposit": filled.deposit, "outside": filled.outside}
        return {name: columns[name] for name in columns if name in fields}

    def _primary(self, event: Event) -> tuple[float, Array]:
        found = particles_of(event.block(self.config.particles, "MCParticle")).particles
        primaries = [one for one in found if one.generator_status == 1]
        return primary_of(
            np.array([one.energy_gev for one in primaries]),
            np.array([one.momentum_gev for one in primaries]).reshape(-1, 3),
            self.config.primary,
            event.where,
        )

    def _hits(self, event: Event) -> tuple[Array, Array]:
        found = [_placed(event, name) for name in self.collections]
        return (
            np.concatenate([hits.position_mm for hits in found]).astype(np.float64),
            np.concatenate([hits.energy_gev for hits in found]).astype(np.float64),
        )


def _placed(event: Event, name: str) -> SimHits:
    """Hits of a collection, which must tell where they are.

    Raises:
        DataError: They do not, or an energy or a place is no number.
    """
    hits = sim_hits_of(event.block(name, HITS))
    if not hits.flag & LONG:
        raise DataError(
            f"hits of '{name}' have no positions",
            where=event.where,
            remedy="write them with the flag CHBIT_LONG",
        )
    if not (np.isfinite(hits.energy_gev).all() and np.isfinite(hits.position_mm).all()):
        raise DataError(
            f"hits of '{name}' with energies or positions that are not finite",
            where=event.where,
            remedy="find what made them and write the file again",
        )
    if np.any(hits.energy_gev < 0):
        raise DataError(
            f"hits of '{name}' with negative energies, the lowest {hits.energy_gev.min():.3g} GeV",
            where=event.where,
            remedy="give simulated hits, before noise and pedestals",
        )
    return hits


def _told(file: LcioFile) -> Mapping[str, Any]:
    """What zoo told of a file that it wrote; nothing of others."""
    for run in file.runs:
        for text in run.parameters.strings.get(TOLD, ())[:1]:
            try:
                found = json.loads(text)
            except ValueError:
                found = None
            if isinstance(found, dict):
                return found
    return {}


def _cell_map(config: LcioConfig, told: Mapping[str, Any]) -> CellMap:
    if config.map:
        return read_cell_map(config.map)
    if "grid" not in told:
        raise ConfigError(
            "no cell map is named, and the files tell none",
            where="data.options.map",
            remedy="set it to ild-ecal, ild-hcal, or a TOML or JSON file",
        )
    if told.get("map"):
        raise ConfigError(
            f"the files were written through the cell map '{told['map']}'",
            where="data.options.map",
            remedy="set it to that map",
        )
    grid = grid_of(told)
    if grid.box is None:
        raise ConfigError(
            "the files hold cells of rings, which maps do not make of hits",
            where="data.options.map",
            remedy="read the file that they were converted from, or name a map of square cells",
        )
    return identity_map(grid)


def _known(file: LcioFile) -> list[str]:
    if not file.events:
        return []
    return [name for name, kind in file.event(0).header.collections if kind == HITS]
