"""What needs no training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Table
from zoo_miniatures.light.config import NothingConfig
from zoo_miniatures.light.physics import expected_share

__all__ = ["InverseSquare", "Optics"]


class Optics(Predictor):
    """The expectation of the simulator."""

    needs = frozenset({"position"})

    def __init__(self, config: NothingConfig, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def fit(self, training: Iterable[Table]) -> None:
        """Nothing to fit."""

    def light(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Light ``(N, P)`` up to a factor per event."""
        return expected_share(position, self.facts)

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        light = self.light(samples["position"].astype(np.float64))
        share = light / light.sum(1, keepdims=True)
        return Table({"id": samples.ids, "share": share.astype(np.float32)})


class InverseSquare(Optics):
    """The distance alone."""

    def light(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        squared: NDArray[np.float64] = (
            (self.facts["geometry"]["position"] - position[:, None]) ** 2
        ).sum(2)
        return 1 / squared
