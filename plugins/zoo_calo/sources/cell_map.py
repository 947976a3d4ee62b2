"""From hits at places to cells, through a map that is declared: planes, axes, cell size, offsets.

A hit belongs to the layer whose plane is nearest, if it lies within the tolerance, and to the cell
whose edges enclose it. All intervals include their lower end and not their upper one, so that a hit
on an edge is in one cell. Energy of hits that belong to none is told as ``outside``; none is lost.

Cells of real detectors may be staggered: shifted from layer to layer, by parts of a cell. Bins that
ignore this hold one row of cells here and two there, which shows as stripes. ``shift_mm`` moves the
bins of every layer as its cells are moved; of a map that fits, flat illumination gives flat
occupancy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged
from zoo_calo.physics.grid import Grid

__all__ = ["CellMap", "Filled", "identity_map"]

Array = NDArray[np.float64]

_AXES = {"x": 0, "y": 1, "z": 2}
_MEV = 1000.0  # in a GeV


@dataclass(frozen=True)
class Filled:
    """Showers on a grid.

    Attributes:
        cell: int32, cells with energy of every shower, in rising order.
        deposit: float32, MeV, energy in each.
        outside: float32 (N,), MeV, energy of hits in no cell.
    """

    cell: Ragged
    deposit: Ragged
    outside: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class CellMap:
    """Where the cells of a grid are in a detector.

    Attributes:
        grid: A box.
        axes: The detector's axes along our x, y and z, ``("x", "z", "y")``; ``-x`` runs against it.
        origin_mm: (3,), place in the detector where our frame begins, by its x, y, z.
        plane_mm: Of every layer, in the detector, along the third of the axes.
        tolerance_mm: How far from its plane a hit of a layer may be.
        shift_mm: (x, y) of every layer, by which its cells are shifted; empty: none is.
    """

    grid: Grid
    axes: tuple[str, str, str]
    origin_mm: tuple[float, float, float]
    plane_mm: tuple[float, ...]
    tolerance_mm: float
    shift_mm: tuple[tuple[float, float], ...] = field(default=())

    @property
    def columns(self) -> list[int]:
        """Which of the detector's coordinates are our x, y and z."""
        return [_AXES[axis[-1]] for axis in self.axes]

    @property
    def signs(self) -> Array:
        """(3,), -1 where an axis runs against the detector's."""
        return np.array([-1.0 if axis.startswith("-") else 1.0 for axis in self.axes])

    def turned(self, vectors: Array) -> Array:
        """Directions (n, 3) of the detector's frame in ours."""
        return vectors[:, self.columns] * self.signs

    def cells(self, position_mm: Array) -> NDArray[np.int64]:
        """Cell (n,) of each place (n, 3) in the detector's frame; -1: none."""
        box = self.grid.box
        assert box is not None, "maps are made of boxes"
        local = self.turned(position_mm - np.array(self.origin_mm))
        layer = self._layers(position_mm[:, self.columns[2]])
        inside = layer >= 0
        across = local[:, :2] - self._shifts()[np.maximum(layer, 0)]
        low = np.array([box.low_x_mm, box.low_y_mm])
        bins = np.floor((across - low) / box.cell_mm)
        inside &= np.all((bins >= 0) & (bins < [box.nx, box.ny]), axis=1)
        x, y = np.where(inside[:, None], bins, 0).astype(np.int64).T
        return np.where(inside, (layer * box.nx + x) * box.ny + y, -1)

    def places(self, cell: NDArray[np.integer]) -> Array:
        """Middles (n, 3) of cells, in the detector's frame: the reverse of :meth:`cells`."""
        layer = self.grid.layer[cell]
        shift = self._shifts()[layer]
        local = np.stack(
            [
                self.grid.x_mm[cell] + shift[:, 0],
                self.grid.y_mm[cell] + shift[:, 1],
                np.zeros(len(cell)),
            ],
            axis=1,
        )
        place = np.empty_like(local)
        place[:, self.columns] = local * self.signs
        place += np.array(self.origin_mm)
        place[:, self.columns[2]] = np.array(self.plane_mm)[layer]
        return place

    def fill(self, position_mm: Array, energy_gev: Array, offsets: NDArray[np.int64]) -> Filled:
        """Sum hits into cells.

        Args:
            position_mm: (n, 3), in the detector's frame.
            energy_gev: (n,).
            offsets: (N + 1,), hits of shower ``i`` are ``offsets[i]`` to ``offsets[i + 1]``.
        """
        showers = len(offsets) - 1
        shower = np.repeat(np.arange(showers), np.diff(offsets))
        energy = _MEV * energy_gev.astype(np.float64)
        cell = self.cells(np.asarray(position_mm, np.float64))
        inside = (cell >= 0) & (energy != 0)
        beyond = np.bincount(shower[cell < 0], energy[cell < 0], minlength=showers)
        keys, which = np.unique(
            shower[inside] * self.grid.cells + cell[inside], return_inverse=True
        )
        total = np.bincount(which, energy[inside], minlength=len(keys)).astype(np.float32)
        counts = np.bincount(keys // self.grid.cells, minlength=showers)
        cuts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Filled(
            Ragged((keys % self.grid.cells).astype(np.int32), cuts),
            Ragged(total, cuts),
            beyond.astype(np.float32),
        )

    def _layers(self, depth: Array) -> NDArray[np.int64]:
        """Layer of each coordinate along the normal; -1: none."""
        order = np.argsort(self.plane_mm)
        planes = np.array(self.plane_mm)[order]
        nearest = np.searchsorted((planes[1:] + planes[:-1]) / 2, depth, side="right")
        away = depth - planes[nearest]
        near = (away >= -self.tolerance_mm) & (away < self.tolerance_mm)
        return np.where(near, order[nearest], -1)

    def _shifts(self) -> Array:
        if not self.shift_mm:
            return np.zeros((self.grid.layers, 2))
        return np.array(self.shift_mm, np.float64)


def identity_map(grid: Grid) -> CellMap:
    """The map of hits that lie in the grid's own frame: what zoo writes unless told otherwise."""
    return CellMap(
        grid=grid,
        axes=("x", "y", "z"),
        origin_mm=(0.0, 0.0, 0.0),
        plane_mm=grid.depth_mm,
        tolerance_mm=0.4 * min(np.diff(grid.depth_mm), default=1.0),
    )
