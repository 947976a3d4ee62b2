"""The critic of Getting High (arXiv:2005.05334): four convolutions and five dense layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo_calo.config import WganConfig
from zoo_calo.models.common import Readout, published_start
from zoo_calo.models.sizes import Volume, halved, shrunk

__all__ = ["WganCritic"]

_PUBLISHED_LAYERS = 30
_ALONG = (10, 6, 4, 4)  # kernels along the layers
_HIDDEN = (100, 200, 100, 75)


class WganCritic(nn.Module):
    """Cells and conditions to one number: high for showers that look real.

    Args:
        config: Width.
        shape: Cells of a shower, (layers, x, y).
    """

    def __init__(self, config: WganConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        along = shrunk(shape[0], _PUBLISHED_LAYERS, _ALONG)
        across = (halved(size, (2,) * 4, (2, 2, 2, 1), 1) for size in shape[1:])
        volume = Volume(along, *across)
        width = config.critic_width
        channels = (1, width, 2 * width, 4 * width, 1)
        layers: list[nn.Module] = []
        for number in range(4):
            convolution = nn.Conv3d(
                channels[number],
                channels[number + 1],
                volume.kernel(number),
                volume.stride(number),
                volume.padding(number),
                bias=False,
            )
            layers.append(convolution)
            layers += [nn.LayerNorm(volume.size(number)), nn.LeakyReLU(0.2)] if number < 3 else []
        self.body = nn.Sequential(*layers)
        features = math.prod(volume.end) + config.conditions
        self.readout = Readout((features, *_HIDDEN, 1))
        self.unit = config.critic_unit
        published_start(self)

    def forward(self, cells: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N,) of ``cells`` (N, layers, x, y) and conditions (N, C)."""
        features = self.body(cells[:, None] / self.unit).flatten(1)
        value: Tensor = self.readout(torch.cat([features, conditions], 1)).squeeze(1)
        return value
