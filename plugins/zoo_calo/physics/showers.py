"""Showers as lists of cells, and as dense arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged

__all__ = ["dense", "listed"]


def dense(cell: Ragged, deposit: Ragged, cells: int) -> NDArray[np.float32]:
    """Energy of every cell, float32 (N, cells), MeV.

    Raises:
        DataError: If a cell lies outside of the grid.
    """
    if len(cell.values) and not 0 <= int(cell.values.min()) <= int(cell.values.max()) < cells:
        raise DataError(
            f"cells {int(cell.values.min())} to {int(cell.values.max())}, and the grid has {cells}",
            where="cell",
            remedy="read the showers with the source of their own grid",
        )
    shower = np.repeat(np.arange(len(cell)), cell.lengths)
    found = np.zeros((len(cell), cells), np.float32)
    np.add.at(found, (shower, cell.values), deposit.values)
    return found


def listed(energy: NDArray[np.float32]) -> tuple[Ragged, Ragged]:
    """Cells with energy and their energies, of (N, cells): the reverse of :func:`dense`."""
    shower, cell = np.nonzero(energy > 0)
    counts = np.bincount(shower, minlength=len(energy))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    values = energy[shower, cell].astype(np.float32)
    return Ragged(cell.astype(np.int32), offsets), Ragged(values, offsets)
