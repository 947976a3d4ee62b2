"""What networks of the task share: their conditions, first parameters, readout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from zoo_calo.config import CaloConfig

__all__ = ["Readout", "conditions", "published_start"]

_SPREAD = 0.02  # standard deviation of the published first parameters


def conditions(config: CaloConfig, inputs: Mapping[str, Tensor]) -> Tensor:
    """float32 (N, C): energy over its unit; of showers with an angle, 1 less theta over pi / 2.

    Args:
        config: The unit, and whether there is an angle.
        inputs: ``energy``, GeV, and perhaps ``theta``, rad, float32 (N, 1, 1, 1, 1).
    """
    energy = inputs["energy"].flatten(1) / config.energy_unit
    if not config.angle:
        return energy
    return torch.cat([energy, 1 - inputs["theta"].flatten(1) * (2 / math.pi)], 1)


def published_start(net: nn.Module) -> None:
    """Parameters from Gaussians of width 0.02, about 1 for the scale of a normalisation."""
    for module in net.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, _SPREAD)
        elif isinstance(module, nn.LayerNorm):
            nn.init.normal_(module.weight, 1.0, _SPREAD)
        if isinstance(module, nn.Linear | nn.LayerNorm):
            nn.init.zeros_(module.bias)


class Readout(nn.Module):
    """Dense layers with LeakyReLU of 0.2 between them, in full precision.

    A critic's answer is large where its differences count: autocast would round them away.

    Args:
        sizes: Of the input, the hidden layers and the output.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))

    def forward(self, values: Tensor) -> Tensor:
        """(N, first) -> float32 (N, last)."""
        with torch.autocast(values.device.type, enabled=False):
            found = values.float()
            for number, layer in enumerate(self.layers):
                found = layer(found if number == 0 else nn.functional.leaky_relu(found, 0.2))
            return found
