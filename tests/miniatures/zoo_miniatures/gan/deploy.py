"""The generator alone, as a fast simulation loads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from zoo.api import Codec, Deploy, Field, Specs, uniform
from zoo_miniatures.gan.config import GanConfig

__all__ = ["GeneratorDeploy"]


class GeneratorDeploy(Deploy):
    """(latent, log energy) -> fractions of the energy."""

    sizes: tuple[Mapping[str, int], ...] = ({"batch": 16}, {"batch": 1}, {"batch": 2})

    def __init__(self, config: GanConfig, facts: Mapping[str, Any]) -> None:
        layers = len(facts["edges"]) - 1
        self.inputs: Specs = {
            "latent": Field(
                dims=("batch", config.latent),
                dtype="float32",
                meaning="uniform random numbers",
                minimum=-1.0,
                maximum=1.0,
            ),
            "log_energy": Field(dims=("batch", 1), dtype="float32", meaning="ln(E / 30 GeV)"),
        }
        self.outputs: Specs = {
            "fractions": Field(
                dims=("batch", layers), dtype="float32", meaning="seen energy of each layer over E"
            )
        }
        self.latent = config.latent

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        return nets["generator"]

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        keys = keys[: dims["batch"]]
        energy = 10 + 90 * uniform(keys, 1, tag=1)
        return {
            "latent": (2 * uniform(keys, self.latent, tag=2) - 1).astype(np.float32),
            "log_energy": np.log(energy / 30).astype(np.float32),
        }
