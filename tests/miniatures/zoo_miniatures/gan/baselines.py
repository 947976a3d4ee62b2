"""What needs no training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Table
from zoo_miniatures.gan.config import BaselineConfig
from zoo_miniatures.gan.physics import fluctuated, mean_profile, profile, sampled

__all__ = ["MeanShower", "Simulation"]

_OTHER = 100  # tag offset: random numbers that the simulator does not use


class MeanShower(Predictor):
    """The mean profile."""

    needs = frozenset({"energy"})

    def __init__(self, config: BaselineConfig, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def fit(self, training: Iterable[Table]) -> None:
        """Nothing to fit."""

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        energy = samples["energy"].astype(np.float64)
        layers = profile(energy, *mean_profile(energy, self.facts), self.facts)
        return Table({"id": samples.ids, "layers": layers.astype(np.float32)})


class Simulation(MeanShower):
    """The simulator at the same energies, with other random numbers."""

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        energy = samples["energy"].astype(np.float64)
        keys = samples.ids if keys is None else keys
        shapes = fluctuated(energy, keys, self.facts, tag=_OTHER)
        layers = sampled(profile(energy, *shapes, self.facts), keys, self.facts, tag=_OTHER)
        return Table({"id": samples.ids, "layers": layers.astype(np.float32)})
