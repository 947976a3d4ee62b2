"""What needs no training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Predictor, Ragged, Table
from zoo_miniatures.points.codec import centres
from zoo_miniatures.points.config import DensityConfig
from zoo_miniatures.points.neighbours import cube, neighbour_table

__all__ = ["Density", "NearestVoxel"]


class Density(Predictor):
    """Showers are where voxels are many; the threshold is fitted on training events."""

    needs = frozenset({"voxels", "charge"})
    targets = frozenset({"label"})

    def __init__(self, config: DensityConfig, facts: Mapping[str, Any]) -> None:
        self.threshold = config.neighbours

    def fit(self, training: Iterable[Table]) -> None:
        pairs = [(_occupied(part["voxels"]), part["label"].values == 1) for part in training]
        count, shower = (np.concatenate(column) for column in zip(*pairs, strict=True))
        thresholds = range(1, 60)
        right = [int(((count >= threshold) == shower).sum()) for threshold in thresholds]
        self.threshold = thresholds[int(np.argmax(right))]

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        voxels: Ragged = samples["voxels"]
        shower = _occupied(voxels) >= self.threshold
        middle, charge = Ragged(centres(voxels), voxels.offsets), samples["charge"]
        vertex = [middle[row][np.argmax(charge[row])] for row in range(samples.rows)]
        return _prediction(samples, shower.astype(np.int32), np.array(vertex))


class NearestVoxel(Predictor):
    """What an algorithm reaches that knows the truth but can only name voxels."""

    needs = frozenset({"voxels", "label", "vertex"})

    def __init__(self, config: DensityConfig, facts: Mapping[str, Any]) -> None:
        pass

    def fit(self, training: Iterable[Table]) -> None:
        """Nothing to fit."""

    def predict(self, samples: Table, keys: NDArray[np.uint64] | None = None) -> Table:
        voxels: Ragged = samples["voxels"]
        middle = Ragged(centres(voxels), voxels.offsets)
        vertex = []
        for row in range(samples.rows):
            distance = np.linalg.norm(middle[row] - samples["vertex"][row], axis=1)
            vertex.append(middle[row][distance.argmin()])
        return _prediction(samples, samples["label"].values, np.array(vertex))


def _occupied(voxels: Ragged) -> NDArray[np.int64]:
    """Occupied voxels in the cube around each voxel, itself included."""
    table = neighbour_table(voxels, cube)
    occupied: NDArray[np.int64] = (table < len(table)).sum(1)
    return occupied


def _prediction(samples: Table, label: NDArray[np.int32], vertex: NDArray[np.float64]) -> Table:
    offsets = samples["voxels"].offsets
    return Table(
        {
            "id": samples.ids,
            "label": Ragged(label, offsets),
            "score": Ragged(label.astype(np.float32), offsets),
            "vertex": vertex.astype(np.float32).reshape(-1, 3),
        }
    )
