"""A network along the clusters of a track, which may start from the classical fit.

Where pads are shared by several clusters, a fit of their centres loses information that a network
finds again in the charges. Place, direction and curvature shift the clusters of a track like 1, u
and u^2 of the path u: so features are averaged with these weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_ha_tpc.clusters import feature_count, summary_count
from zoo_ha_tpc.config import ClusterNetConfig
from zoo_ha_tpc.models.heads import numbers_of

__all__ = ["ClusterNet", "networks"]


def networks(
    config: ClusterNetConfig,
    facts: Mapping[str, Any],  # noqa: ARG001  # the contract gives it to all
) -> dict[str, nn.Module]:
    """The one network of the model, ``net``."""
    return {"net": ClusterNet(config)}


class ClusterNet(nn.Module):
    """Convolutions along the track, moments, and two layers.

    The last layer begins as zero where the network corrects a fit: untrained, it is that fit.

    Args:
        config: Widths, targets and loss.
    """

    def __init__(self, config: ClusterNetConfig) -> None:
        super().__init__()
        self.corrects = config.start != "direct"
        self.numbers = numbers_of(config.loss)
        width, targets = config.width, len(config.targets)
        self.first = nn.Linear(feature_count(config), width)
        self.layers = nn.ModuleList(_Layer(width, config.kernel) for _ in range(config.layers))
        known = summary_count(config) + (2 * targets if self.corrects else 0)
        self.hidden = nn.Linear(4 * width + known, 2 * width)
        self.dropout = nn.Dropout(config.dropout)
        self.last = nn.Linear(2 * width, targets * self.numbers)
        if self.corrects:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    def forward(
        self,
        clusters: Tensor,
        present: Tensor,
        summary: Tensor,
        start: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> Tensor:
        """K numbers for each target, in units of ``scale`` about ``start``.

        Args:
            clusters: Features, float32 (N, M, F), in the order of the track.
            present: 1 where there is a cluster, else 0, float32 (N, M).
            summary: Features of the track, float32 (N, G).
            start: The classical estimate in standard units, float32 (N, T).
            scale: Its error, likewise.

        Returns:
            float32 (N, T, K).
        """
        mask = present[..., None]
        features = functional.gelu(self.first(clusters)) * mask
        for layer in self.layers:
            features = layer(features, mask)
        known = [summary]
        if start is not None and scale is not None:
            known += [start, scale.log()]
        pooled = _moments(features, mask)
        hidden = functional.gelu(self.hidden(torch.cat([pooled, *known], 1)))
        answer: Tensor = self.last(self.dropout(hidden))
        # Not reshape: a tracer would record the number of tracks.
        numbers: Tensor = answer.float().unflatten(1, (-1, self.numbers))  # type: ignore[no-untyped-call]
        return numbers


class _Layer(nn.Module):
    """Convolution along the track of normalised features, added to them.

    Nothing where no cluster is: the length to which a batch is padded does not matter.
    """

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.convolution = nn.Conv1d(width, width, kernel, padding=kernel // 2)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """(N, M, width) to the same."""
        normal = self.norm(features) * mask
        change: Tensor = self.convolution(normal.transpose(1, 2)).transpose(1, 2)
        return features + functional.gelu(change) * mask


def _moments(features: Tensor, mask: Tensor) -> Tensor:
    """Means with weights 1, u and u^2, and the largest of each feature, (N, 4 width).

    u runs from -1 at the first to 1 at the last cluster.
    """
    count = mask.sum(1, keepdim=True).clamp(min=1)
    place = mask.cumsum(1) - 1
    u = (2 * place / (count - 1).clamp(min=1) - 1) * mask
    shares = mask / count
    means = [(features * shares * weight).sum(1) for weight in (torch.ones_like(u), u, u * u)]
    largest = (features - 1e4 * (1 - mask)).amax(1) * mask.amax(1)  # none of a track without any
    return torch.cat([*means, largest], 1)
