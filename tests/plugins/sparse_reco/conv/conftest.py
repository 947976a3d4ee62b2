"""Random grids, and the same convolution on dense ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from zoo_sparse_reco.sparse.maps import LevelMaps, level_maps
from zoo_sparse_reco.sparse.tables import Level, build_levels, flatten_levels


@dataclass(frozen=True)
class Grid:
    """Voxels of a batch at random places, in no order."""

    size: tuple[int, ...]
    events: int
    levels: tuple[Level, ...]
    maps: tuple[LevelMaps, ...]

    @property
    def dims(self) -> int:
        return len(self.size)

    def shape(self, level: int) -> tuple[int, ...]:
        return tuple(-(-size // 2**level) for size in self.size)

    def dense(self, features: Tensor, level: int = 0) -> Tensor:
        """(events, C, X, Y, Z) of (N, C), differentiable."""
        empty = features.new_zeros(self.events, *self.shape(level), features.shape[1])
        filled = empty.index_put(self.index(level), features)
        return filled.movedim(-1, 1)

    def sparse(self, dense: Tensor, level: int = 0) -> Tensor:
        """(N, C) of (events, C, X, Y, Z)."""
        return dense.movedim(1, -1)[self.index(level)]

    def index(self, level: int) -> tuple[Tensor, ...]:
        chosen = self.levels[level]
        return tuple(torch.tensor(one) for one in (chosen.events, *chosen.coordinates.T))


def random_grid(
    size: tuple[int, ...], *, voxels: int = 60, events: int = 3, levels: int = 3, kernel: int = 3,
    seed: int = 0,
) -> Grid:  # fmt: skip
    chosen = np.random.default_rng(seed).permutation(events * int(np.prod(size)))[:voxels]
    numbers, *places = np.unravel_index(chosen, (events, *size))
    built = build_levels(np.stack(places, 1), numbers, levels, kernel=kernel)
    return Grid(size, events, built, level_maps(tensors(flatten_levels(built))))


def tensors(tables: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(table) for name, table in tables.items()}


@pytest.fixture(params=[(5, 6, 7), (9, 8)], ids=["3-D", "2-D"])
def grid(request: pytest.FixtureRequest) -> Grid:
    return random_grid(request.param)


@pytest.fixture
def make() -> Any:
    return random_grid
