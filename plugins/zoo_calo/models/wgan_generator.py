"""The generator of Getting High (arXiv:2005.05334): transposed convolutions from 4^3 to 30^3."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo_calo.config import WganConfig
from zoo_calo.models.common import published_start
from zoo_calo.models.sizes import Volume, doubled

__all__ = ["WganGenerator"]

_DOUBLINGS = 3


class WganGenerator(nn.Module):
    """Latent numbers and conditions to the cells of a shower.

    Two stems make half of the first channels each. Three layers double every axis and halve the
    channels, with a normalisation over space alone; the last takes an edge of one cell away.

    Args:
        config: Widths.
        shape: Cells of a shower, (layers, x, y).
    """

    def __init__(self, config: WganConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        volume = Volume(*(doubled(size + 2, _DOUBLINGS) for size in shape))
        width = config.generator_width
        first = width * 2 ** (_DOUBLINGS - 1)
        self.from_latent = nn.ConvTranspose3d(config.latent, first, volume.start, bias=False)
        self.from_conditions = nn.ConvTranspose3d(
            config.conditions, first, volume.start, bias=False
        )
        layers: list[nn.Module] = []
        for number in range(_DOUBLINGS):
            before = 2 * first if number == 0 else first // 2 ** (number - 1)
            kernel = volume.kernel(number)
            layers += [
                nn.ConvTranspose3d(before, first // 2**number, kernel, 2, 1, bias=False),
                nn.LayerNorm(volume.size(number)),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers)
        self.last = nn.ConvTranspose3d(width, 1, 3, 1, 2, bias=False)
        published_start(self)

    def forward(self, latent: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N, layers, x, y), at least 0; of latent (N, Z, 1, 1, 1), conditions (N, C)."""
        given = conditions[:, :, None, None, None]
        start = torch.cat([self.from_conditions(given), self.from_latent(latent)], 1)
        cells: Tensor = self.last(self.body(start)).relu().squeeze(1)
        return cells
