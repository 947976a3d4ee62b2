"""Cells that count: those above half of a MIP, of any number of showers at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged
from zoo_calo.physics.grid import Grid

__all__ = ["Hits", "hits_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hits:
    """Cells with energy of many showers, one after another.

    Attributes:
        grid: Where cells lie.
        showers: How many; a shower may have no cell.
        shower: (H,) intp, which shower each cell is of.
        cell: (H,) int64, its number.
        deposit: (H,) float64, MeV, as measured.
    """

    grid: Grid
    showers: int
    shower: NDArray[np.intp]
    cell: NDArray[np.int64]
    deposit: Array

    @property
    def energy(self) -> Array:
        """(H,), deposit times the weight of its layer, MeV."""
        weighted: Array = self.deposit * self.grid.weight[self.cell]
        return weighted

    @property
    def layer(self) -> NDArray[np.int64]:
        """(H,), of each cell."""
        found: NDArray[np.int64] = self.grid.layer[self.cell]
        return found

    def above(self, threshold_mev: float) -> Hits:
        """Those with that deposit and more."""
        return self.where(self.deposit >= threshold_mev)

    def where(self, chosen: NDArray[np.bool_]) -> Hits:
        """Those of a mask (H,)."""
        return Hits(
            self.grid, self.showers, self.shower[chosen], self.cell[chosen], self.deposit[chosen]
        )

    def total(self, values: Array | None = None) -> Array:
        """(N,), sum of (H,) values over each shower; ``None``: the number of cells."""
        found: Array = np.bincount(self.shower, values, self.showers).astype(np.float64)
        return found

    def table(self, column: NDArray[Any], columns: int, values: Array) -> Array:
        """(N, columns), sums of (H,) values by shower and (H,) column."""
        place = self.shower * columns + column
        sums = np.bincount(place, values, self.showers * columns)
        return sums.reshape(self.showers, columns).astype(np.float64)


def hits_of(showers: Mapping[str, Any], grid: Grid) -> Hits:
    """All cells with energy, before any cut.

    Args:
        showers: ``cell`` and ``deposit``, ragged.
        grid: Theirs.

    Raises:
        DataError: If a cell lies outside of the grid or a deposit is not finite.
    """
    cell: Ragged = showers["cell"]
    deposit: Ragged = showers["deposit"]
    numbers = cell.values.astype(np.int64)
    if len(numbers) and not 0 <= int(numbers.min()) <= int(numbers.max()) < grid.cells:
        raise DataError(
            f"cells {int(numbers.min())} to {int(numbers.max())}, and the grid has {grid.cells}",
            where="cell",
            remedy="judge showers on the grid that they were made for",
        )
    if len(deposit.values) != len(numbers) or not np.isfinite(deposit.values).all():
        raise DataError(
            "energies of cells that are not finite, or not one for each cell",
            where="deposit",
            remedy="check the file, or the training of the generator, for NaN",
        )
    shower = np.repeat(np.arange(len(cell)), cell.lengths)
    energy = deposit.values.astype(np.float64)
    kept = energy > 0
    return Hits(grid, len(cell), shower[kept], numbers[kept], energy[kept])
