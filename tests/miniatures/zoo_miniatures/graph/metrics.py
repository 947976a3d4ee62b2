"""Edges found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.api import Metrics, Number, Ragged, Table

__all__ = ["EdgeMetrics"]


class EdgeMetrics(Metrics):
    """Counts of an event: true and predicted pairs, and those in common."""

    needs: ClassVar[frozenset[str]] = frozenset({"same"})
    primary: ClassVar[str] = "F1"

    def measure(self, samples: Table, predictions: Table) -> Table:
        same: Ragged = samples["same"]
        true, found = same.values > 0.5, predictions["probability"].values > 0.5
        event = np.repeat(np.arange(samples.rows), same.lengths)

        def count(chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
            return np.bincount(event[chosen], minlength=samples.rows)

        columns = {"true": count(true), "found": count(found), "common": count(true & found)}
        return Table({"id": samples.ids, **columns})

    def summarise(self, rows: Table) -> Sequence[Number]:
        common, found, true = (int(rows[name].sum()) for name in ("common", "found", "true"))
        return (
            Number(
                name="F1", value=100 * 2 * common / max(found + true, 1), unit="%", better="higher"
            ),
            Number(name="efficiency", value=100 * common / max(true, 1), unit="%", better="higher"),
            Number(name="purity", value=100 * common / max(found, 1), unit="%", better="higher"),
        )
