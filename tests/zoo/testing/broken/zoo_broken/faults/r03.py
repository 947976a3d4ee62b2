"""A network that halves the pulse, and forgets that a length can be odd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo_broken.base import NetConfig
from zoo_broken.nets import PulseNet


class PairNet(PulseNet):
    def features(self, pulse: Tensor) -> Tensor:
        found = super().features(pulse)
        return found.reshape(*found.shape[:2], found.shape[2] // 2, 2).mean(3)


def networks(config: NetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    return {"net": PairNet(config.width)}
