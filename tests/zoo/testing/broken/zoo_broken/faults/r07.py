"""A random tensor that is no buffer: it is drawn anew wherever the network is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_broken.base import NetConfig
from zoo_broken.nets import PulseNet


class DrawnNet(PulseNet):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.scales = [float(scale) for scale in 1 + 0.1 * torch.rand(width)]

    def features(self, pulse: Tensor) -> Tensor:
        channels = super().features(pulse).unbind(1)
        scaled = [c * scale for c, scale in zip(channels, self.scales, strict=True)]
        return torch.stack(scaled, 1)


def networks(config: NetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    return {"net": DrawnNet(config.width)}
