"""A multiresolution hash grid of the point, and a small plain network that answers for all sensors.

Mueller et al., "Instant neural graphics primitives with a multiresolution hash encoding"
(arXiv:2201.05989), section 3, in plain torch. Features lie on the corners of grids of rising
resolution; between corners they are trilinear. A grid of no more corners than the table has entries
is stored corner by corner, a finer one by a hash of its corners, whose collisions are left to the
training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_optics.config import HashGridConfig
from zoo_optics.models.doubt import doubt_stack, require_doubt
from zoo_optics.models.folding import around, around_with_slope, point_folding
from zoo_optics.models.slopes import stack_with_slope
from zoo_optics.models.surroundings import Surrogate
from zoo_optics.times.head import with_times

__all__ = ["HashGrid", "HashGridNet", "hash_grid_networks", "resolutions"]

PRIMES = (1, 2_654_435_761, 805_459_861)
"""Factors of the hash, equation (4) there."""

_START = 1e-4  # features start evenly within it, section 4 there


class HashGrid(nn.Module):
    """Points of the unit cube (N, 3) to features (N, levels * features).

    Points outside of the cube have the features of its nearest point.

    Args:
        sizes: Cells along an axis, level by level.
        entries: Of a level's table at most, a power of two.
        features: Of an entry.
    """

    size: Tensor
    stride: Tensor
    hashed: Tensor
    first: Tensor
    corner: Tensor

    def __init__(self, sizes: list[int], entries: int, features: int) -> None:
        super().__init__()
        corners = [(cells + 1) ** 3 for cells in sizes]
        stored = torch.tensor([min(count, entries) for count in corners])
        strides = [(1, cells + 1, (cells + 1) ** 2) for cells in sizes]
        hashed = [count > entries for count in corners]
        self.entries = entries
        self._constant("size", torch.tensor(sizes, dtype=torch.float32)[:, None])
        self._constant("stride", torch.tensor(strides)[:, None])
        self._constant("hashed", torch.tensor(hashed)[:, None])
        self._constant("first", (stored.cumsum(0) - stored)[:, None])
        self._constant("corner", torch.cartesian_prod(*[torch.arange(2)] * 3))
        self.table = nn.Parameter(torch.empty(int(stored.sum()), features))
        nn.init.uniform_(self.table, -_START, _START)

    def forward(self, points: Tensor) -> Tensor:
        """(N, 3) to (N, levels * features)."""
        near, values = self._corners(points)
        return (near.prod(-1)[..., None] * values).sum(2).flatten(1)

    def with_slope(self, points: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`, and its derivative (N, 3, levels * features) from that of the points.

        Of ``x y z`` at a corner it is ``(+-y z, +-x z, +-x y)`` over the size of a cell. On a face
        between cells it is that of the cell above, and outside of the cube there is none.

        Args:
            points: (N, 3).
            slope: (N, 3, 3), their derivative by three coordinates.
        """
        near, values = self._corners(points)
        x, y, z = near.unbind(-1)
        by_part = torch.stack([y * z, x * z, x * y], -1) * (2 * self.corner - 1)
        by_point = (by_part[..., None] * values[..., None, :]).sum(2) * self.size[..., None]
        inside = ((points >= 0) & (points <= 1)).to(slope.dtype)
        slopes = (slope * inside[:, None])[:, None] @ by_point
        features = (near.prod(-1)[..., None] * values).sum(2).flatten(1)
        return features, slopes.transpose(1, 2).flatten(2)

    def _corners(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """How near the corners of their cells are along each axis, and the corners' features.

        (N, levels, 8, 3), of which the product is a corner's weight; (N, levels, 8, features).
        """
        place = points.clamp(0, 1)[:, None] * self.size
        cell = torch.minimum(place.detach().floor(), self.size - 1)
        part = (place - cell)[:, :, None]
        near = torch.where(self.corner == 1, part, 1 - part)
        return near, functional.embedding(self._entry(cell.long()), self.table)

    def _entry(self, cell: Tensor) -> Tensor:
        """Rows of the table of the corners of cells (N, levels, 3), (N, levels, 8)."""
        corner = cell[:, :, None] + self.corner
        x, y, z = (corner[..., axis] * prime for axis, prime in enumerate(PRIMES))
        # Its lowest bits are those of the paper's arithmetic in 32 bits.
        by_hash = torch.bitwise_xor(torch.bitwise_xor(x, y), z) % self.entries
        direct = (corner * self.stride).sum(-1)
        return self.first + torch.where(self.hashed, by_hash, direct)

    def _constant(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)  # the config tells it


class HashGridNet(Surrogate):
    """Features of the hash grid, and the direction if it is wanted, through ReLU layers."""

    def __init__(self, config: HashGridConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.fold = point_folding(config, facts)
        sizes = resolutions(config.base, config.finest, config.levels)
        self.grid = HashGrid(sizes, 2**config.table_log2, config.features)
        width = config.levels * config.features + self.inputs - 3
        steps: list[nn.Module] = []
        for _ in range(config.layers + 1):
            steps += [nn.Linear(width, config.hidden), nn.ReLU()]
            width = config.hidden
        last = nn.Linear(width, len(self.sensor))
        nn.init.zeros_(last.bias)
        self.stack = nn.Sequential(*steps, last)
        self.doubt = doubt_stack(config, self.inputs, len(self.sensor))

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, self._of, inputs)

    def doubts(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, require_doubt(self.doubt), inputs)

    def _of(self, inputs: Tensor) -> Tensor:
        features = self.grid((inputs[:, :3] + 1) / 2)
        answers: Tensor = self.stack(torch.cat([features, inputs[:, 3:]], 1))
        return answers

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """(N, sensors), and their derivative by the position, (N, sensors, 3)."""
        answers, slopes = around_with_slope(self.fold, self._with_slope, inputs, slope)
        return answers, slopes.transpose(1, 2)

    def _with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        features, steeper = self.grid.with_slope((inputs[:, :3] + 1) / 2, slope[..., :3] / 2)
        return stack_with_slope(
            self.stack,
            torch.cat([features, inputs[:, 3:]], 1),
            torch.cat([steeper, slope[..., 3:]], 2),
        )


def resolutions(base: int, finest: int, levels: int) -> list[int]:
    """Cells along an axis of every level: a geometric series, rounded down (equations 2 and 3)."""
    if levels == 1:
        return [base]
    growth = (math.log(finest) - math.log(base)) / (levels - 1)
    return [math.floor(base * math.exp(growth * level) + 1e-9) for level in range(levels)]


def hash_grid_networks(config: HashGridConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``hash-grid``."""
    return with_times(HashGridNet(config, facts), config, facts)
