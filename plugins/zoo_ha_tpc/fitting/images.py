"""Pads of many events on a grid in which modules do not touch.

Every module is framed by cells without a pad, so that a window around any pad never reaches into
another module: what lies behind a gap reads as absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Table
from zoo_ha_tpc.fitting.padding import filled, padded
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane

__all__ = ["MARGIN", "Grid", "Images", "images_of"]

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MARGIN = 2
"""Empty cells around each module: what a window of five pads reaches."""


@dataclass(frozen=True)
class Grid:
    """Rows and columns of a plane, and where they lie among cells.

    Attributes:
        plane: The pad plane.
    """

    plane: PadPlane

    @cached_property
    def row_cells(self) -> IntArray:
        """Cell of each row, int64 (rows,)."""
        return _cells(self.plane.y)

    @cached_property
    def column_cells(self) -> IntArray:
        """Cell of each column, int64 (columns,)."""
        return _cells(self.plane.z)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Cells along y and z."""
        return int(self.row_cells[-1]) + 1 + MARGIN, int(self.column_cells[-1]) + 1 + MARGIN

    @cached_property
    def is_pad(self) -> BoolArray:
        """Whether a cell is a pad, flat (cells,)."""
        found = np.zeros(self.shape, bool)
        found[np.ix_(self.row_cells, self.column_cells)] = True
        return found.reshape(-1)


def _cells(axis: Axis) -> IntArray:
    index = np.arange(axis.pads)
    return index + MARGIN * (1 + index // axis.pads_of_a_module)


@dataclass(frozen=True)
class Images:
    """Hits of N events, padded to the H of the longest, and their charges on the grid.

    Attributes:
        grid: Where the pads lie.
        row: Row of each hit, int64 (N, H); 0 where there is none.
        column: Column of each hit, the same.
        charge: Its charge, ADC, float64 (N, H); 0 where there is none.
        time_ns: Its time, NaN where unknown, float64 (N, H).
        width_ns: Its width, the same.
        charges: All cells, float32 (N, cells), 0 without a hit.
    """

    grid: Grid
    row: IntArray
    column: IntArray
    charge: Array
    time_ns: Array
    width_ns: Array
    charges: NDArray[np.float32]

    @property
    def z_mm(self) -> Array:
        """Centre of the pad of each hit, (N, H)."""
        return self.grid.plane.z_mm[self.column]

    @property
    def y_mm(self) -> Array:
        """The same, y."""
        return self.grid.plane.y_mm[self.row]

    def on_grid(self, values: Array) -> NDArray[np.float32]:
        """Values of the hits (N, H) in all cells, float32 (N, cells), NaN without a hit."""
        found = np.full(self.charges.shape, np.nan, np.float32)
        event, hit = np.nonzero(self.charge > 0)
        found[event, self.cell[event, hit]] = values[event, hit]
        return found

    @property
    def cell(self) -> IntArray:
        """Flat cell of each hit, (N, H)."""
        return (
            self.grid.row_cells[self.row] * self.grid.shape[1] + self.grid.column_cells[self.column]
        )


def images_of(grid: Grid, samples: Table) -> Images:
    """Hits of a table on the grid.

    Raises:
        DataError: A hit lies outside the plane.
    """
    ragged = samples["hit_row"]
    present, index = padded(ragged.offsets)
    row, column, charge = (
        filled(samples[name].values, present, index).astype(np.int64)
        for name in ("hit_row", "hit_column", "hit_charge")
    )
    rows, columns = grid.plane.shape
    if row.size and (row.max() >= rows or column.max() >= columns):
        raise DataError(
            f"a hit in row {row.max()} or column {column.max()} of a plane of {rows} rows and "
            f"{columns} columns",
            where="the fields hit_row and hit_column",
            remedy="give data.options.plane, the plane that the samples were taken with",
        )
    time, width = (
        np.where(present, filled(samples[name].values, present, index), np.nan)
        if name in samples
        else np.full(row.shape, np.nan)
        for name in ("hit_time", "hit_width")
    )
    found = Images(
        grid,
        row,
        column,
        charge.astype(np.float64),
        time,
        width,
        np.zeros((len(ragged), int(np.prod(grid.shape))), np.float32),
    )
    event = np.broadcast_to(np.arange(len(ragged))[:, None], row.shape)[present]
    found.charges[event, found.cell[present]] = found.charge[present]
    return found
