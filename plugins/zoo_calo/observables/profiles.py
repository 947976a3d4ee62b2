"""How energy lies along the layers, about the axis of the particle, and over cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_calo.observables.hits import Hits
from zoo_calo.physics.grid import Grid

__all__ = [
    "RADIAL_BINS",
    "from_axis",
    "longitudinal",
    "radial",
    "radial_edges",
    "spectrum",
    "spectrum_edges",
]

Array = NDArray[np.float64]

RADIAL_BINS = 24
"""As in Buhmann et al., arXiv:2005.05334."""
_LEAST_CELLS = 0.85  # width of a radial bin

_DECADES = 5
_PER_DECADE = 20  # theirs: 70 bins from 0.01 to 30 MeV
_LOWEST_MIP = 0.05


def longitudinal(hits: Hits) -> Array:
    """(N, layers), MeV in each layer, weighted."""
    return hits.table(hits.layer, hits.grid.layers, hits.energy)


def radial(hits: Hits, theta: Array | None = None) -> Array:
    """(N, bins), MeV by distance from the axis (:func:`radial_edges`), weighted.

    What lies beyond the last edge counts in the last bin: tilted axes leave the middle.

    Args:
        hits: Of N showers.
        theta: (N,), rad; ``None``: along the layers' normal.
    """
    edges = radial_edges(hits.grid)
    place = np.searchsorted(edges, from_axis(hits, theta), side="right") - 1
    return hits.table(place.clip(0, len(edges) - 2), len(edges) - 1, hits.energy)


def from_axis(hits: Hits, theta: Array | None = None) -> Array:
    """(H,), distance of every cell from the line of its particle, mm.

    The line is y = z / tan(theta), x = 0; in the plane of the tilt, distances across it are those
    along y times sin(theta).
    """
    grid = hits.grid
    x, y = grid.x_mm[hits.cell], grid.y_mm[hits.cell]
    if theta is None:
        return np.hypot(x, y)
    depth = np.asarray(grid.depth_mm)[hits.layer]
    angle = np.asarray(theta, np.float64)[hits.shower]
    across: Array = y * np.sin(angle) - depth * np.cos(angle)
    return np.hypot(x, across)


def radial_edges(grid: Grid) -> Array:
    """Edges of the bins, mm: equal ones up to the corner of a box, or the finest rings.

    There are 24, of 0.88 cells on 30 x 30; of a smaller box fewer, for narrower bins would stay
    empty between the distances that cells can have.
    """
    if grid.box is None:
        finest = max(grid.rings, key=lambda ring: len(ring.r_mm))
        return np.asarray(finest.r_mm, np.float64)
    corner = float(np.hypot(grid.x_mm, grid.y_mm).max())
    bins = max(1, min(RADIAL_BINS, int(corner / (_LEAST_CELLS * grid.box.cell_mm))))
    return np.linspace(0, corner * 1.0001, bins + 1)


def spectrum(hits: Hits) -> Array:
    """(N, bins), cells by their energy as measured (:func:`spectrum_edges`).

    What is below the first edge is left out; what is above the last counts in the last bin.
    """
    edges = spectrum_edges(hits.grid)
    shown = hits.where(hits.deposit >= edges[0])
    place = np.searchsorted(edges, shown.deposit, side="right") - 1
    bins = len(edges) - 1
    return shown.table(np.minimum(place, bins - 1), bins, np.ones(len(place)))


def spectrum_edges(grid: Grid) -> Array:
    """Edges in MeV, 20 a decade from 0.05 to 5,000 MIP: a function of the grid alone."""
    count = _DECADES * _PER_DECADE
    factors = _LOWEST_MIP * 10 ** (np.arange(count + 1) / _PER_DECADE)
    edges: Array = grid.mip_mev * factors
    return edges
