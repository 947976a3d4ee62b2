"""Which pad of which module lies under a point.

Cells are pads of a module with a border of two pads: what spreads beyond a module is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from zoo_ha_tpc.physics.eram import PADS, first_pad
from zoo_ha_tpc.physics.pad_plane import Axis, PadPlane

__all__ = ["Landing", "Modules"]

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

_BORDER = PADS // 2


@dataclass(frozen=True)
class Landing:
    """Where points lie, (N,) each.

    Attributes:
        on_pad: bool: on a module, not in a gap or beside the plane. The rest holds only there.
        module: Row by row.
        row, column: Within the module.
        y_part, z_part: How far into the pad, 0 to 1.
    """

    on_pad: NDArray[np.bool_]
    module: Ints
    row: Ints
    column: Ints
    y_part: Array
    z_part: Array

    def take(self, index: Ints) -> Landing:
        """Some of them."""
        return Landing(*(getattr(self, one.name)[index] for one in fields(self)))


class Modules:
    """The modules of a plane.

    Args:
        plane: The plane.

    Attributes:
        count: How many.
        cells: Of all of them.
        near: int (PADS, PADS), cells of the nearest pads, by column and row, from the first one.
    """

    def __init__(self, plane: PadPlane) -> None:
        self._plane = plane
        self._across = plane.z.pads // plane.z.pads_of_a_module
        self._rows = plane.y.pads_of_a_module + 2 * _BORDER
        self._columns = plane.z.pads_of_a_module + 2 * _BORDER
        self.count = self._across * (plane.y.pads // plane.y.pads_of_a_module)
        self.cells = self.count * self._rows * self._columns
        self.near = np.add.outer(np.arange(PADS), np.arange(PADS) * self._columns)

    def under(self, z_mm: Array, y_mm: Array) -> Landing:
        """Pads under points (N,)."""
        z_module, column, z_part, z_on = _along(self._plane.z, z_mm)
        y_module, row, y_part, y_on = _along(self._plane.y, y_mm + self._plane.y.length_mm / 2)
        module = y_module * self._across + z_module
        return Landing(z_on & y_on, module, row, column, y_part, z_part)

    def first_cells(self, landing: Landing) -> Ints:
        """Cell of lowest row and column among the nearest pads of each point, (N,)."""
        row = landing.row + _BORDER + first_pad(landing.y_part)
        column = landing.column + _BORDER + first_pad(landing.z_part)
        return np.asarray((landing.module * self._rows + row) * self._columns + column)

    def pads(self, cells: Ints) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
        """Module, row and column of the plane, and whether there is a pad, of cells (N,)."""
        rest, column = np.divmod(cells, self._columns)
        module, row = np.divmod(rest, self._rows)
        row, column = row - _BORDER, column - _BORDER
        y, z = self._plane.y.pads_of_a_module, self._plane.z.pads_of_a_module
        there = (row >= 0) & (row < y) & (column >= 0) & (column < z)
        return (
            module,
            row + module // self._across * y,
            column + module % self._across * z,
            there,
        )


def _along(axis: Axis, place_mm: Array) -> tuple[Ints, Ints, Array, NDArray[np.bool_]]:
    """Module, pad in it, part of the pad, and whether there is one, along one axis."""
    module, within = np.divmod(place_mm, axis.pads_of_a_module * axis.pitch_mm + axis.gap_mm)
    pad, part = np.divmod(within / axis.pitch_mm, 1)
    on = (place_mm >= 0) & (module < axis.pads // axis.pads_of_a_module)
    on &= pad < axis.pads_of_a_module
    return module.astype(np.intp), pad.astype(np.intp), part, on
