"""Free constants of parametrised showers from showers of the same energies.

Each pass makes as many showers as there are given and moves every constant by the ratio of one mean
quantity: signals of the layers, radius, hits, resolution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged
from zoo_calo.physics.components import Particle
from zoo_calo.physics.gflash import Gflash
from zoo_calo.physics.grid import Grid
from zoo_calo.physics.locate import as_columns

__all__ = ["Particles", "fitted", "width90"]

Array = NDArray[np.float64]

_LEAST_SHARE = 0.005  # of the energy; layers that see less take the factor of all
_NORMAL_90 = 0.7899  # width90 of a normal distribution of unit width


@dataclass(frozen=True, kw_only=True)
class _Means:
    """Mean quantities of showers: energy of every layer, radius, hits, clumping (MeV)."""

    layers: Array
    radius: float
    hits: float
    clump: float


@dataclass(frozen=True, kw_only=True)
class Particles:
    """What came in.

    Attributes:
        kind: Which particle.
        energy_gev, theta, keys: (N,).
    """

    kind: Particle
    energy_gev: Array
    theta: Array
    keys: NDArray[np.uint64]


def fitted(
    model: Gflash, particles: Particles, cell: Ragged, deposit: Ragged, *, passes: int
) -> Gflash:
    """The model with constants by which its showers agree with those seen.

    Args:
        model: Where to begin.
        particles: Of the showers seen.
        cell: Cells of the showers seen.
        deposit: Energies in them, MeV.
        passes: How often to compare.
    """
    wanted = _means(model.grid, particles, cell, deposit)
    for _ in range(passes):
        made = model.showers(particles.kind, particles.energy_gev, particles.theta, particles.keys)
        found = _means(model.grid, particles, *as_columns(made))
        model = _moved(model, wanted, found)
    return model


def width90(values: Array) -> float:
    """RMS of the shortest interval that holds 90 per cent of the values."""
    ordered = np.sort(values)
    count = int(np.ceil(0.9 * len(ordered)))
    lengths = ordered[count - 1 :] - ordered[: len(ordered) - count + 1]
    first = int(np.argmin(lengths))
    return float(ordered[first : first + count].std())


def _means(grid: Grid, particles: Particles, cells: Ragged, deposits: Ragged) -> _Means:
    showers, cell = len(cells), cells.values
    shower = np.repeat(np.arange(showers), cells.lengths)
    deposit = deposits.values.astype(np.float64)
    visible = np.bincount(shower, deposit, showers)
    energy = particles.energy_gev
    per_gev = float(visible.sum() / energy.sum())
    pull = (visible / max(per_gev, 1e-9) / energy - 1) * np.sqrt(energy)
    depth = np.asarray(grid.depth_mm)[grid.layer[cell]]
    off_axis = grid.y_mm[cell] - depth / np.tan(particles.theta)[shower]
    radius = np.hypot(grid.x_mm[cell], off_axis)
    return _Means(
        layers=np.bincount(grid.layer[cell], deposit, grid.layers) / showers,
        radius=float((radius * deposit).sum() / max(deposit.sum(), 1e-9)),
        hits=float((deposit > grid.threshold_mev).sum()) / showers,
        clump=(width90(pull) / _NORMAL_90) ** 2 * per_gev,
    )


def _moved(model: Gflash, wanted: _Means, found: _Means) -> Gflash:
    response, stack = model.matter.response, model.stack
    all_layers = float(wanted.layers.sum() / max(found.layers.sum(), 1e-9))
    enough = np.minimum(wanted.layers, found.layers) > _LEAST_SHARE * wanted.layers.sum()
    ratio = np.where(enough, wanted.layers / np.maximum(found.layers, 1e-9), all_layers)
    layers = np.asarray(response.layers or np.ones(len(stack.sensitive)))
    wider = float(np.clip(wanted.radius / max(found.radius, 1e-9), 0.8, 1.25))
    # More energy in each spot makes fewer of them, and fewer hits.
    heavier = float(np.clip(found.hits / max(wanted.hits, 1e-9), 0.8, 1.25))
    clump = response.clump_mev + (wanted.clump - found.clump) * stack.sampling_fraction
    return model.with_response(
        replace(
            response,
            layers=tuple((layers * np.clip(ratio, 0.2, 5)[stack.layer]).tolist()),
            core=response.core * wider,
            tail=response.tail * wider,
            spot=response.spot * heavier,
            clump_mev=float(np.clip(clump, 0, 100 * model.mip_mev)),
        )
    )
