"""The networks for pions together, and their constrainer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from zoo_calo.config import WganPionConfig
from zoo_calo.models.common import Readout, published_start
from zoo_calo.models.constrainer import begin_above_zero
from zoo_calo.models.pion_critic import PionCritic
from zoo_calo.models.pion_generator import PionGenerator
from zoo_calo.models.post import post_processor
from zoo_calo.physics.grid import grid_of

__all__ = ["PionConstrainer", "networks"]


class PionConstrainer(nn.Module):
    """Cells to the energy of the particle, in the unit of the conditions.

    Dense layers as published (arXiv:2112.09709), but normalised within a shower instead of over a
    batch, and without dropout: it answers alike in training and beside the generator.

    Args:
        config: Widths.
        shape: Cells of a shower, (layers, x, y).
    """

    def __init__(self, config: WganPionConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        sizes = (math.prod(shape), *config.constrainer_widths)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes[:-1]):
            layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers)
        self.readout = Readout((*sizes[-2:], 1))
        published_start(self)
        begin_above_zero(self.readout)

    def forward(self, cells: Tensor) -> Tensor:
        """float32 (N,), 0 and more, of ``cells`` (N, layers, x, y)."""
        energy: Tensor = self.readout(self.body(cells.flatten(1))).relu().squeeze(1)
        return energy


def networks(config: WganPionConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """``generator``, ``critic``, ``constrainer`` and perhaps ``post``.

    Raises:
        ConfigError: If there are fewer than 7 cells across.
    """
    shape = grid_of(facts).shape
    return {
        "generator": PionGenerator(config, shape),
        "critic": PionCritic(config),
        "constrainer": PionConstrainer(config, shape),
        **post_processor(config, shape),
    }
