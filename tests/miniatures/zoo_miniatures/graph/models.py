"""The network of mini-graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_miniatures.graph.config import EdgeNetConfig

__all__ = ["EdgeNet", "networks"]


def _perceptron(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())


class EdgeNet(nn.Module):
    """Nodes ``(F, 5)``, edges ``(E, 2)``, geometry ``(E, 1)`` -> logits ``(E,)``."""

    def __init__(self, width: int, rounds: int) -> None:
        super().__init__()
        self.node, self.edge = _perceptron(5, width), _perceptron(1, width)
        self.edges = nn.ModuleList(_perceptron(3 * width, width) for _ in range(rounds))
        self.nodes = nn.ModuleList(_perceptron(2 * width, width) for _ in range(rounds - 1))
        self.last = nn.Linear(width, 1)

    def forward(self, nodes: Tensor, edges: Tensor, distance: Tensor) -> Tensor:
        node, edge = self.node(nodes), self.edge(distance)
        source, target = edges.unbind(1)
        edge = self.edges[0](torch.cat([node[source], node[target], edge], 1))
        for update_node, update_edge in zip(self.nodes, self.edges[1:], strict=True):
            message = torch.zeros_like(node).index_add(0, target, edge)
            node = update_node(torch.cat([node, message], 1))
            edge = update_edge(torch.cat([node[source], node[target], edge], 1))
        logits: Tensor = self.last(edge)
        return logits[:, 0]


def networks(config: EdgeNetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """One network."""
    return {"net": EdgeNet(config.width, config.rounds)}
