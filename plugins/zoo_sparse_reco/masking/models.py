"""The backbone of the semantic networks, with heads that tell what is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_sparse_reco.codec import INPUT_TABLE
from zoo_sparse_reco.features import feature_names
from zoo_sparse_reco.masking.config import MaskedUResNetConfig
from zoo_sparse_reco.masking.patches import ENERGY, PLACE, SEEN
from zoo_sparse_reco.models.blocks import Activation
from zoo_sparse_reco.models.uresnet import UResNet
from zoo_sparse_reco.sparse.maps import NeighbourMap, level_maps

__all__ = ["MaskedNet", "masked_networks"]

_SPREAD = 0.1
"""Of the tokens at the start: about what the first convolution makes of usual energies."""

_USUAL = -0.7
"""Logarithm of the energy of a usual voxel, 0.5 MeV: where the head begins."""


class MaskedNet(nn.Module):
    """Backbone and heads. The backbone's parameters have the names they have in ``SparseNet``.

    Features of what is hidden are 0, and a token is added after the first convolution: a vector
    that is learnt, one for hidden energies, one for hidden places. So that convolution has the
    shape that it has where all is seen, and hidden places do not drown the energies beside them, as
    one number far off would. Coordinates are no secret and stay.
    """

    secret: Tensor

    def __init__(self, config: MaskedUResNetConfig) -> None:
        super().__init__()
        names = feature_names(config)
        self.backbone = UResNet(config, len(names))
        secret = torch.tensor([name not in {"x", "y", "z"} for name in names])
        self.register_buffer("secret", secret, persistent=False)
        self.tokens = nn.Parameter(_SPREAD * torch.randn(2, config.filters))
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
        hidden = (kind != SEEN)[:, None]
        shown = torch.where(hidden & self.secret, 0.0, features)
        # A product with 0 and 1, not a selection: gradients of rows then have one order.
        which = torch.stack([kind == ENERGY, kind == PLACE], 1).to(self.tokens.dtype)
        values = self.backbone(shown, first, levels, which @ self.tokens).finest
        active = self.active(values)
        return {
            "log_energy": self.energy(active).squeeze(1),
            "occupancy": self.occupancy(active).squeeze(1),
        }


def masked_networks(
    config: MaskedUResNetConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract of networks
) -> dict[str, nn.Module]:
    """``net``: U-ResNet with both heads."""
    return {"net": MaskedNet(config)}
