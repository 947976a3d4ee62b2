"""The network of mini-points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from zoo_miniatures.points.config import NeighbourNetConfig

__all__ = ["NeighbourNet", "networks"]

_TAPS = 7  # a voxel and its six neighbours


class NeighbourNet(nn.Module):
    """Voxels ``(V, F)`` and their neighbours ``(V, 7)`` -> logits ``(V,)``, votes ``(V, 4)``.

    A vote is an offset to the vertex, in voxels, and the logit of being near to it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(_TAPS * 2, width)
        self.second = nn.Linear(_TAPS * width, width)
        self.third = nn.Linear(_TAPS * width, width)
        self.semantic, self.vertex = nn.Linear(width, 1), nn.Linear(width, 4)

    def forward(self, features: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
        hidden = relu(self.first(gather(features, table)))
        hidden = relu(self.second(gather(hidden, table)))
        hidden = relu(self.third(gather(hidden, table)))
        return self.semantic(hidden)[:, 0], self.vertex(hidden)


def gather(features: Tensor, table: Tensor) -> Tensor:
    """Features of all neighbours side by side ``(V, 7 F)``; zeros where there is none."""
    padded = torch.cat([features, features.new_zeros(1, features.shape[1])])
    return padded[table].flatten(1)


def networks(config: NeighbourNetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """One network with two heads."""
    return {"net": NeighbourNet(config.width)}
