"""What is exported is not what predicts."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zoo.api import Codec
from zoo_broken.nets import PulseDeploy


class Halved(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pulse: Tensor) -> Tensor:
        found: Tensor = self.net(pulse) / 2
        return found


class OtherDeploy(PulseDeploy):
    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        return Halved(nets["net"])
