"""A layer that nobody calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from zoo_broken.base import NetConfig
from zoo_broken.nets import PulseNet


class IdleNet(PulseNet):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.extra = nn.Linear(width, width)


def networks(config: NetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    return {"net": IdleNet(config.width)}
