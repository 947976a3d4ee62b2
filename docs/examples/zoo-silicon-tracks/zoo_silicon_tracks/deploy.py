"""What a tracking program loads: the network between graph building and track building."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from zoo.api import Codec, Deploy, Field, Specs, normal, uniform
from zoo_silicon_tracks.codec import BENDS, DOUBLETS
from zoo_silicon_tracks.config import DoubletNetConfig

__all__ = ["DoubletDeploy"]


class DoubletDeploy(Deploy):
    """Pairs, links and bends -> logits."""

    sizes: tuple[Mapping[str, int], ...] = (
        {"doublet": 500, "link": 400},
        {"doublet": 37, "link": 11},
        {"doublet": 2000, "link": 3001},
    )

    def __init__(self, config: DoubletNetConfig, facts: Mapping[str, Any]) -> None:
        self.inputs: Specs = {
            "doublets": Field(
                dims=("doublet", DOUBLETS),
                dtype="float32",
                meaning="curvature, its size, cot(theta), origin, layer, gap; all scaled",
            ),
            "links": Field(dims=("link", 2), dtype="int64", meaning="inner and outer pair"),
            "bends": Field(
                dims=("link", BENDS), dtype="float32", meaning="arcsinh of scaled differences"
            ),
        }
        self.outputs: Specs = {
            "logits": Field(dims=("doublet",), dtype="float32", meaning="log odds of a true pair")
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network as it is."""
        return nets["net"]

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """Random pairs and links between them."""
        pairs, links = keys[: dims["doublet"]], keys[: dims["link"]]
        ends = np.floor(dims["doublet"] * uniform(links, 2, tag=1))
        return {
            "doublets": normal(pairs, DOUBLETS).astype(np.float32),
            "links": ends.astype(np.int64),
            "bends": normal(links, BENDS, tag=2).astype(np.float32),
        }
