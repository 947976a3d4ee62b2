"""What needs no training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Ragged, Table
from zoo_miniatures.graph.config import NearestConfig

__all__ = ["Nearest"]


class Nearest(Predictor):
    """Fragments nearer than a distance belong together."""

    needs = frozenset({"nodes", "edges"})

    def __init__(self, config: NearestConfig, facts: Mapping[str, Any]) -> None:
        self.distance = config.distance

    def fit(self, training: Iterable[Table]) -> None:
        """Nothing to fit."""

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        nodes: Ragged = samples["nodes"]
        edges: Ragged = samples["edges"]
        pairs = edges.values + np.repeat(nodes.offsets[:-1], edges.lengths)[:, None]
        centre = nodes.values[:, :3]
        distance = np.linalg.norm(centre[pairs[:, 0]] - centre[pairs[:, 1]], axis=1)
        near = (distance < self.distance).astype(np.float32)
        return Table({"id": samples.ids, "probability": Ragged(near, edges.offsets)})
