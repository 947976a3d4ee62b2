"""The simulator of mini-gan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Simulator, Table, row_ids, uniform
from zoo_miniatures.gan.config import ShowersConfig
from zoo_miniatures.gan.physics import facts_of, fluctuated, profile, sampled

__all__ = ["Showers"]


class Showers(Simulator):
    """Electrons with energies uniform between two limits."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "sampling-x1.5": {"sampling": 0.15},
        "thickness+5%": {"thickness": 1.05},
    }

    def __init__(self, config: ShowersConfig) -> None:
        self.config = config
        self.facts = facts_of(
            layers=config.layers, thickness=config.thickness, sampling=config.sampling
        )

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        low, high = self.config.minimum, self.config.maximum
        energy = low + (high - low) * uniform(keys)
        columns: dict[str, Any] = {"id": row_ids(keys, 1)}
        if "energy" in fields:
            columns["energy"] = energy.astype(np.float32)
        if "layers" in fields:
            log_t, log_alpha = fluctuated(energy, keys, self.facts)
            layers = sampled(profile(energy, log_t, log_alpha, self.facts), keys, self.facts)
            columns["layers"] = layers.astype(np.float32)
        return Table(columns)
