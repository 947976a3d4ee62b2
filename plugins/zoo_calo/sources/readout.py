"""From what the plates saw to a sample: calibration, noise, threshold, lists of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, normal
from zoo_calo.physics.grid import Grid
from zoo_calo.sources.config import GunConfig

__all__ = ["VARIATIONS", "Seen", "read_out"]

Seen = tuple[NDArray[np.int64], NDArray[np.float64], float]
"""Cells of one shower in rising order, energy in each and outside of the grid, MeV."""

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
    config: GunConfig, grid: Grid, keys: NDArray[np.uint64], showers: Sequence[Seen]
) -> dict[str, Any]:
    """Columns ``cell``, ``deposit`` and ``outside`` of the showers of some keys."""
    read = [_cells(config, grid, keys[at : at + 1], *seen[:2]) for at, seen in enumerate(showers)]
    offsets = np.cumsum([0, *(len(cell) for cell, _ in read)]).astype(np.int64)
    cell = np.concatenate([np.zeros(0), *(cell for cell, _ in read)]).astype(np.int32)
    deposit = np.concatenate([np.zeros(0), *(one for _, one in read)]).astype(np.float32)
    outside = config.response * np.array([seen[2] for seen in showers])
    return {
        "cell": Ragged(cell, offsets),
        "deposit": Ragged(deposit, offsets),
        "outside": outside.astype(np.float32),
    }


def _cells(
    config: GunConfig,
    grid: Grid,
    key: NDArray[np.uint64],
    cell: NDArray[np.int64],
    energy: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    energy = config.response * energy
    if config.noise_mip:
        every = config.noise_mip * grid.mip_mev * normal(key, grid.cells, tag=_NOISE)[0]
        every[cell] += energy
        cell, energy = np.arange(grid.cells), every
    kept = (energy >= config.threshold_mip * grid.mip_mev) & (energy.astype(np.float32) > 0)
    return cell[kept], energy[kept]
