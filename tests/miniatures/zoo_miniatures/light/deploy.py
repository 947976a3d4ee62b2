"""What a light simulation loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from zoo.api import Codec, Deploy, Field, PluginError, Specs, uniform
from zoo_miniatures.light.config import SirenConfig
from zoo_miniatures.light.models import Siren, WholeSiren

__all__ = ["SirenDeploy"]


class SirenDeploy(Deploy):
    """Points -> logits over all photomultipliers."""

    sizes: tuple[Mapping[str, int], ...] = ({"batch": 8}, {"batch": 1}, {"batch": 2})

    def __init__(self, config: SirenConfig, facts: Mapping[str, Any]) -> None:
        pmts = len(facts["geometry"]["position"])
        self.inputs: Specs = {
            "position": Field(
                dims=("batch", 3),
                dtype="float32",
                meaning="point over the half edge of the box",
                minimum=-1.0,
                maximum=1.0,
            )
        }
        self.outputs: Specs = {
            "logits": Field(
                dims=("batch", pmts), dtype="float32", meaning="softmax of it: share of the light"
            )
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        siren = nets["net"]
        if not isinstance(siren, Siren):
            raise PluginError(f"it deploys a Siren, not a {type(siren).__name__}")
        return WholeSiren(siren)

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        points = 1.6 * (uniform(keys[: dims["batch"]], 3) - 0.5)
        return {"position": points.astype(np.float32)}
