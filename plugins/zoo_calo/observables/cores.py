"""What a smaller grid would hold of a shower: scans of the width of the core."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_calo.observables.hits import Hits
from zoo_calo.physics.grid import Grid

__all__ = ["CORE_WIDTHS", "core_cells", "core_shares", "core_widths", "cut_to_core"]

Array = NDArray[np.float64]

CORE_WIDTHS = tuple(range(9, 26, 2))
"""Of the scan for hadron showers, cells."""


def core_widths(grid: Grid) -> tuple[int, ...]:
    """Widths of the scan that are smaller than the grid; none of a cylinder."""
    if grid.box is None:
        return ()
    return tuple(width for width in CORE_WIDTHS if width < min(grid.box.nx, grid.box.ny))


def core_cells(grid: Grid, width: int) -> NDArray[np.bool_]:
    """(cells,), whether each lies in the middle ``width`` x ``width`` cells of its layer.

    Where that leaves an odd number of cells, one more is left at the upper side.
    """
    box = grid.box
    if box is None:
        raise ValueError("a cylinder has no square core")
    within = np.arange(box.nx * box.ny)
    x, y = np.divmod(within, box.ny)
    inside = np.ones(len(within), dtype=bool)
    for place, count in ((x, box.nx), (y, box.ny)):
        low = (count - width) // 2
        inside &= (place >= low) & (place < low + width)
    return np.tile(inside, grid.layers)


def core_shares(hits: Hits) -> tuple[Array, Array]:
    """(N, widths) each, shares of energy and of hits in the core; NaN of an empty shower."""
    widths = core_widths(hits.grid)
    energy, total, count = hits.energy, hits.total(hits.energy), hits.total()
    by_energy, by_hits = (np.empty((hits.showers, len(widths))) for _ in range(2))
    with np.errstate(invalid="ignore"):
        for place, width in enumerate(widths):
            inside = core_cells(hits.grid, width)[hits.cell]
            by_energy[:, place] = hits.total(np.where(inside, energy, 0)) / total
            by_hits[:, place] = hits.total(inside.astype(np.float64)) / count
    return by_energy, by_hits


def cut_to_core(showers: Table, grid: Grid, width: int) -> Table:
    """The same showers with the cells of the core alone: the cut that both sides must have."""
    kept: dict[str, Any] = {}
    cell: Ragged = showers["cell"]
    inside = core_cells(grid, width)[cell.values]
    ends = np.concatenate([[0], np.cumsum(inside)])
    offsets = ends[cell.offsets].astype(np.int64)
    for name in ("cell", "deposit"):
        kept[name] = Ragged(showers[name].values[inside], offsets)
    return showers.with_columns(kept)
