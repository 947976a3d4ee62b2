"""Geant4 itself: where its tables are, its geometry, its runs, what they leave.

It belongs to the process, not to a source: what is initialised first holds until the end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import PluginError, generator
from zoo_calo.physics.stack import Stack
from zoo_calo.sources.config import Geant4Config

__all__ = [
    "Setup",
    "are_official",
    "deposits_of",
    "find_tables",
    "load_calzone",
    "require_tables",
    "seed_of",
    "steps_of",
]

Array = NDArray[np.float64]

_PDG = {"gamma": 22, "e-": 11, "pi+": 211}
_MARGIN_CM = 10.0  # of vacuum around the plates
_ALL_ELEMENTS = 90  # files of the official tables of bremsstrahlung, one for each element

TABLES_REMEDY = (
    "set GEANT4_DATA_DIR to a folder that holds Geant4's data (G4EMLOW and the others); "
    "python -m calzone download fetches the official ones"
)


def load_calzone() -> Any:
    """The package that holds Geant4.

    Raises:
        PluginError: It cannot be imported.
    """
    try:
        return import_module("calzone")
    except ImportError as error:
        raise PluginError(
            f"calzone, which holds Geant4, cannot be imported: {error}",
            where="the source geant4",
            remedy="pip install 'detector-zoo[geant4]', or take the source gflash",
        ) from None


def find_tables() -> Path:
    """The folder of Geant4's data tables: GEANT4_DATA_DIR, or where calzone puts them.

    Raises:
        PluginError: There are none.
    """
    told = os.environ.get("GEANT4_DATA_DIR", "")
    folder = Path(told) if told else Path.home() / ".local" / "share" / "calzone" / "data"
    if not any(folder.glob("G4EMLOW*")):
        raise PluginError("no data tables of Geant4", where=str(folder), remedy=TABLES_REMEDY)
    return folder


def require_tables(config: Geant4Config, tables: Path) -> None:
    """Refuse what Geant4 itself would end the process for.

    Raises:
        PluginError: A table that the particle or the physics needs is not there.
    """
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
                remedy=TABLES_REMEDY,
            )


def are_official(tables: Path) -> bool:
    """Whether tables are those that Geant4 publishes: only they have all elements."""
    return len(list(tables.glob("G4EMLOW*/brem_SB/br*"))) >= _ALL_ELEMENTS


def seed_of(key: np.uint64) -> int:
    """127 random bits and a last one of 1: Geant4's generator takes odd states only."""
    return int.from_bytes(generator(key).bytes(16), "little") | 1


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What one simulation is made of.

    Attributes:
        stack: The detector.
        particle: What comes in; pions switch hadronic interactions on.
        cut_mm: Range below which secondaries are not produced.
        em_physics: Which electromagnetic physics.
    """

    stack: Stack
    particle: str
    cut_mm: float
    em_physics: str


def deposits_of(setup: Setup, energy_gev: float, theta: float, key: np.uint64) -> Mapping[str, Any]:
    """What one particle leaves in the sensitive plates: a run with a seed of its own.

    Returns:
        Path of the plate, which ends with its number -> ``line`` and ``point`` deposits.

    Raises:
        PluginError: Geant4 fails, or this process cannot simulate hadrons any more.
    """
    engine = _engine(setup)
    engine.random.seed = seed_of(key)
    particle = engine.particles().pid(_PDG[setup.particle]).generate(1)
    particle["energy"] = 1e3 * energy_gev
    particle["position"] = (0.0, 0.0, _z_cm(setup.stack, 0.0))
    particle["direction"] = (0.0, np.cos(theta), np.sin(theta))
    try:
        deposits: Mapping[str, Any] = engine.run(particle).deposits
    except (FileNotFoundError, RuntimeError, load_calzone().Geant4Exception) as error:
        raise PluginError(
            f"Geant4 failed: {error}", where="the source geant4", remedy=TABLES_REMEDY
        ) from None
    return deposits


# Geant4 keeps the physics that a process initialises first, and simulations cannot be pickled.
_physics_of_process: list[str | None] = []


@lru_cache(maxsize=4)
def _engine(setup: Setup) -> Any:
    calzone = load_calzone()
    hadrons = "FTFP_BERT" if setup.particle == "pi+" else None
    _physics_of_process.append(hadrons)
    if hadrons and not _physics_of_process[0]:
        raise PluginError(
            "this process has simulated without hadronic interactions, and Geant4 keeps to that",
            where="the source geant4",
            remedy="simulate pions in a process of their own, or before the others",
        )
    physics = calzone.Physics(setup.em_physics, had_model=hadrons, default_cut=setup.cut_mm / 10)
    engine = calzone.Simulation(calzone.Geometry(_geometry(setup.stack)), physics=physics)
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


def steps_of(
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
