"""A graph network on pairs of hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_silicon_tracks.codec import BENDS, DOUBLETS
from zoo_silicon_tracks.config import DoubletNetConfig

__all__ = ["DoubletNet", "networks"]


def _perceptron(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width))


class DoubletNet(nn.Module):
    """Pairs ``(D, 6)``, links ``(L, 2)`` and bends ``(L, 3)`` -> logits ``(D,)``.

    Each round every link tells its two pairs what it makes of them and of how the track would
    bend there (Battaglia et al., arXiv:1612.00222, on the graph of pairs).
    """

    def __init__(self, width: int, rounds: int) -> None:
        super().__init__()
        self.first = _perceptron(DOUBLETS, width)
        self.messages = nn.ModuleList(_perceptron(2 * width + BENDS, width) for _ in range(rounds))
        self.updates = nn.ModuleList(_perceptron(3 * width, width) for _ in range(rounds))
        self.last = nn.Linear(width, 1)

    def forward(self, doublets: Tensor, links: Tensor, bends: Tensor) -> Tensor:
        """See the class."""
        state = self.first(doublets)
        inner, outer = links.unbind(1)
        for message, update in zip(self.messages, self.updates, strict=True):
            told = torch.relu(message(torch.cat([state[inner], state[outer], bends], 1)))
            none = torch.zeros_like(state)
            outwards, inwards = none.index_add(0, outer, told), none.index_add(0, inner, told)
            state = state + update(torch.cat([state, outwards, inwards], 1))
        logits: Tensor = self.last(torch.relu(state))
        return logits[:, 0]


def networks(
    config: DoubletNetConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract gives it
) -> dict[str, nn.Module]:
    """One network."""
    return {"net": DoubletNet(config.width, config.rounds)}
