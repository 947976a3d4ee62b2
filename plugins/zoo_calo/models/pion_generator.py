"""The generator for pions (arXiv:2112.09709): from 4^3 to 48 x 25 x 25 in six layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.api import ConfigError
from zoo_calo.config import WganPionConfig
from zoo_calo.models.common import published_start
from zoo_calo.models.sizes import Axis, Volume, doubled, widened

__all__ = ["PionGenerator", "across", "along"]

_PUBLISHED_LAYERS = 48
_GAINS = (7, 5, 4)  # of the last three, on so many layers
_NARROW = (10, 5)  # channels before the last
_FEWEST = 7  # cells across


def along(size: int) -> Axis:
    """Three doublings, then three layers that add cells: 4, 8, 16, 32, 39, 44, 48."""
    gains = [round(gain * size / _PUBLISHED_LAYERS) for gain in _GAINS]
    return widened(doubled(size - sum(gains), 3), gains)


def across(size: int) -> Axis:
    """Two doublings, two layers that add a cell, one doubling, two cells: 4, 6, 10, 11, 12, 23, 25.

    All have padding 1. A doubling has stride 2 and kernel 3, ``s -> 2 s - 1``, where the size that
    it makes is odd; else the first two have kernel 2, ``s -> 2 s - 2``, and the third kernel 4.

    Raises:
        ConfigError: If there are fewer than 7 cells.
    """
    if size < _FEWEST:
        raise ConfigError(
            f"this network makes at least {_FEWEST} cells across, not {size}",
            where="facts.grid",
            remedy="take calo/wgan or calo/wgan-lite",
        )
    fifth = size - 2
    fourth = (fifth + 1) // 2
    second = fourth - 2
    first = (second + 2) // 2
    sizes = (first, second, fourth - 1, fourth, fifth, size)
    kernels = (2 + first % 2, 2 + second % 2, 4, 4, 4 - fifth % 2, 5)
    return Axis((first + 2) // 2, sizes, kernels, (2, 2, 1, 1, 2, 1), (1,) * 6)


class PionGenerator(nn.Module):
    """Latent numbers and conditions to the cells of a shower.

    Args:
        config: Width.
        shape: Cells of a shower, (layers, x, y).

    Raises:
        ConfigError: If there are fewer than 7 cells across.
    """

    def __init__(self, config: WganPionConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        volume = Volume(along(shape[0]), across(shape[1]), across(shape[2]))
        width = config.generator_width
        self.from_latent = nn.ConvTranspose3d(config.latent, 4 * width, volume.start, bias=False)
        self.from_conditions = nn.ConvTranspose3d(
            config.conditions, 4 * width, volume.start, bias=False
        )
        channels = (8 * width, 4 * width, 2 * width, width, *_NARROW, 1)
        layers: list[nn.Module] = []
        for number in range(len(channels) - 1):
            convolution = nn.ConvTranspose3d(
                channels[number],
                channels[number + 1],
                volume.kernel(number),
                volume.stride(number),
                volume.padding(number),
                bias=False,
            )
            is_last = number == len(channels) - 2
            norm = [] if is_last else [nn.LayerNorm(volume.size(number))]
            layers += [convolution, *norm, nn.ReLU()]
        self.body = nn.Sequential(*layers)
        published_start(self)

    def forward(self, latent: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N, layers, x, y), at least 0; of latent (N, Z, 1, 1, 1), conditions (N, C)."""
        given = conditions[:, :, None, None, None]
        start = torch.cat([self.from_conditions(given), self.from_latent(latent)], 1)
        cells: Tensor = self.body(start).squeeze(1)
        return cells
