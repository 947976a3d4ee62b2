"""What a network sees of each voxel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table
from zoo_sparse_reco.config import BackboneConfig, Feature
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.points.fragments import places_of

__all__ = ["CHARGE_OF_MEV", "feature_names", "features_of", "fields_of", "logarithmic"]

LOW_MEV, HIGH_MEV = 0.01, 20.0
"""What becomes -1 and +1, as PoLAr-MAE and Panda scale energies (arXiv:2502.02558)."""

CHARGE_OF_MEV = 30_000.0
"""Electrons that 1 MeV leaves: one per 23.6 eV, of which some 70 % escape recombination."""

_WIDTHS = {"deposit": 1, "coordinates": 3, "plane_charge": 3}


def fields_of(features: Sequence[Feature]) -> frozenset[str]:
    """Fields of a sample that features are made of, without the voxels' places."""
    return frozenset(features) - {"coordinates"}


def feature_names(config: BackboneConfig) -> tuple[str, ...]:
    """A name for each column of :func:`features_of`."""
    named = {
        "deposit": ("energy",),
        "coordinates": ("x", "y", "z"),
        "plane_charge": tuple(f"charge of plane {plane}" for plane in range(3)),
    }
    return tuple(name for feature in config.features for name in named[feature])


def features_of(samples: Table, config: BackboneConfig, grid: VoxelGrid) -> NDArray[np.float32]:
    """float32 (V, columns), all events one after another, in the order of the config.

    Energies and charges as :class:`~zoo_sparse_reco.config.BackboneConfig` says; coordinates of
    middles of voxels from -1 to 1 over the grid.
    """
    columns: list[NDArray[Any]] = []
    for feature in config.features:
        if feature == "coordinates":
            half = np.array(grid.shape) / 2
            columns.append((places_of(samples) + 0.5 - half) / half)
            continue
        energy = samples[feature].values.astype(np.float64)
        if feature == "plane_charge":
            energy = energy / CHARGE_OF_MEV
        scaled = logarithmic(energy) if config.scale == "log" else energy
        columns.append(scaled.reshape(len(scaled), _WIDTHS[feature]))
    return np.concatenate(columns, 1).astype(np.float32)


def logarithmic(energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 (log(E + low) - log(low)) / (log(high + low) - log(low)) - 1; 0 MeV becomes -1.

    Energies below 0, which noise can make, count as 0.
    """
    reach = np.log1p(HIGH_MEV / LOW_MEV)
    scaled: NDArray[np.float64] = 2 * np.log1p(np.maximum(energy_mev, 0) / LOW_MEV) / reach - 1
    return scaled
