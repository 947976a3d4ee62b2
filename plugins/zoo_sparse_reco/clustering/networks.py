"""The two networks: embeddings with margins and seeds, and scores of edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_sparse_reco.clustering.config import ClusterConfig, GraphSpiceConfig, SpiceConfig
from zoo_sparse_reco.clustering.targets import EACH_EDGE
from zoo_sparse_reco.features import feature_names
from zoo_sparse_reco.models.blocks import VoxelNorm
from zoo_sparse_reco.models.uresnet import Decoder, Features, UResNet
from zoo_sparse_reco.sparse.maps import LevelMaps, NeighbourMap, level_maps

__all__ = [
    "GraphSpiceNet",
    "SpiceNet",
    "answers",
    "graph_spice_networks",
    "spice_networks",
]


class _ClusterNet(nn.Module):
    """A U-ResNet on voxels."""

    def __init__(self, config: ClusterConfig) -> None:
        super().__init__()
        self.backbone = UResNet(config, len(feature_names(config)))

    def _features(
        self, features: Tensor, tables: Mapping[str, Tensor]
    ) -> tuple[Features, tuple[LevelMaps, ...]]:
        levels = level_maps(tables)
        first = levels[0].neighbours
        if "input_neighbours" in tables:
            first = NeighbourMap(tables["input_neighbours"])
        return self.backbone(features, first, levels), levels


class SpiceNet(_ClusterNet):
    """Where the cluster of a voxel is, how wide, and whether the voxel is a good seed of it.

    SPICE (Koh et al., arXiv:2007.03083): one encoder and two decoders, of embeddings with margins
    and of seeds.
    """

    def __init__(self, config: SpiceConfig) -> None:
        super().__init__(config)
        wide, momentum = config.filters, config.momentum
        self.largest_margin = config.largest_margin
        self.seed_decoder = Decoder(config)
        self.embedding = nn.Sequential(VoxelNorm(wide, momentum), nn.Linear(wide, 4))
        self.seediness = nn.Sequential(VoxelNorm(wide, momentum), nn.Linear(wide, 1))

    def forward(self, features: Tensor, position: Tensor, **tables: Tensor) -> dict[str, Tensor]:
        """Embeddings, margins and seeds of voxels, at least float32.

        Args:
            features: (V, columns).
            position: (V, 3), as the codec scales places.
            tables: As :class:`~zoo_sparse_reco.models.networks.SparseNet` takes them.

        Returns:
            ``embedding`` (V, 3): the place moved by less than 1 along each axis; ``margin`` (V,),
            from 0 to the largest; ``seed`` (V,), from 0 to 1.
        """
        found, levels = self._features(features, tables)
        moved = _wide(self.embedding(found.finest))
        seeds = _wide(self.seediness(self.seed_decoder(found.encoded, levels)))
        return {
            "embedding": position + moved[:, :3].tanh(),
            "margin": self.largest_margin * moved[:, 3].sigmoid(),
            "seed": seeds[:, 0].sigmoid(),
        }


class GraphSpiceNet(_ClusterNet):
    """How likely an edge between a voxel and one of its 26 neighbours is to be cut.

    SPINE's Graph-SPICE: the graph of radius 1.9 voxels is that of the submanifold convolution, so
    its table gives the edges. An edge is scored by a bilinear form of the features of its ends
    without a bias, the mean of both directions, so that it does not matter which end comes first.
    """

    def __init__(self, config: GraphSpiceConfig) -> None:
        super().__init__(config)
        wide = config.filters
        self.norm = VoxelNorm(wide, config.momentum) if config.normalise else nn.Identity()
        self.form = nn.Parameter(torch.empty(wide, wide))
        # As torch.nn.Bilinear draws its weights.
        nn.init.uniform_(self.form, -(wide**-0.5), wide**-0.5)

    def forward(self, features: Tensor, **tables: Tensor) -> dict[str, Tensor]:
        """Logits ``cut`` (V, 13) of the edges to the neighbours of the last 13 offsets.

        Args:
            features: (V, columns).
            tables: As :class:`~zoo_sparse_reco.models.networks.SparseNet` takes them.
        """
        found, _ = self._features(features, tables)
        values = self.norm(found.finest)
        symmetric = (self.form + self.form.t()) / 2
        table = tables["neighbours_0"][:, EACH_EDGE]
        return {"cut": edge_scores(values, symmetric, table)}


def edge_scores(values: Tensor, form: Tensor, table: Tensor) -> Tensor:
    """``x_i^T form x_j`` of each voxel i and its neighbours j, (V, columns); of none 0.

    Args:
        values: x, (V, F).
        form: (F, F).
        table: (V, columns) rows of neighbours, -1: none.
    """
    mine = values @ form.to(values.dtype)
    # One row more in front, which -1 refers to when 1 is added.
    padded = torch.cat([values.new_zeros((1, values.shape[1])), values])
    columns = [
        (mine * padded.index_select(0, table[:, column] + 1)).sum(1)
        for column in range(table.shape[1])
    ]
    return _wide(torch.stack(columns, 1))


def answers(raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the codec decodes: ``embedding``, ``margin``, ``seed``, or probabilities ``cut``."""
    return {"cut": raw["cut"].sigmoid()} if "cut" in raw else dict(raw)


def spice_networks(
    config: SpiceConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: SPICE."""
    return {"net": SpiceNet(config)}


def graph_spice_networks(
    config: GraphSpiceConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: Graph-SPICE."""
    return {"net": GraphSpiceNet(config)}


def _wide(values: Tensor) -> Tensor:
    """At least float32: places in a large grid need it; float64, which proves an export, stays."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
