"""The critic for pions (arXiv:2112.09709): the first two groups of a residual network in 3-D."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo_calo.config import WganPionConfig
from zoo_calo.models.common import Readout

__all__ = ["PionCritic"]


class PionCritic(nn.Module):
    """Cells and conditions to one number: high for showers that look real.

    Normalised within each shower and channel, never over a batch: a gradient penalty of one shower
    must not know the others.

    Args:
        config: Widths and numbers of blocks.
    """

    def __init__(self, config: WganPionConfig) -> None:
        super().__init__()
        first, second = config.critic_widths
        blocks: list[nn.Module] = [_Block(first, first) for _ in range(config.critic_blocks[0])]
        blocks += [
            _Block(first if number == 0 else second, second)
            for number in range(config.critic_blocks[1])
        ]
        self.body = nn.Sequential(
            nn.Conv3d(1, first, (4, 5, 5), (1, 2, 2), (2, 3, 3), bias=False),
            nn.InstanceNorm3d(first),
            nn.ReLU(),
            nn.MaxPool3d(3, 2, 1),
            *blocks,
        )
        self.readout = Readout((second + config.conditions, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, cells: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N,) of ``cells`` (N, layers, x, y) and conditions (N, C)."""
        features = self.body(cells[:, None]).mean((2, 3, 4))
        value: Tensor = self.readout(torch.cat([features, conditions], 1)).squeeze(1)
        return value


class _Block(nn.Module):
    """Two convolutions beside a shortcut; where the channels grow, it halves the size."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        grows = before != after
        stride = 2 if grows else 1
        self.body = nn.Sequential(
            nn.Conv3d(before, after, 3, stride, 1, bias=False),
            nn.InstanceNorm3d(after),
            nn.ReLU(),
            nn.Conv3d(after, after, 3, 1, 1, bias=False),
            nn.InstanceNorm3d(after),
        )
        self.shortcut: nn.Module = nn.Identity()
        if grows:
            self.shortcut = nn.Sequential(
                nn.Conv3d(before, after, 1, stride, bias=False), nn.InstanceNorm3d(after)
            )

    def forward(self, features: Tensor) -> Tensor:
        found: Tensor = (self.body(features) + self.shortcut(features)).relu()
        return found
