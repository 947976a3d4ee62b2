"""A toy of showers: quick, with fluctuations of its own, and no part of the plugin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Table
from zoo_calo.physics.grid import Box, Grid
from zoo_calo.physics.showers import listed

SAMPLING = 0.03
SPOTS_PER_GEV = 36  # 1 / sqrt(36) = 17 % at 1 GeV


def _grid(layers: int = 30, cells: int = 10, last: float = 1.0) -> Grid:
    weights = tuple(1.0 if layer < layers - 10 else last for layer in range(layers))
    half = cells * 15 / 2
    return Grid(
        name="toy",
        depth_mm=tuple(6.5 * (layer + 1) for layer in range(layers)),
        layer_weight=weights,
        threshold_mev=0.1,
        mip_mev=0.2,
        box=Box(nx=cells, ny=cells, cell_mm=15.0, low_x_mm=-half, low_y_mm=-half),
    )


def _showers(
    energy_gev: Any,
    seed: int,
    grid: Grid,
    *,
    theta: Any = None,
    response: float = 1.0,
    depth: float = 1.0,
    width_mm: float = 10.0,
) -> Table:
    """Spots of equal mean energy along a gamma profile of fluctuating depth."""
    rng = np.random.default_rng(seed)
    energy = np.atleast_1d(np.asarray(energy_gev, np.float64))
    spots = rng.poisson(SPOTS_PER_GEV * energy)
    shower = np.repeat(np.arange(len(energy)), spots)
    shape = 4 + 0.3 * np.log(energy) + rng.normal(0, 0.5, len(energy))
    scale = depth * 3.0 * np.exp(rng.normal(0, 0.1, len(energy)))
    reached = rng.gamma(np.maximum(shape, 1)[shower]) * scale[shower]
    # Weights are as the absorber: what counts twice lies behind twice as much.
    layer = np.searchsorted(np.cumsum(grid.layer_weight), reached, side="right")
    radius = rng.exponential(width_mm, len(shower))
    angle = rng.uniform(0, 2 * np.pi, len(shower))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    if theta is not None:
        y = y + 6.5 * (layer + 1) / np.tan(np.asarray(theta, np.float64))[shower]
    deposit = rng.exponential(1000 * SAMPLING / SPOTS_PER_GEV * response, len(shower))
    assert grid.box is not None
    ix = np.floor((x - grid.box.low_x_mm) / grid.box.cell_mm).astype(int)
    iy = np.floor((y - grid.box.low_y_mm) / grid.box.cell_mm).astype(int)
    inside = (layer < grid.layers) & (ix >= 0) & (ix < grid.box.nx)
    inside &= (iy >= 0) & (iy < grid.box.ny)
    cell = (layer * grid.box.nx + ix) * grid.box.ny + iy
    dense = np.zeros((len(energy), grid.cells), np.float32)
    measured = deposit / np.asarray(grid.layer_weight)[layer.clip(0, grid.layers - 1)]
    np.add.at(dense, (shower[inside], cell[inside]), measured[inside])
    outside = np.bincount(shower[~inside], deposit[~inside], len(energy))
    cells, deposits = listed(dense)
    columns: dict[str, Any] = {
        "id": (np.arange(len(energy)) + 1_000_000 * seed).astype(np.uint64),
        "energy": energy.astype(np.float32),
        "cell": cells,
        "deposit": deposits,
        "outside": outside.astype(np.float32),
    }
    if theta is not None:
        columns["theta"] = np.asarray(theta, np.float32)
    return Table(columns)


@pytest.fixture(scope="session")
def toy_grid() -> Callable[..., Grid]:
    return _grid


@pytest.fixture(scope="session")
def toy() -> Callable[..., Table]:
    return _showers
