"""Showers by parametrisation, which need nothing but numpy and a fraction of a millisecond."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table, row_ids
from zoo_calo.physics.detector_files import read_stack
from zoo_calo.physics.gflash import Gflash as Model
from zoo_calo.sources.config import GflashConfig
from zoo_calo.sources.particles import draw_particles
from zoo_calo.sources.readout import VARIATIONS, read_out

__all__ = ["Gflash"]


class Gflash:
    """One shower a sample.

    Args:
        config: Settings.

    Raises:
        ConfigError: There is no such detector.
    """

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = VARIATIONS

    def __init__(self, config: GflashConfig) -> None:
        self.config = config
        nominal = read_stack(config.detector).reduced(config.pool, config.cells)
        self.grid = nominal.grid
        self._model = Model(nominal.with_absorber(config.absorber))

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The grid and the particle."""
        return {
            **self.grid.facts(),
            "detector": self.grid.name,
            "particle": self.config.particle,
            "theta_deg": list(self.config.theta_deg),
            "note": "Parametrised showers (GFLASH), not Geant4; a simplified stack of plates.",
        }

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        """One shower per key."""
        energy, theta = draw_particles(self.config, keys)
        columns: dict[str, Any] = {"id": row_ids(keys, 1), "energy": energy, "theta": theta}
        if fields & {"cell", "deposit", "outside"}:
            showers = self._model.showers(
                self.config.particle, energy.astype(np.float64), theta.astype(np.float64), keys
            )
            columns |= read_out(self.config, self.grid, keys, showers)
        return Table(columns).select(fields)
