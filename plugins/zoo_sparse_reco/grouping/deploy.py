"""What another program loads: features of nodes and edges to scores of edges and of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Codec, Deploy, Field, Specs, UsageError, generator
from zoo_sparse_reco.grouping.config import GrappaConfig
from zoo_sparse_reco.grouping.graph import EDGE_FEATURES, node_features
from zoo_sparse_reco.grouping.models.grappa import answers, heads_of
from zoo_sparse_reco.grouping.stages import STAGES

__all__ = ["GrappaDeploy"]


class GrappaDeploy(Deploy):
    """Graphs of any number of events in, made outside; dims ``node`` and ``edge`` are free."""

    sizes: tuple[Mapping[str, int], ...] = (
        {"node": 24, "edge": 300},
        {"node": 2, "edge": 2},
        {"node": 7, "edge": 18},
        {"node": 61, "edge": 1204},
    )
    checks: Mapping[str, int] = {"node": 4, "edge": 6}

    def __init__(self, config: GrappaConfig, facts: Mapping[str, Any]) -> None:
        self.config = config
        self.columns = node_features(STAGES[config.stage])
        self.inputs: Specs = _inputs(self.columns)
        self.outputs: Specs = _outputs(config)

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network, and what its numbers mean."""
        return _Answers(nets["net"])

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """A graph of so many nodes and edges between different ones.

        Raises:
            UsageError: If it has edges, and fewer than two nodes.
        """
        nodes, edges = dims["node"], dims["edge"]
        if edges and nodes < 2:
            raise UsageError(
                f"{edges} edges need two nodes, not {nodes}",
                where="node, edge",
                remedy="give two nodes or more, or no edge",
            )
        rng = generator(keys[0]) if len(keys) else np.random.default_rng(0)
        from_ = rng.integers(0, max(nodes, 1), edges)
        to = (from_ + rng.integers(1, max(nodes, 2), edges)) % max(nodes, 1)
        return {
            "nodes": rng.standard_normal((nodes, self.columns)).astype(np.float32),
            "edges": rng.standard_normal((edges, EDGE_FEATURES)).astype(np.float32),
            "edge_from": from_.astype(np.int32),
            "edge_to": to.astype(np.int32),
        }


class _Answers(nn.Module):
    """Inputs by position, as exported files have them."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, nodes: Tensor, edges: Tensor, edge_from: Tensor, edge_to: Tensor
    ) -> Tensor | tuple[Tensor, ...]:
        found = answers(self.net(nodes, edges, edge_from, edge_to))
        return tuple(found.values()) if len(found) > 1 else found["edge_score"]


def _inputs(columns: int) -> Specs:
    kind = "" if columns == 32 else ", class"
    return {
        "nodes": Field(
            dims=("node", columns),
            dtype="float32",
            meaning="of each: centre (3), covariance (9), axis (3), voxels, energy of a voxel and "
            f"its spread (MeV){kind}, start (3), end (3), directions there (6), dE/dx there (2); "
            "in voxels",
        ),
        "edges": Field(
            dims=("edge", EDGE_FEATURES),
            dtype="float32",
            meaning="of each: closest voxels of both (6), unit vector from the second to the first "
            "(3), distance, outer product of that vector with itself (9); in voxels",
        ),
        "edge_from": Field(dims=("edge",), dtype="int32", meaning="row of the node it leads from"),
        "edge_to": Field(dims=("edge",), dtype="int32", meaning="row of the node it leads to"),
    }


def _outputs(config: GrappaConfig) -> Specs:
    found = {"edge_score": _probability("edge", "that both nodes are of one group")}
    heads = heads_of(config)
    if "primary" in heads:
        found["primary_score"] = _probability(
            "node", "that it began the shower, or comes from the vertex"
        )
    if "pid" in heads:
        found["pid_score"] = _probability("node", "of each kind of particle", heads["pid"])
    if "momentum" in heads:
        found["momentum"] = Field(
            dims=("node",), dtype="float32", unit="GeV/c", meaning="momentum at its start"
        )
    if "vertex" in heads:
        found["vertex"] = Field(
            dims=("node", 3),
            dtype="float32",
            unit="100 voxels",
            meaning="from the start of the particle to the vertex",
        )
    return found


def _probability(dim: str, meaning: str, columns: int | None = None) -> Field:
    dims: tuple[str | int, ...] = (dim,) if columns is None else (dim, columns)
    return Field(dims=dims, dtype="float32", meaning=f"probability {meaning}", minimum=0, maximum=1)
