"""The rest of the correct plugin, which needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.api import Batch, Codec, Context, Deploy, Field, Learner, Loss, Specs, uniform
from zoo_broken.base import SAMPLES, NetConfig


class PulseNet(nn.Module):
    """Pulses ``(N, time)`` -> positions ``(N,)``, for any length of the pulse."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, width, 3, padding=1)
        self.last = nn.Linear(width, 1)

    def forward(self, pulse: Tensor) -> Tensor:
        found: Tensor = self.last(self.features(pulse).mean(2))[:, 0]
        return found

    def features(self, pulse: Tensor) -> Tensor:
        found: Tensor = self.first(pulse[:, None]).relu()
        return found


def networks(config: NetConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    return {"net": PulseNet(config.width)}


class PulseLearner(Learner):
    """Squared error."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        residual = nets["net"](**batch.inputs) - batch.targets["position"]
        return Loss().add("squares", (residual**2).sum(), len(residual))

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        return {"position": nets["net"](**batch.inputs)}


class PulseDeploy(Deploy):
    """Scaled pulses -> scaled positions."""

    sizes: tuple[Mapping[str, int], ...] = (
        {"batch": 3, "time": SAMPLES},
        {"batch": 1, "time": SAMPLES},
        {"batch": 2, "time": SAMPLES + 1},
    )

    def __init__(self, config: NetConfig, facts: Mapping[str, Any]) -> None:
        self.inputs: Specs = {
            "pulse": Field(dims=("batch", "time"), dtype="float32", meaning="over their mean")
        }
        self.outputs: Specs = {
            "position": Field(dims=("batch",), dtype="float32", meaning="over their mean")
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        return nets["net"]

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        pulse = uniform(keys[: dims["batch"]], dims["time"])
        return {"pulse": pulse.astype(np.float32)}
