"""The constrainer of Getting High (arXiv:2005.05334): it measures the energy of a shower."""

from __future__ import annotations

import math

from torch import Tensor, nn

from zoo_calo.config import WganConfig
from zoo_calo.models.common import Readout, published_start
from zoo_calo.models.sizes import Volume, halved

__all__ = ["Constrainer", "begin_above_zero"]

_HIDDEN = 100


class Constrainer(nn.Module):
    """Cells to the energy of the particle, in the unit of the conditions.

    Args:
        config: Width.
        shape: Cells of a shower, (layers, x, y).
    """

    def __init__(self, config: WganConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        volume = Volume(*(halved(size, (3, 3, 2), (2, 2, 1), 0) for size in shape))
        width = config.constrainer_width
        channels = (1, width, 2 * width, width)
        layers: list[nn.Module] = []
        for number in range(3):
            convolution = nn.Conv3d(
                channels[number],
                channels[number + 1],
                volume.kernel(number),
                volume.stride(number),
                volume.padding(number),
                bias=False,
            )
            layers.append(convolution)
            layers += [nn.LayerNorm(volume.size(number)), nn.LeakyReLU(0.2)] if number < 2 else []
        self.body = nn.Sequential(*layers)
        features = width * math.prod(volume.end)
        self.readout = Readout((features, _HIDDEN, 1))
        self.unit = config.critic_unit
        published_start(self)
        begin_above_zero(self.readout)

    def forward(self, cells: Tensor) -> Tensor:
        """float32 (N,), 0 and more, of ``cells`` (N, layers, x, y)."""
        features = self.body(cells[:, None] / self.unit).flatten(1)
        energy: Tensor = self.readout(features).relu().squeeze(1)
        return energy


def begin_above_zero(readout: Readout) -> None:
    """Let the last number begin at 1: a ReLU that begins below 0 for all showers stays there."""
    last = readout.layers[-1]
    if isinstance(last, nn.Linear):  # all are: for the type checker
        nn.init.ones_(last.bias)
