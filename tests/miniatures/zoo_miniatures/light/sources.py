"""The simulator of mini-light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Simulator, Table, generator, row_ids, uniform
from zoo_miniatures.light.config import FlashesConfig
from zoo_miniatures.light.physics import expected_share, facts_of

__all__ = ["Flashes"]


class Flashes(Simulator):
    """Points uniform in the inner 80 % of the box, Poisson charges."""

    samples_per_key: ClassVar[int] = 1
    variations: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "attenuation-20%": {"attenuation": 2400.0}
    }

    def __init__(self, config: FlashesConfig) -> None:
        self.config = config
        self.facts = facts_of(size=config.size, side=config.side, attenuation=config.attenuation)

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        position = self.config.size * 0.8 * (uniform(keys, 3) - 0.5)
        columns: dict[str, Any] = {"id": row_ids(keys, 1)}
        if "position" in fields:
            columns["position"] = position.astype(np.float32)
        if "charge" in fields:
            expected = self.config.photons * expected_share(position, self.facts)
            drawn = [generator(int(k)).poisson(e) for k, e in zip(keys, expected, strict=True)]
            columns["charge"] = np.asarray(drawn, np.float32).reshape(expected.shape)
        return Table(columns)
