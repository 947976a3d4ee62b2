"""Real Geant4 showers, through the package calzone.

A detector is a stack of plates in vacuum: no supports, no electronics but what the stack has. A
step of a particle in a sensitive plate counts in the cell of its middle.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import PluginError, Table, generator, row_ids
from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.locate import Shower, cell_at, summed
from zoo_calo.physics.stack import Stack
from zoo_calo.sources.config import Geant4Config
from zoo_calo.sources.particles import draw_particles
from zoo_calo.sources.readout import VARIATIONS, read_out

__all__ = ["Geant4"]

Array = NDArray[np.float64]

_PDG = {"gamma": 22, "e-": 11, "pi+": 211}
_MARGIN_CM = 10.0  # of vacuum around the plates
_ALL_ELEMENTS = 90  # files of the official tables of bremsstrahlung, one for each element


class Geant4:
    """One shower a sample, and one run of Geant4 with a seed of its own: a sample is its key.

    Args:
        config: Settings.

    Raises:
        ConfigError: There is no such detector.
        PluginError: calzone or Geant4's tables are not there.
    """

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIATIONS

    def __init__(self, config: Geant4Config) -> None:
        self.config = config
        nominal = read_stack(config.detector).reduced(config.pool, config.cells)
        self.grid = nominal.grid
        self.stack = nominal.with_absorber(config.absorber)
        self._calzone = _calzone()
        self._tables = _tables()
        _require_tables(config, self._tables)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The grid, the particle, and with which Geant4 and tables the showers were made."""
        return {
            **self.grid.facts(),
            "detector": self.grid.name,
            "particle": self.config.particle,
            "theta_deg": list(self.config.theta_deg),
            "geant4": {
                "version": str(self._calzone.GEANT4_VERSION),
                "cut_mm": self.config.cut_mm,
                "em_physics": self.config.em_physics,
                "official_tables": _are_official(self._tables),
            },
            "note": self._note(),
        }

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One shower per key."""
        energy, theta = draw_particles(self.config, keys)
        columns: dict[str, Any] = {"id": row_ids(keys, 1), "energy": energy, "theta": theta}
        if fields & {"cell", "deposit", "outside"}:
            showers = [
                self._shower(key, float(one), float(angle))
                for key, one, angle in zip(keys, energy, theta, strict=True)
            ]
            columns |= read_out(self.config, self.grid, keys, showers)
        return Table(columns).select(fields)

    def _shower(self, key: np.uint64, energy_gev: float, theta: float) -> Shower:
        config = self.config
        engine = _engine(self.stack, config.particle, config.cut_mm, config.em_physics)
        engine.random.seed = _seed(key)
        particle = engine.particles().pid(_PDG[config.particle]).generate(1)
        particle["energy"] = 1e3 * energy_gev
        particle["position"] = (0.0, 0.0, _z_cm(self.stack, 0.0))
        particle["direction"] = (0.0, np.cos(theta), np.sin(theta))
        try:
            deposits = engine.run(particle).deposits
        except (FileNotFoundError, RuntimeError, self._calzone.Geant4Exception) as error:
            raise PluginError(
                f"Geant4 failed: {error}", where="the source geant4", remedy=_TABLES_REMEDY
            ) from None
        plate, x, y, deposit = _steps(deposits, 1e-9 * self.stack.window_ns)
        cell = cell_at(self.grid, self.stack.layer[plate], x, y)
        return summed(cell, deposit / self.stack.sampling_fraction)

    def _note(self) -> str:
        known = (
            "official tables"
            if _are_official(self._tables)
            else ("data tables rebuilt from public ones, not the official release")
        )
        text = f"Geant4 {self._calzone.GEANT4_VERSION} in a simplified stack of plates; {known}"
        if self.config.particle == "pi+" and not _are_official(self._tables):
            text += "; neutrons below 20 MeV have crude cross sections"
        return f"{text}."


_TABLES_REMEDY = (
    "set GEANT4_DATA_DIR to a folder that holds Geant4's data (G4EMLOW and the others); "
    "python -m calzone download fetches the official ones"
)


def _calzone() -> Any:
    try:
        return import_module("calzone")
    except ImportError as error:
        raise PluginError(
            f"calzone, which holds Geant4, cannot be imported: {error}",
            where="the source geant4",
            remedy="pip install 'detector-zoo[geant4]', or take the source gflash",
        ) from None


def _tables() -> Path:
    told = os.environ.get("GEANT4_DATA_DIR", "")
    folder = Path(told) if told else Path.home() / ".local" / "share" / "calzone" / "data"
    if not any(folder.glob("G4EMLOW*")):
        raise PluginError("no data tables of Geant4", where=str(folder), remedy=_TABLES_REMEDY)
    return folder


def _require_tables(config: Geant4Config, tables: Path) -> None:
    """Refuse what Geant4 itself would end the process for."""
    wanted = ["G4EMLOW*/brem_SB/br14"]
    if config.em_physics != "standard":
        wanted.append("G4EMLOW*/fluor/binding.dat")
    if config.particle == "pi+":
        wanted.append("G4PARTICLEXS*/neutron/inel1")
    for pattern in wanted:
        if not any(tables.glob(pattern)):
            raise PluginError(
                f"{config.particle} with the {config.em_physics} physics need {pattern}, "
                "which is not there",
                where=str(tables),
                remedy=_TABLES_REMEDY,
            )


def _are_official(tables: Path) -> bool:
    return len(list(tables.glob("G4EMLOW*/brem_SB/br*"))) >= _ALL_ELEMENTS


def _seed(key: np.uint64) -> int:
    """127 random bits and a last one of 1: Geant4's generator takes odd states only."""
    return int.from_bytes(generator(key).bytes(16), "little") | 1


# Geant4 belongs to the process, not to a source: engines are kept by what they are, and are never
# pickled.
_physics_of_process: list[str | None] = []


@lru_cache(maxsize=4)
def _engine(stack: Stack, particle: str, cut_mm: float, em_physics: str) -> Any:
    calzone = _calzone()
    hadrons = "FTFP_BERT" if particle == "pi+" else None
    _physics_of_process.append(hadrons)
    if hadrons and not _physics_of_process[0]:
        raise PluginError(
            "this process has simulated without hadronic interactions, and Geant4 keeps to that",
            where="the source geant4",
            remedy="simulate pions in a process of their own, or before the others",
        )
    physics = calzone.Physics(em_physics, had_model=hadrons, default_cut=cut_mm / 10)
    engine = calzone.Simulation(calzone.Geometry(_geometry(stack)), physics=physics)
    engine.sample_deposits = "detailed"
    return engine


def _geometry(stack: Stack) -> dict[str, Any]:
    width, half = stack.width_mm / 10, stack.depth_mm / 20
    plates: dict[str, Any] = {}
    for number, plate in enumerate(stack.plates):
        volume = {
            "material": plate.of.geant4,
            "box": [width, width, plate.thickness_mm / 10],
            "position": [0.0, 0.0, _z_cm(stack, plate.middle_mm)],
        }
        if plate.sensitive >= 0:
            plates[f"Sensitive{plate.sensitive}"] = {**volume, "role": "record_deposits"}
        else:
            plates[f"Other{number}"] = volume
    across, along = width + 2 * _MARGIN_CM, 2 * half + 2 * _MARGIN_CM
    return {"World": {"material": "G4_Galactic", "box": [across, across, along], **plates}}


def _z_cm(stack: Stack, depth_mm: float) -> float:
    return (depth_mm - stack.depth_mm / 2) / 10


def _steps(
    deposits: Mapping[str, Any], window_s: float
) -> tuple[NDArray[np.int64], Array, Array, Array]:
    """Sensitive plate, x and y (mm) and energy (MeV) of every step that is read."""
    plate, place, deposit = [np.zeros(0, np.int64)], [np.zeros((0, 2))], [np.zeros(0)]
    for path, found in deposits.items():
        number = int(path.rpartition("Sensitive")[2])
        line, point = found.line, found.point
        for middle, time, value in (
            ((line["start"] + line["end"]) / 2, line["time"].min(1, initial=np.inf), line["value"]),
            (point["position"], point["time"], point["value"]),
        ):
            read = time < window_s
            plate.append(np.full(int(read.sum()), number))
            place.append(10 * middle[read, :2])
            deposit.append(value[read])
    at = np.concatenate(place)
    return np.concatenate(plate), at[:, 0], at[:, 1], np.concatenate(deposit)
