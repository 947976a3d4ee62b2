"""What another program loads: embeddings, margins and seeds, or scores of edges.

Clusters are made of them by the codec; an exported file holds the network alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.api import Field, Specs
from zoo_sparse_reco.clustering.config import ClusterConfig, SpiceConfig
from zoo_sparse_reco.clustering.networks import answers
from zoo_sparse_reco.deploy import VoxelDeploy

__all__ = ["ClusterDeploy"]

_POSITION: Specs = {
    "position": Field(
        dims=("voxel", 3),
        dtype="float32",
        meaning="middle of each voxel from the middle of the grid, half of its longest axis being "
        "1",
    )
}
_EDGES = 13


class ClusterDeploy(VoxelDeploy):
    """Tables as inputs, one answer for each voxel, or for each of 13 of its edges."""

    def __init__(
        self,
        config: ClusterConfig,
        facts: Mapping[str, Any],  # the contract of deployments
    ) -> None:
        is_spice = isinstance(config, SpiceConfig)
        outputs = _members(config) if isinstance(config, SpiceConfig) else _edges()
        super().__init__(config, answers, outputs, _POSITION if is_spice else None)


def _members(config: SpiceConfig) -> Specs:
    return {
        "embedding": Field(
            dims=("voxel", 3), dtype="float32", meaning="position of each voxel, moved to others"
        ),
        "margin": Field(
            dims=("voxel",),
            dtype="float32",
            meaning="how wide its cluster is, in the unit of positions",
            minimum=0,
            maximum=config.largest_margin,
        ),
        "seed": Field(
            dims=("voxel",),
            dtype="float32",
            meaning="how good a seed of its cluster it is",
            minimum=0,
            maximum=1,
        ),
    }


def _edges() -> Specs:
    return {
        "cut": Field(
            dims=("voxel", _EDGES),
            dtype="float32",
            meaning="probability that the edges to the neighbours of columns 14 to 26 are to be "
            "cut; 1/2 where there is no neighbour",
            minimum=0,
            maximum=1,
        )
    }
