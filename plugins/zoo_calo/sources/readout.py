"""From what the plates saw to a sample: calibration, noise, threshold, lists of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import normal
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.locate import Shower, as_columns
from zoo_calo.sources.config import GunConfig

__all__ = ["VARIATIONS", "read_out"]

VARIATIONS: Mapping[str, Mapping[str, Any]] = {
    # Calibration of a calorimeter, or the sampling fraction of another list of physics.
    "response+2%": {"response": 1.02},
    "response-2%": {"response": 0.98},
    # Tolerance of rolled tungsten, the same way for all plates.
    "absorber+2%": {"absorber": 1.02},
    # Cells are kept from 0.6 MIP where metrics believe in 0.5.
    "threshold-0.6-mip": {"threshold_mip": 0.6},
    # A signal of ten times the noise, as silicon has.
    "noise-0.1-mip": {"noise_mip": 0.1, "threshold_mip": 0.5},
}
"""By how much a real detector may differ; the particles of a key stay the same."""

_NOISE = 2  # tag of the random numbers


def read_out(
    config: GunConfig, grid: Grid, keys: NDArray[np.uint64], showers: Sequence[Shower]
) -> dict[str, Any]:
    """Columns ``cell``, ``deposit`` and ``outside`` of the showers of some keys."""
    read = [_read(config, grid, keys[at : at + 1], one) for at, one in enumerate(showers)]
    cell, deposit = as_columns(read)
    outside = np.array([one for _, _, one in read], np.float32)
    return {"cell": cell, "deposit": deposit, "outside": outside}


def _read(config: GunConfig, grid: Grid, key: NDArray[np.uint64], shower: Shower) -> Shower:
    cell, energy, outside = shower
    energy = config.response * energy
    if config.noise_mip:
        every = config.noise_mip * grid.mip_mev * normal(key, grid.cells, tag=_NOISE)[0]
        every[cell] += energy
        cell, energy = np.arange(grid.cells), every
    kept = (energy >= config.threshold_mip * grid.mip_mev) & (energy.astype(np.float32) > 0)
    return cell[kept], energy[kept], config.response * outside
