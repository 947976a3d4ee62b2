"""A fast generator: layers are channels of an image, and a head makes their energies."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zoo_calo.config import WganLiteConfig
from zoo_calo.models.sizes import doubled

__all__ = ["LiteGenerator", "Texture", "about"]

_TINY = 1e-6
_SLOPE = 0.2


class LiteGenerator(nn.Module):
    """Latent numbers and conditions to the cells of a shower.

    A head gives the energy of each layer: what all see, which starts proportional to that of the
    particle, times a share. Convolutions in two dimensions give the shares of a layer's cells.

    Args:
        config: Widths.
        shape: Cells of a shower, (layers, x, y).
        response: What all cells see, in the networks' units, of a particle with energy 1 in the
            unit of the conditions: where the training begins.
    """

    def __init__(
        self, config: WganLiteConfig, shape: tuple[int, int, int], response: float
    ) -> None:
        super().__init__()
        self.response, layers, width = response, shape[0], config.width
        given = config.latent + config.conditions + 1
        x, y = (doubled(size, 2) for size in shape[1:])
        self.start = (2 * width, x.start, y.start)
        first, second = zip(x.kernels, y.kernels, strict=True)
        self.stem = nn.Linear(given, math.prod(self.start))
        self.grow = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.ConvTranspose2d(2 * width, width, first, 2, 1),
            nn.GroupNorm(1, width),
            nn.LeakyReLU(_SLOPE),
            nn.ConvTranspose2d(width, width, second, 2, 1),
            nn.GroupNorm(1, width),
            nn.LeakyReLU(_SLOPE),
        )
        self.texture = Texture(config.latent, (config.texture, *shape[1:]))
        self.paint = nn.Sequential(
            nn.Conv2d(width + config.texture, width, 3, padding=1),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(width, layers, 3, padding=1),
        )
        self.head = nn.Sequential(
            nn.Linear(given, config.head),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(config.head, config.head),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(config.head, layers + 1),
        )

    def forward(self, latent: Tensor, conditions: Tensor) -> Tensor:
        """float32 (N, layers, x, y), at least 0; of latent (N, Z, 1, 1, 1), conditions (N, C)."""
        numbers = latent.flatten(1)
        given = torch.cat([numbers, about(conditions)], 1)
        image = self.grow(self.stem(given).unflatten(1, self.start))
        cells = self.paint(torch.cat([image, self.texture(numbers)], 1)).relu()
        share: Tensor = cells / (cells.sum((2, 3), keepdim=True) + _TINY)
        return share * self._energies(given, conditions)[:, :, None, None]

    def _energies(self, given: Tensor, conditions: Tensor) -> Tensor:
        """(N, layers): of a total that is at most e^2 times, or a part of e^2, of the expected."""
        numbers = self.head(given)
        total = self.response * conditions[:, :1] * (2 * (numbers[:, :1] / 2).tanh()).exp()
        energies: Tensor = total * numbers[:, 1:].softmax(1)
        return energies


class Texture(nn.Module):
    """Images of pseudo-random numbers, sin(a z): as good as independent of one another.

    The phase of a number, a sum of ``Z`` latent numbers with Gaussian factors ``a``, spreads over
    many turns, and so does the difference of any two. Hits of single cells need more numbers than
    there are latent ones. The factors are constants of the network.

    Args:
        latent: Z.
        shape: Of the images, (channels, x, y).
    """

    factors: Tensor

    def __init__(self, latent: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("factors", torch.randn(latent, math.prod(shape)))

    def forward(self, numbers: Tensor) -> Tensor:
        """(N, channels, x, y) of latent numbers (N, Z)."""
        texture: Tensor = (numbers @ self.factors).sin()
        images: Tensor = texture.unflatten(1, self.shape)  # type: ignore[no-untyped-call]
        return images


def about(conditions: Tensor) -> Tensor:
    """(N, C + 1), conditions (N, C) and the logarithm of the first, the energy."""
    return torch.cat([conditions, conditions[:, :1].log()], 1)
