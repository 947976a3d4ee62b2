"""The three networks of mini-gan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_miniatures.gan.config import GanConfig

__all__ = ["Generator", "ShowerNet", "networks"]


class Generator(nn.Module):
    """(latent ``(N, L)``, log energy ``(N, 1)``) -> fractions of the energy ``(N, layers)``."""

    def __init__(self, latent: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(latent + 1, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, layers),
            nn.Softplus(),
        )

    def forward(self, latent: Tensor, log_energy: Tensor) -> Tensor:
        fractions: Tensor = self.body(torch.cat([latent, log_energy], 1)) / 10
        return fractions


class ShowerNet(nn.Module):
    """(fractions ``(N, layers)``, log energy ``(N, 1)``) -> one number each, ``(N, 1)``."""

    def __init__(self, hidden: int, layers: int, *, bias: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(layers + 1, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1, bias=bias)
        )

    def forward(self, fractions: Tensor, log_energy: Tensor) -> Tensor:
        number: Tensor = self.body(torch.cat([10 * fractions, log_energy], 1))
        return number


def networks(config: GanConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Generator, critic, and a constrainer that estimates the visible fraction."""
    layers = len(facts["edges"]) - 1
    return {
        "generator": Generator(config.latent, config.hidden, layers),
        # The critic's loss is a difference: Adam would move its constant by rounding noise alone.
        "critic": ShowerNet(config.hidden, layers, bias=False),
        "constrainer": ShowerNet(config.hidden, layers, bias=True),
    }
