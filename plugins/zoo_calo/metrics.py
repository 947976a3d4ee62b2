"""Visible energy and hits of made showers against those of others at the same energies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from zoo.api import Metrics, Number, Ragged, Table
from zoo_calo.physics.grid import Grid, grid_of

__all__ = ["CaloMetrics"]


class CaloMetrics(Metrics):
    """Cells above half a MIP: energy per GeV with the layers' weights, and how many."""

    needs: ClassVar[frozenset[str]] = frozenset({"energy", "cell", "deposit"})
    bins: ClassVar[Mapping[str, Sequence[float]]] = {}
    primary: ClassVar[str] = "visible energy"

    def __init__(self, facts: Mapping[str, object]) -> None:
        super().__init__(facts)
        self.grid = grid_of(facts)

    def measure(self, samples: Table, predictions: Table) -> Table:
        """Visible energy over that of the particle, MeV/GeV, and hits, of both."""
        energy = samples["energy"].astype(np.float64)
        columns: dict[str, Any] = {"id": samples.ids, "energy": energy}
        for name, table in (("true", samples), ("made", predictions)):
            seen, hits = _sums(self.grid, table["cell"], table["deposit"])
            columns |= {f"visible_{name}": seen / energy, f"hits_{name}": hits}
        return Table(columns)

    def summarise(self, rows: Table) -> Sequence[Number]:
        """Distances of the distributions, and of mean and width."""
        true, made = rows["visible_true"], rows["visible_made"]
        bias, ratio = made.mean() / true.mean() - 1, made.std() / true.std() - 1
        visible = wasserstein_distance(true, made) / true.mean()
        hits = wasserstein_distance(rows["hits_true"], rows["hits_made"])
        signed: dict[str, Any] = {"unit": "%", "better": "zero", "margin": 1.0, "absolute": True}
        return (
            Number(name="visible energy", value=100 * float(visible), unit="%"),
            Number(name="hits", value=float(hits / rows["hits_true"].mean() * 100), unit="%"),
            Number(name="response", value=100 * float(bias), **signed),
            Number(name="width", value=100 * float(ratio), **signed),
        )


def _sums(
    grid: Grid, cell: Ragged, deposit: Ragged
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    counts = deposit.values >= grid.threshold_mev
    shower = np.repeat(np.arange(len(cell)), cell.lengths)
    seen = np.where(counts, deposit.values * grid.weight[cell.values], 0.0)
    sums = np.bincount(shower, seen, len(cell)).astype(np.float64)
    return sums, np.bincount(shower[counts], minlength=len(cell)).astype(np.float64)
