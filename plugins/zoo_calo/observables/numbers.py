"""One number, or a few, of every shower."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo_calo.observables.hits import Hits
from zoo_calo.physics.grid import Grid

__all__ = [
    "CORRELATED",
    "CORRELATED_LABELS",
    "LAST_LAYERS",
    "centre_of_gravity",
    "contained",
    "correlated",
    "last_share",
    "moments",
    "occupancy",
    "thirds",
    "visible",
]

Array = NDArray[np.float64]

LAST_LAYERS = 10
"""Behind absorber of twice the thickness in the SiW ECAL of ILD."""

CORRELATED = (
    *("m1x", "m1y", "m1z", "m2x", "m2y", "m2z"),
    *("visible", "energy", "hits", "third1", "third2", "third3"),
)
"""Variables of the correlation matrix, in its order (arXiv:2005.05334, figure 9)."""
CORRELATED_LABELS = (
    *("$m_{1,x}$", "$m_{1,y}$", "$m_{1,z}$", "$m_{2,x}$", "$m_{2,y}$", "$m_{2,z}$"),
    *("$E_{vis}$", "$E_{inc}$", "$n_{hit}$", "$E_1/E_{vis}$", "$E_2/E_{vis}$", "$E_3/E_{vis}$"),
)
"""The same for drawings."""


def visible(hits: Hits) -> Array:
    """(N,), MeV, weighted by layer."""
    return hits.total(hits.energy)


def occupancy(hits: Hits) -> Array:
    """(N,), share of all cells that were hit."""
    share: Array = hits.total() / hits.grid.cells
    return share


def centre_of_gravity(hits: Hits) -> Array:
    """(N,), mean layer, counted from 0, weighted by energy; NaN of an empty shower."""
    return _over(hits.total(hits.energy * hits.layer), visible(hits))


def moments(hits: Hits) -> Array:
    """(N, 6), means of x, y, layer and central second moments, weighted by energy.

    x and y in cells of a box, else in mm; NaN of an empty shower.
    """
    energy, total = hits.energy, visible(hits)
    first, second = [], []
    for place in _places(hits):
        mean = _over(hits.total(energy * place), total)
        square = _over(hits.total(energy * (place - mean[hits.shower]) ** 2), total)
        first.append(mean)
        second.append(square)
    return np.stack(first + second, axis=1)


def thirds(profile: Array) -> Array:
    """(N, 3), shares of a longitudinal profile (N, layers) in the thirds of the layers."""
    ends = np.rint(np.linspace(0, profile.shape[1], 4)).astype(int)
    parts = [profile[:, low:high].sum(1) for low, high in pairwise(ends)]
    return _over(np.stack(parts, axis=1), profile.sum(1)[:, None])


def last_share(profile: Array, layers: int = LAST_LAYERS) -> Array:
    """(N,), share of a longitudinal profile (N, layers) in the last layers; NaN of an empty one."""
    return _over(profile[:, -layers:].sum(1), profile.sum(1))


def contained(hits: Hits, outside_mev: Array) -> Array:
    """(N,), share of what the detector saw that lies in the grid, both as measured."""
    inside = hits.total(hits.deposit)
    return _over(inside, inside + np.asarray(outside_mev, np.float64))


def correlated(
    moment: Array, visible_mev: Array, energy_gev: Array, hit: Array, third: Array
) -> Array:
    """(N, 12), the variables of :data:`CORRELATED`."""
    columns = [*moment.T, visible_mev, energy_gev, hit, *third.T]
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def _places(hits: Hits) -> tuple[Array, Array, Array]:
    grid: Grid = hits.grid
    layer = hits.layer.astype(np.float64)
    if grid.box is None:
        return grid.x_mm[hits.cell], grid.y_mm[hits.cell], layer
    within = hits.cell - grid.first_cell[hits.layer]
    x, y = np.divmod(within, grid.box.ny)
    return x.astype(np.float64), y.astype(np.float64), layer


def _over(above: Array, below: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Array = above / below
    return share
