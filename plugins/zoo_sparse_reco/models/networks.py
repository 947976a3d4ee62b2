"""The networks as the task registers them, and what their raw numbers mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_sparse_reco.config import UResNetConfig, UResNetPpnConfig
from zoo_sparse_reco.features import feature_names
from zoo_sparse_reco.models.ppn import PointProposals
from zoo_sparse_reco.models.uresnet import ClassHeads, UResNet
from zoo_sparse_reco.sparse.maps import NeighbourMap, level_maps

__all__ = ["SparseNet", "answers", "uresnet_networks", "uresnet_ppn_networks"]


class SparseNet(nn.Module):
    """Backbone and heads.

    Args:
        config: With points if it is that of ``uresnet-ppn``.
    """

    def __init__(self, config: UResNetConfig) -> None:
        super().__init__()
        self.backbone = UResNet(config, len(feature_names(config)))
        self.heads = ClassHeads(config)
        self.points = PointProposals(config) if isinstance(config, UResNetPpnConfig) else None

    def forward(self, features: Tensor, **tables: Tensor) -> dict[str, Tensor]:
        """Raw answers of all heads, by name.

        Args:
            features: (V, columns).
            tables: Those of :func:`zoo_sparse_reco.sparse.tables.flatten_levels`, and
                ``input_neighbours`` (V, offsets) if the first convolution has another kernel.
        """
        levels = level_maps(tables)
        first = levels[0].neighbours
        if "input_neighbours" in tables:
            first = NeighbourMap(tables["input_neighbours"])
        found = self.backbone(features, first, levels)
        raw: dict[str, Tensor] = self.heads(found.finest)
        return raw if self.points is None else raw | self.points(found, levels)


def answers(raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Probabilities and offsets of each voxel, float32, from a network's raw answers.

    Returns:
        ``score`` (V, 5); ``ghost_score`` (V,), ``point_offset`` (V, 3), ``point_score`` (V,),
        ``point_type`` (V, 5), ``point_end`` (V,) where the network has them.
    """
    found = {"score": _probabilities(raw["semantic"])}
    if "ghost" in raw:
        found["ghost_score"] = _second(raw["ghost"])
    if "offset" in raw:
        found["point_offset"] = _wide(raw["offset"])
        found["point_score"] = _second(raw["point_score_0"])
        found["point_type"] = _probabilities(raw["type"])
    if "end" in raw:
        found["point_end"] = _second(raw["end"])
    return found


def uresnet_networks(
    config: UResNetConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: U-ResNet."""
    return {"net": SparseNet(config)}


def uresnet_ppn_networks(
    config: UResNetPpnConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: U-ResNet with points."""
    return {"net": SparseNet(config)}


def _wide(values: Tensor) -> Tensor:
    """At least float32: a float64 module, which proves an export, stays as it is."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def _probabilities(logits: Tensor) -> Tensor:
    return _wide(logits).softmax(1)


def _second(logits: Tensor) -> Tensor:
    return _probabilities(logits)[:, 1]
