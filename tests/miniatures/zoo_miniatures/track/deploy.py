"""What an event reconstruction loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from zoo.api import Codec, Deploy, Field, Specs, uniform
from zoo_miniatures.track.config import PadNetConfig
from zoo_miniatures.track.physics import PADS, ROWS

__all__ = ["PadDeploy"]


class PadDeploy(Deploy):
    """Scaled pads -> mean and log variance; constants of the codec give them units."""

    sizes: tuple[Mapping[str, int], ...] = ({"batch": 8}, {"batch": 1}, {"batch": 2})

    def __init__(self, config: PadNetConfig, facts: Mapping[str, Any]) -> None:
        self.inputs: Specs = {
            "pads": Field(
                dims=("batch", 1, ROWS, PADS), dtype="float32", meaning="charge over row_scale"
            )
        }
        self.outputs: Specs = {
            "mean": Field(dims=("batch",), dtype="float32", meaning="(position - mean) / std"),
            "log_variance": Field(dims=("batch",), dtype="float32", meaning="ln (sigma / std)^2"),
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        return nets["net"]

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        pads = uniform(keys[: dims["batch"]], 1, ROWS, PADS)
        return {"pads": pads.astype(np.float32)}
