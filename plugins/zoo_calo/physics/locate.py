"""Which cell a point lies in, and cells of one shower summed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged
from zoo_calo.physics.grid import Grid, Rings

__all__ = ["Shower", "as_columns", "cell_at", "summed"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Shower = tuple[Ints, Array, float]
"""Cells in rising order, the energy in each and that outside of the grid, MeV."""


def cell_at(grid: Grid, layer: Ints, x_mm: Array, y_mm: Array) -> Ints:
    """Cell of every point of a layer, -1 outside of the grid; all (N,).

    Lower edges belong to a cell, upper ones do not.
    """
    if grid.box is not None:
        box = grid.box
        ix = np.floor((x_mm - box.low_x_mm) / box.cell_mm).astype(np.int64)
        iy = np.floor((y_mm - box.low_y_mm) / box.cell_mm).astype(np.int64)
        inside = (ix >= 0) & (ix < box.nx) & (iy >= 0) & (iy < box.ny)
        return np.where(inside, (layer * box.nx + ix) * box.ny + iy, -1)
    found = np.full(len(layer), -1, np.int64)
    for rings in set(grid.rings):
        wanted = np.array([one == rings for one in grid.rings])[layer]
        within = _in_rings(rings, x_mm[wanted], y_mm[wanted])
        found[wanted] = np.where(within >= 0, grid.first_cell[layer[wanted]] + within, -1)
    return found


def _in_rings(rings: Rings, x_mm: Array, y_mm: Array) -> Ints:
    edges = np.asarray(rings.r_mm)
    r = np.searchsorted(edges, np.hypot(x_mm, y_mm), side="right") - 1
    turn = np.arctan2(y_mm, x_mm) / (2 * np.pi) % 1.0
    alpha = np.minimum((turn * rings.alphas).astype(np.int64), rings.alphas - 1)
    inside = (r >= 0) & (r < len(edges) - 1)
    return np.where(inside, alpha * (len(edges) - 1) + r, -1)


def summed(cell: Ints, energy: Array) -> Shower:
    """The shower of single deposits; those of cell -1 are outside."""
    outside = cell < 0
    cells, at = np.unique(cell[~outside], return_inverse=True)
    energies = np.asarray(np.bincount(at, energy[~outside], len(cells)), np.float64)
    return cells, energies, float(energy[outside].sum())


def as_columns(showers: Sequence[Shower]) -> tuple[Ragged, Ragged]:
    """Cells (int32) and energies (float32) of showers, as the columns of a table."""
    offsets = np.cumsum([0, *(len(cell) for cell, _, _ in showers)]).astype(np.int64)
    cell = np.concatenate([np.zeros(0), *(cell for cell, _, _ in showers)]).astype(np.int32)
    deposit = np.concatenate([np.zeros(0), *(one for _, one, _ in showers)]).astype(np.float32)
    return Ragged(cell, offsets), Ragged(deposit, offsets)
