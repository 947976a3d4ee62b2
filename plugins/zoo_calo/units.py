"""Units in which networks see cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_calo.config import CaloConfig
from zoo_calo.physics.grid import Grid

__all__ = ["cell_units"]


def cell_units(config: CaloConfig, grid: Grid) -> NDArray[np.float32]:
    """(layers, 1, 1), MeV of a cell that the networks take for 1; less where layers count more."""
    unit = grid.mip_mev if config.cell_unit == "MIP" else 1.0
    weight = np.asarray(grid.layer_weight) if config.layer_weights else np.ones(grid.layers)
    return (unit / weight).astype(np.float32)[:, None, None]
