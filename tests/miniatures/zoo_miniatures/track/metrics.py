"""Resolution and honesty of the uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from zoo.api import Metrics, Number, Table

__all__ = ["PositionMetrics"]


class PositionMetrics(Metrics):
    """Residuals of accepted tracks, in bins of a drift distance that no model sees."""

    needs: ClassVar[frozenset[str]] = frozenset({"position", "drift"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {"drift": (0.0, 150.0, 350.0, 500.0)}
    primary: ClassVar[str] = "resolution"

    def measure(self, samples: Table, predictions: Table) -> Table:
        residual = predictions["position"].astype(np.float64) - samples["position"]
        return Table(
            {
                "id": samples.ids,
                "drift": samples["drift"].astype(np.float64),
                "residual": residual,
                "pull": residual / predictions["sigma"],
                "accepted": predictions["accepted"],
            }
        )

    def summarise(self, rows: Table) -> Sequence[Number]:
        accepted = rows["accepted"] == 1
        residual, pull = rows["residual"][accepted], rows["pull"][accepted]
        return (
            Number(name="resolution", value=_half_width(residual), unit="mm"),
            Number(
                name="bias",
                value=float(np.mean(residual)) if len(residual) else float("nan"),
                unit="mm",
                better="zero",
                margin=0.1,
                absolute=True,
            ),
            Number(name="pull width", value=_half_width(pull), better="lower"),
            Number(
                name="efficiency",
                value=100 * float(accepted.mean()) if len(accepted) else float("nan"),
                unit="%",
                better="higher",
            ),
        )


def _half_width(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Half of the interval that holds the central 68.27 %."""
    if not len(values):
        return float("nan")
    low, high = np.quantile(values, [0.15865, 0.84135])
    return float(high - low) / 2
