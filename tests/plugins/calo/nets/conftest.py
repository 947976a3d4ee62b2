"""What tests of the networks share: small grids, and showers drawn from closed forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import torch
import torch._dynamo  # an optimiser imports it, for 1.5 s: once here, not in every fork
from numpy.typing import NDArray
from scipy.special import gammainc

from zoo.api import Simulator, Table, normal, row_ids, uniform
from zoo.data.simulate import simulate_file
from zoo.registry import registry
from zoo_calo.physics.grid import Box, Grid
from zoo_calo.physics.showers import listed
from zoo_calo.specs import SAMPLE

# A process forked later has no autograd if the first gradient came after a pretended device: it
# must be now, while tests are collected (as for the tests of the engine).
torch.ones(1, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]  # torch's lack

Grids = Callable[..., Grid]
FIELDS = frozenset(SAMPLE) - {"outside"}


def box_grid(layers: int = 10, nx: int = 9, ny: int | None = None) -> Grid:
    """Square cells of 5 mm; the last third of the layers counts twice."""
    ny = nx if ny is None else ny
    thick = np.arange(layers) >= 2 * layers // 3
    return Grid(
        name="test",
        depth_mm=tuple(5.0 * (layer + 1) for layer in range(layers)),
        layer_weight=tuple(np.where(thick, 2.0, 1.0).tolist()),
        threshold_mev=0.1,
        mip_mev=0.17,
        box=Box(nx=nx, ny=ny, cell_mm=5.0, low_x_mm=-2.5 * nx, low_y_mm=-2.5 * ny),
    )


class Drawn(Simulator):
    """Showers of single hits: a gamma distribution along, an exponential across, Poisson numbers.

    30 MeV/GeV with the layers' weights; energies uniform from 1 to 10 GeV.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.facts = grid.facts()

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        energy = 1 + 9 * uniform(keys)
        cell, deposit = listed(self._cells(keys, energy))
        columns = {
            "energy": energy.astype(np.float32),
            "theta": (np.pi / 6 * (1 + 2 * uniform(keys, tag=1))).astype(np.float32),
            "cell": cell,
            "deposit": deposit,
        }
        held = {name: columns[name] for name in fields & set(columns)}
        return Table({"id": row_ids(keys), **held})

    def _cells(self, keys: NDArray[np.uint64], energy: NDArray[np.float64]) -> NDArray[np.float32]:
        grid = self.grid
        edges = 25.0 * np.arange(grid.layers + 1) / grid.layers  # radiation lengths
        rate = 0.5 * np.exp(0.15 * normal(keys, tag=2))[:, None]
        along = np.diff(gammainc(3.0 + np.log(energy)[:, None], rate * edges), axis=1)
        radius = np.hypot(grid.x_mm, grid.y_mm).reshape(grid.shape)[0].ravel()
        across = np.exp(-radius / 7.0)
        mean = (30.0 * energy[:, None] * along / np.asarray(grid.layer_weight))[:, :, None]
        hits = (mean * across / across.sum() / 0.2).reshape(len(keys), -1)
        # Poisson by its own sum of exponentials would be slow: a Gaussian, rounded, not negative.
        number = np.rint(hits + np.sqrt(hits) * normal(keys, grid.cells, tag=3)).clip(0)
        return (0.2 * number).astype(np.float32)


@pytest.fixture(scope="session")
def grids() -> Grids:
    return box_grid


@pytest.fixture(scope="session")
def showers() -> Callable[..., Table]:
    """``showers(grid, count, seed)``."""

    def make(grid: Grid, count: int, seed: int = 0) -> Table:
        keys = np.arange(count, dtype=np.uint64) + np.uint64(10_000 * seed)
        return Drawn(grid).simulate(keys, FIELDS)

    return make


@pytest.fixture(scope="session")
def shower_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``shower_file(grid, events)``, a file that ``zoo train`` reads."""
    made: dict[tuple[Grid, int], Path] = {}

    def write(grid: Grid, events: int) -> Path:
        if (grid, events) not in made:
            path = tmp_path_factory.mktemp("showers") / "showers.h5"
            simulate_file(Drawn(grid), SAMPLE, path, task="calo", seed=1, events=events, about={})
            made[grid, events] = path
        return made[grid, events]

    return write


@pytest.fixture(scope="module")
def plugin() -> Iterator[None]:
    """The registry with this plugin alone, whatever is installed."""
    point = EntryPoint("calo", "zoo_calo.plugin", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        patch.delenv("ZOO_PLUGINS", raising=False)
        registry.cache_clear()
        yield
    registry.cache_clear()
