"""The energy of a particle as a linear sum of what layers of one kind read out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_calo.observables.hits import Hits, hits_of
from zoo_calo.physics.grid import Grid

__all__ = ["LinearCalibration", "fit_calibration"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearCalibration:
    """Factors of groups of layers.

    Attributes:
        grid: Of the showers.
        group: (layers,) intp, the group of each.
        factor: (groups,), GeV per unit of the deposits.
    """

    grid: Grid
    group: NDArray[np.intp]
    factor: Array

    def energy(self, showers: Mapping[str, Any]) -> Array:
        """(N,), GeV."""
        found: Array = _sums(hits_of(showers, self.grid), self.group) @ self.factor
        return found


def fit_calibration(
    showers: Mapping[str, Any], energy_gev: Any, grid: Grid, *, groups: bool = True
) -> LinearCalibration:
    """Least squares of ``(E - sum factor_g S_g)^2 / E``: the variance of a shower grows with E.

    Without an offset: no energy is no signal.

    Args:
        showers: Of training; ``deposit`` in MeV or MIP, as it will be calibrated.
        energy_gev: (N,), of the particles.
        grid: Of the showers.
        groups: A factor for the layers of each weight; else one for all, times the weights.

    Raises:
        DataError: If there are fewer than ten showers for a factor, or they have no energy.
    """
    weights = np.asarray(grid.layer_weight)
    kinds, group = np.unique(weights, return_inverse=True)
    hits = hits_of(showers, grid)
    sums = _sums(hits, group)
    energy = np.asarray(energy_gev, np.float64)
    if len(energy) < 10 * len(kinds) or not sums.any() or (energy <= 0).any():
        raise DataError(
            f"{len(energy)} showers cannot calibrate {len(kinds)} kinds of layers",
            where="calibration",
            remedy="give ten training showers with energy for each kind of layer, and more",
        )
    design = sums if groups else (sums @ kinds)[:, None]
    root = 1 / np.sqrt(energy)
    factor = np.linalg.lstsq(design * root[:, None], energy * root, rcond=None)[0]
    return LinearCalibration(grid, group, factor if groups else factor[0] * kinds)


def _sums(hits: Hits, group: NDArray[np.intp]) -> Array:
    """(N, groups), deposits of the layers of each group."""
    return hits.table(group[hits.layer], int(group.max()) + 1, hits.deposit)
