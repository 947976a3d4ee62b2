"""The network of mini-light."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.api import chunked
from zoo_miniatures.light.config import SirenConfig

__all__ = ["Siren", "WholeSiren", "networks"]


class SineStack(nn.Module):
    """Rows (point, photomultiplier) ``(R, 6)`` -> logits ``(R, 1)``."""

    def __init__(self, hidden: int, frequency: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1, bias=False)  # the softmax would not feel it
        self.frequency = frequency
        nn.init.uniform_(self.first.weight, -1 / 6, 1 / 6)  # sec. 3.2 of arXiv:2006.09661
        nn.init.uniform_(self.second.weight, -((6 / hidden) ** 0.5), (6 / hidden) ** 0.5)

    def forward(self, rows: Tensor) -> Tensor:
        hidden = torch.sin(self.frequency * self.first(rows))
        logits: Tensor = self.last(torch.sin(self.second(hidden)))
        return logits


class Siren(nn.Module):
    """Points ``(N, 3)`` in units of the half edge -> logits over photomultipliers ``(N, P)``."""

    pmt: Tensor

    def __init__(self, config: SirenConfig, facts: Mapping[str, Any]) -> None:
        super().__init__()
        pmt = torch.as_tensor(facts["geometry"]["position"], dtype=torch.float32) * (
            2 / facts["geometry"]["size"]
        )
        self.register_buffer("pmt", pmt)
        self.stack = SineStack(config.hidden, config.frequency)

    def rows(self, position: Tensor) -> Tensor:
        """Every point with every photomultiplier, ``(N * P, 6)``."""
        points, pmts = position.shape[0], self.pmt.shape[0]
        pairs = (
            position[:, None].expand(points, pmts, 3),
            self.pmt[None].expand(points, pmts, 3),
        )
        return torch.cat(pairs, 2).reshape(points * pmts, 6)

    def forward(self, position: Tensor) -> Tensor:
        logits = chunked(self.stack, self.stack, self.rows(position))
        return logits.reshape(len(position), len(self.pmt))


class WholeSiren(nn.Module):
    """The same in one piece, which exporters can follow."""

    def __init__(self, siren: Siren) -> None:
        super().__init__()
        self.siren = siren

    def forward(self, position: Tensor) -> Tensor:
        logits: Tensor = self.siren.stack(self.siren.rows(position))
        return logits.reshape(position.shape[0], self.siren.pmt.shape[0])


def networks(config: SirenConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """One network; the geometry comes from the data set and is stored with the weights."""
    return {"net": Siren(config, facts)}
