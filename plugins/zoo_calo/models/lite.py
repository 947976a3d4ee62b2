"""The fast networks together: their critic and constrainer know what a shower is judged by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_calo.config import WganLiteConfig
from zoo_calo.models.common import Readout
from zoo_calo.models.constrainer import begin_above_zero
from zoo_calo.models.lite_generator import LiteGenerator, about
from zoo_calo.models.post import post_processor
from zoo_calo.physics.grid import grid_of

__all__ = ["LiteConstrainer", "LiteCritic", "networks"]

_HIDDEN = 128
_LAST = 16  # channels of what the readout sees
_SLOPE = 0.2


class LiteCritic(nn.Module):
    """Cells and conditions to one number: high for showers that look real.

    It sees images of log(1 + cell), and of each layer the energy and the smooth number of hits,
    sum of cell / (1 + cell), both over the root of the expected energy: in units of what they
    fluctuate by.

    Args:
        config: Width.
        shape: Cells of a shower, (layers, x, y).
        response: As of the generator.
    """

    def __init__(
        self, config: WganLiteConfig, shape: tuple[int, int, int], response: float
    ) -> None:
        super().__init__()
        self.response, layers, width = response, shape[0], config.critic_width
        size = tuple(math.ceil(math.ceil(one / 2) / 2) for one in shape[1:])
        self.body = nn.Sequential(
            nn.Conv2d(layers, width, 3, padding=1),
            nn.GroupNorm(1, width),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, width, 3, 2, 1),
            nn.GroupNorm(1, width),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, width, 3, 2, 1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, _LAST, 1),
        )
        features = _LAST * math.prod(size) + 2 * layers + config.conditions + 1
        self.readout = Readout((features, _HIDDEN, _HIDDEN, 1))

    def forward(self, cells: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N,) of ``cells`` (N, layers, x, y) and conditions (N, C)."""
        expected = (self.response * conditions[:, :1]).sqrt()
        energies = cells.sum((2, 3)) / expected
        hits = (cells / (1 + cells)).sum((2, 3)) / expected
        image = self.body(cells.log1p()).flatten(1)
        features = torch.cat([image, energies, hits, about(conditions)], 1)
        value: Tensor = self.readout(features).squeeze(1)
        return value


class LiteConstrainer(nn.Module):
    """Energies of layers to that of the particle, in the unit of the conditions.

    Args:
        layers: How many.
        response: As of the generator.
    """

    def __init__(self, layers: int, response: float) -> None:
        super().__init__()
        self.response = response
        self.readout = Readout((layers, _HIDDEN // 2, 1))
        begin_above_zero(self.readout)

    def forward(self, cells: Tensor) -> Tensor:
        """float32 (N,), 0 and more, of ``cells`` (N, layers, x, y)."""
        energy: Tensor = self.readout(cells.sum((2, 3)) / self.response).relu().squeeze(1)
        return energy


def networks(config: WganLiteConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """``generator``, ``critic``, ``constrainer`` and perhaps ``post``."""
    grid = grid_of(facts)
    unit = grid.mip_mev if config.cell_unit == "MIP" else 1.0
    response = config.response * config.energy_unit / unit
    return {
        "generator": LiteGenerator(config, grid.shape, response),
        "critic": LiteCritic(config, grid.shape, response),
        "constrainer": LiteConstrainer(grid.layers, response),
        **post_processor(config, grid.shape),
    }
