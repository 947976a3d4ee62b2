"""The backbone of the semantic networks, with heads that tell what is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_sparse_reco.codec import INPUT_TABLE
from zoo_sparse_reco.features import feature_names
from zoo_sparse_reco.masking.config import MaskedUResNetConfig
from zoo_sparse_reco.masking.patches import ENERGY, PLACE
from zoo_sparse_reco.models.blocks import Activation
from zoo_sparse_reco.models.uresnet import UResNet
from zoo_sparse_reco.sparse.maps import NeighbourMap, level_maps

__all__ = ["MaskedNet", "masked_networks"]

_TOKENS = (-2.0, -3.0)
"""What stands first for a hidden energy, and for a hidden place: below -1, which is 0 MeV."""

_USUAL = -0.7
"""Logarithm of the energy of a usual voxel, 0.5 MeV: where the head begins."""


class MaskedNet(nn.Module):
    """Backbone and heads. The backbone's parameters have the names they have in ``SparseNet``.

    Features of what is hidden are replaced by numbers that are learnt, two of each column; so the
    first convolution has the shape that it has for events of which all is seen. Coordinates are
    no secret and stay.
    """

    def __init__(self, config: MaskedUResNetConfig) -> None:
        super().__init__()
        names = feature_names(config)
        self.backbone = UResNet(config, len(names))
        secret = torch.tensor([name not in {"x", "y", "z"} for name in names])
        self.register_buffer("secret", secret, persistent=False)
        tokens = torch.tensor(_TOKENS)[:, None].repeat(1, int(secret.sum()))
        self.tokens = nn.Parameter(tokens)
        self.active = Activation(config.filters, config.momentum)
        self.energy = nn.Linear(config.filters, 1)
        self.occupancy = nn.Linear(config.filters, 1)
        nn.init.constant_(self.energy.bias, _USUAL)

    def forward(self, features: Tensor, kind: Tensor, **tables: Tensor) -> dict[str, Tensor]:
        """``log_energy`` (S,) and the logit ``occupancy`` (S,) of every place.

        Args:
            features: (S, columns).
            kind: int64 (S,), what is hidden of each place.
            tables: As of :class:`~zoo_sparse_reco.models.networks.SparseNet`.
        """
        levels = level_maps(tables)
        first = levels[0].neighbours
        if INPUT_TABLE in tables:
            first = NeighbourMap(tables[INPUT_TABLE])
        values = self.backbone(self._hidden(features, kind), first, levels).finest
        active = self.active(values)
        return {
            "log_energy": self.energy(active).squeeze(1),
            "occupancy": self.occupancy(active).squeeze(1),
        }

    def _hidden(self, features: Tensor, kind: Tensor) -> Tensor:
        """Features with tokens in their place where something is hidden."""
        values = features[:, self.secret]
        for token, hidden in enumerate((ENERGY, PLACE)):
            values = torch.where((kind == hidden)[:, None], self.tokens[token], values)
        if bool(self.secret.all()):
            return values
        changed = features.clone()
        changed[:, self.secret] = values.to(features.dtype)
        return changed


def masked_networks(
    config: MaskedUResNetConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: U-ResNet with both heads."""
    return {"net": MaskedNet(config)}
