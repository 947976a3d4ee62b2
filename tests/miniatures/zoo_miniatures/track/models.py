"""The network of mini-track."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo_miniatures.track.config import PadNetConfig
from zoo_miniatures.track.physics import PADS, ROWS

__all__ = ["PadNet", "networks"]


class PadNet(nn.Module):
    """Pads ``(N, 1, ROWS, PADS)`` -> mean and log variance, each ``(N,)``, in fitted units."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),  # its running statistics belong to the state that resumes
            nn.ReLU(),
            nn.Conv2d(width, width, (ROWS, 3), padding=(0, 1)),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(width * PADS, 2),
        )

    def forward(self, pads: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.body(pads).unbind(1)
        return mean, log_variance.clamp(-12, 4)


def networks(config: PadNetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """One network."""
    return {"net": PadNet(config.width)}
