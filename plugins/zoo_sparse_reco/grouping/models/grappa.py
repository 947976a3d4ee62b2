"""GrapPA: the network on a graph (Drielsma et al., arXiv:2007.01335, with SPINE's sizes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo_sparse_reco.grouping.config import (
    GrappaConfig,
    GrappaInteractionConfig,
    GrappaShowerConfig,
)
from zoo_sparse_reco.grouping.graph import EDGE_FEATURES, node_features
from zoo_sparse_reco.grouping.models.layers import EdgeUpdate, NodeUpdate
from zoo_sparse_reco.grouping.stages import STAGES
from zoo_sparse_reco.models.blocks import VoxelNorm
from zoo_sparse_reco.physics.labels import Pid

__all__ = ["Grappa", "answers", "heads_of", "networks"]


def heads_of(config: GrappaConfig) -> dict[str, int]:
    """Numbers that each head of nodes tells, by its name."""
    if isinstance(config, GrappaShowerConfig):
        return {"primary": 2}
    if not isinstance(config, GrappaInteractionConfig):
        return {}
    told = {
        "primary": 2 * config.primaries,
        "pid": len(Pid) * config.types,
        "momentum": 1 if config.momentum_loss else 0,
        "vertex": 3 * config.vertices,
    }
    return {name: columns for name, columns in told.items() if columns}


class Grappa(nn.Module):
    """Normalised inputs, rounds of message passing, a linear layer for edges and for each head.

    Where no head tells of nodes, the last round updates edges only: nothing would ask for more.
    """

    def __init__(self, config: GrappaConfig) -> None:
        super().__init__()
        nodes, edges = node_features(STAGES[config.stage]), EDGE_FEATURES
        heads = heads_of(config)
        self.node_norm = VoxelNorm(nodes, config.momentum)
        self.edge_norm = VoxelNorm(edges, config.momentum)
        self.edge_updates, self.node_updates = nn.ModuleList(), nn.ModuleList()
        for number in range(config.layers):
            sizes = (config.width, config.depth, config.momentum)
            self.edge_updates.append(EdgeUpdate(nodes, edges, *sizes))
            edges = config.width
            if heads or number < config.layers - 1:
                self.node_updates.append(NodeUpdate(nodes, edges, *sizes))
                nodes = config.width
        self.edge_head = nn.Linear(edges, 2)
        self.heads = nn.ModuleDict({name: nn.Linear(nodes, out) for name, out in heads.items()})

    def forward(
        self, nodes: Tensor, edges: Tensor, edge_from: Tensor, edge_to: Tensor
    ) -> dict[str, Tensor]:
        """Raw answers: ``edge`` (e, 2), and each head (n, columns).

        Args:
            nodes: (n, 33 or 32).
            edges: (e, 19).
            edge_from: Node that each edge leads from, int32 (e,).
            edge_to: Node that it leads to.
        """
        node, edge = self.node_norm(nodes), self.edge_norm(edges)
        from_, to = edge_from.long(), edge_to.long()
        for number, update in enumerate(self.edge_updates):
            edge = update(node, edge, from_, to)
            if number < len(self.node_updates):
                node = self.node_updates[number](node, edge, from_, to)
        return {
            "edge": self.edge_head(edge),
            **{name: head(node) for name, head in self.heads.items()},
        }


def answers(raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Probabilities and numbers, at least float32, from a network's raw answers.

    Returns:
        ``edge_score`` (e,); where the network has the head ``primary_score`` (n,), ``pid_score``
        (n, 6), ``momentum`` (n,), GeV/c, ``vertex`` (n, 3), 100 voxels from the start.
    """
    found = {"edge_score": _wide(raw["edge"]).softmax(1)[:, 1]}
    if "primary" in raw:
        found["primary_score"] = _wide(raw["primary"]).softmax(1)[:, 1]
    if "pid" in raw:
        found["pid_score"] = _wide(raw["pid"]).softmax(1)
    if "momentum" in raw:
        found["momentum"] = _wide(raw["momentum"])[:, 0]
    if "vertex" in raw:
        found["vertex"] = _wide(raw["vertex"])
    return found


def networks(
    config: GrappaConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: the graph network."""
    return {"net": Grappa(config)}


def _wide(values: Tensor) -> Tensor:
    """At least float32: a float64 module, which proves an export, stays as it is."""
    return values.float() if values.element_size() < 4 else values
