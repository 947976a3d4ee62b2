"""How far predicted shares are from the charges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.api import Metrics, Number, Table

__all__ = ["ShareMetrics"]


class ShareMetrics(Metrics):
    """Multinomial deviance per degree of freedom, and the summed difference of shares."""

    needs: ClassVar[frozenset[str]] = frozenset({"charge", "position"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {"height": (-800.0, -300.0, 300.0, 800.0)}
    primary: ClassVar[str] = "deviance"

    def measure(self, samples: Table, predictions: Table) -> Table:
        charge = samples["charge"].astype(np.float64)
        total = charge.sum(1, keepdims=True)
        seen = charge / np.maximum(total, 1)
        share = np.maximum(predictions["share"].astype(np.float64), 1e-12)
        ratio = np.where(charge > 0, seen / share, 1.0)
        deviance = 2 * (charge * np.log(ratio)).sum(1) / (charge.shape[1] - 1)
        return Table(
            {
                "id": samples.ids,
                "height": samples["position"][:, 2].astype(np.float64),
                "deviance": deviance,
                "difference": np.abs(seen - share).sum(1),
            }
        )

    def summarise(self, rows: Table) -> Sequence[Number]:
        return (
            Number(name="deviance", value=float(rows["deviance"].mean())),
            Number(name="difference", value=100 * float(rows["difference"].mean()), unit="%"),
        )
