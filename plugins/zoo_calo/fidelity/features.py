"""What showers are told to classifiers and distances: all cells, or physics features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_calo.observables.hits import hits_of
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.showers import dense

__all__ = ["Cells", "high_level"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """Low level: energies of all cells over that of the particle, and its decimal logarithm.

    Made batch by batch: 100,000 showers of 40,500 cells are 16 GB.

    Attributes:
        showers: ``energy``, ``cell``, ``deposit``.
        grid: Theirs.
    """

    showers: Table
    grid: Grid

    @property
    def rows(self) -> int:
        """How many."""
        return self.showers.rows

    @property
    def width(self) -> int:
        """Numbers of a shower."""
        return self.grid.cells + 1

    def take(self, index: NDArray[np.intp]) -> NDArray[np.float32]:
        """(n, width), of some showers."""
        part = self.showers.select(frozenset({"energy", "cell", "deposit"})).take(index)
        energy = np.maximum(part["energy"].astype(np.float64), 1e-6)
        cells = dense(part["cell"], part["deposit"], self.grid.cells)
        share = cells / (1e3 * energy[:, None])
        return np.concatenate([share, np.log10(energy)[:, None]], axis=1).astype(np.float32)


def high_level(
    observed: Mapping[str, Any], showers: Mapping[str, Any], grid: Grid
) -> NDArray[np.float64]:
    """High level, (N, 6 layers + 2): the features of the CaloChallenge (arXiv:2410.21611).

    log10 of every layer's energy (MeV, above 1e-8), centres and widths of layers along x and y
    (in units of 100 mm), the share of cells that were not hit, log10 of the energy of the
    particle and of the sum over cells. Of layers without energy, centres and widths are 0.

    Args:
        observed: Of :func:`zoo_calo.observables.observed.observed`.
        showers: ``energy``, ``cell``, ``deposit``.
        grid: Theirs.
    """
    hits = hits_of(showers, grid).above(grid.threshold_mev)
    layers, layer, energy = grid.layers, hits.layer, hits.energy
    total = hits.table(layer, layers, energy)
    safe = np.where(total > 0, total, 1)
    columns = [np.log10(total + 1e-8)]
    for place in (grid.x_mm[hits.cell], grid.y_mm[hits.cell]):
        mean = hits.table(layer, layers, energy * place) / safe
        square = hits.table(layer, layers, energy * place**2) / safe
        columns += [mean / 100, np.sqrt(np.maximum(square - mean**2, 0)) / 100]
    count = hits.table(layer, layers, np.ones(len(energy)))
    columns.append(1 - count / np.diff(grid.first_cell))
    incident = np.maximum(np.asarray(showers["energy"], np.float64), 1e-6)
    columns.append(np.log10(incident)[:, None])
    columns.append(np.log10(np.asarray(observed["visible"], np.float64) + 1e-8)[:, None])
    return np.concatenate(columns, axis=1)
