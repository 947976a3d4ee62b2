"""Real Geant4 showers, through the package calzone.

A detector is a stack of plates in vacuum: no supports, no electronics but what the stack has. A
step of a particle in a sensitive plate counts in the cell of its middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table, row_ids
from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.locate import Shower, cell_at, summed
from zoo_calo.sources.config import Geant4Config
from zoo_calo.sources.geant4_engine import (
    Setup,
    are_official,
    deposits_of,
    find_tables,
    load_calzone,
    require_tables,
    steps_of,
)
from zoo_calo.sources.particles import draw_particles
from zoo_calo.sources.readout import VARIATIONS, read_out

__all__ = ["Geant4"]


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
        self.setup = Setup(
            stack=self.stack,
            particle=config.particle,
            cut_mm=config.cut_mm,
            em_physics=config.em_physics,
        )
        self._version = str(load_calzone().GEANT4_VERSION)
        self._official = are_official(find_tables())
        require_tables(config, find_tables())

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The grid, the particle, and with which Geant4 and tables the showers were made."""
        return {
            **self.grid.facts(),
            "detector": self.grid.name,
            "particle": self.config.particle,
            "theta_deg": list(self.config.theta_deg),
            "geant4": {
                "version": self._version,
                "cut_mm": self.config.cut_mm,
                "em_physics": self.config.em_physics,
                "official_tables": self._official,
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
        deposits = deposits_of(self.setup, energy_gev, theta, key)
        plate, x, y, deposit = steps_of(deposits, 1e-9 * self.stack.window_ns)
        cell = cell_at(self.grid, self.stack.layer[plate], x, y)
        return summed(cell, deposit / self.stack.sampling_fraction)

    def _note(self) -> str:
        rebuilt = "data tables rebuilt from public ones, not the official release"
        known = "official tables" if self._official else rebuilt
        text = f"Geant4 {self._version} in a simplified stack of plates; {known}"
        if self.config.particle == "pi+" and not self._official:
            text += "; neutrons below 20 MeV have crude cross sections"
        return f"{text}."
