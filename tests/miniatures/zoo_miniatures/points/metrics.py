"""Labels and vertex of an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Metrics, Number, Ragged, Table

__all__ = ["PointsMetrics"]


class PointsMetrics(Metrics):
    """A confusion matrix and a distance per event."""

    needs: ClassVar[frozenset[str]] = frozenset({"label", "vertex"})
    primary: ClassVar[str] = "accuracy"

    def measure(self, samples: Table, predictions: Table) -> Table:
        true, found = samples["label"], predictions["label"]
        distance = predictions["vertex"].astype(np.float64) - samples["vertex"]
        return Table(
            {
                "id": samples.ids,
                "confusion": np.stack([_confusion(true, found, i) for i in range(samples.rows)]),
                "distance": np.linalg.norm(distance, axis=1),
            }
        )

    def summarise(self, rows: Table) -> Sequence[Number]:
        confusion = rows["confusion"].sum(0)
        recall = np.diag(confusion) / np.maximum(confusion.sum(1), 1)
        accuracy = np.trace(confusion) / max(confusion.sum(), 1)
        median = np.median(rows["distance"]) if rows.rows else float("nan")
        return (
            Number(name="accuracy", value=100 * float(accuracy), unit="%", better="higher"),
            Number(name="track recall", value=100 * float(recall[0]), unit="%", better="higher"),
            Number(name="shower recall", value=100 * float(recall[1]), unit="%", better="higher"),
            Number(name="vertex distance", value=float(median), unit="voxel"),
        )


def _confusion(true: Ragged, found: Ragged, row: int) -> NDArray[np.int64]:
    """Counts ``(true, found)``, 2 x 2."""
    counts = np.zeros((2, 2), np.int64)
    np.add.at(counts, (true[row], found[row]), 1)
    return counts
