"""The middle of a box of cells: the same cut on generated showers and on their reference."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import ConfigError
from zoo_calo.physics.grid import Box, Grid

__all__ = ["Crop", "crop_of"]

_NAMED = {"25x25": "13:38,11:36", "13x13": "19:32,17:30"}


@dataclass(frozen=True, slots=True)
class Crop:
    """First cells, and those behind the last, along x and y."""

    x: tuple[int, int]
    y: tuple[int, int]

    def grid(self, grid: Grid) -> Grid:
        """What is left of a grid.

        Raises:
            ConfigError: It is no box, or smaller than the crop.
        """
        box = grid.box
        if box is None or self.x[1] > box.nx or self.y[1] > box.ny:
            size = "rings" if box is None else f"{box.nx} x {box.ny} cells"
            raise ConfigError(
                f"cells {self.x[0]}:{self.x[1]},{self.y[0]}:{self.y[1]} of a grid of {size}",
                where="data.options.crop",
                remedy="name cells that the layers have, or leave the crop out",
            )
        inner = Box(
            nx=self.x[1] - self.x[0],
            ny=self.y[1] - self.y[0],
            cell_mm=box.cell_mm,
            low_x_mm=box.low_x_mm + self.x[0] * box.cell_mm,
            low_y_mm=box.low_y_mm + self.y[0] * box.cell_mm,
        )
        name = f"{grid.name}, cells {self.x[0]}:{self.x[1]},{self.y[0]}:{self.y[1]}"
        return replace(grid, name=name, box=inner)

    def split(self, layers: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Layers (N, layers, x, y) within, and the energy (N,) beyond."""
        inner = layers[:, :, self.x[0] : self.x[1], self.y[0] : self.y[1]]
        axes = (1, 2, 3)
        beyond = layers.sum(axes, dtype=np.float64) - inner.sum(axes, dtype=np.float64)
        return inner, np.maximum(beyond, 0).astype(np.float32)


def crop_of(text: str) -> Crop:
    """A crop by its name, or by its cells.

    Raises:
        ConfigError: It is neither.
    """
    found = re.fullmatch(r"(\d+):(\d+),(\d+):(\d+)", _NAMED.get(text, text))
    cells = [int(number) for number in found.groups()] if found else []
    if not cells or cells[0] >= cells[1] or cells[2] >= cells[3]:
        raise ConfigError(
            f"'{text}' is no crop",
            where="data.options.crop",
            remedy=f"write {' or '.join(_NAMED)}, or cells as 13:38,11:36",
        )
    return Crop((cells[0], cells[1]), (cells[2], cells[3]))
