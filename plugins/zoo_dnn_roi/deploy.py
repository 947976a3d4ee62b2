"""What Wire-Cell loads: an image of binned waveforms in, a probability image out."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from zoo.api import Codec, Deploy, Field, Specs, generator
from zoo_dnn_roi.codec import STAMP
from zoo_dnn_roi.config import RoiConfig
from zoo_dnn_roi.tiling import Tileable

__all__ = ["RoiDeploy"]


class RoiDeploy(Deploy):
    """(batch, inputs, wires, bins) -> (batch, 1, wires, bins), any number of wires and bins."""

    # ProtoDUNE-HD at rebin 10 and 4, ProtoDUNE-VD, wrapped wires with an odd number of bins.
    sizes: tuple[Mapping[str, int], ...] = (
        {"batch": 1, "wire": 800, "bin": 600},
        {"batch": 1, "wire": 800, "bin": 1500},
        {"batch": 2, "wire": 476, "bin": 640},
        {"batch": 1, "wire": 1148, "bin": 1499},
        {"batch": 2, "wire": 81, "bin": 61},
        {"batch": 1, "wire": 32, "bin": 32},
    )

    settings: frozenset[str] = frozenset({"tiles"})

    def __init__(self, config: RoiConfig, facts: Mapping[str, Any]) -> None:
        self.names = config.inputs
        self.tiles = getattr(config, "tiles", 1)  # the config of a Tileable network has it
        self.inputs: Specs = {
            "image": Field(
                dims=("batch", len(config.inputs), "wire", "bin"),
                dtype="float32",
                meaning=f"{', '.join(config.inputs)}: mean over {config.rebin} ticks, "
                f"over {config.scale:g} e-/tick; an MP mask counts {STAMP:g}",
            )
        }
        self.outputs: Specs = {
            "probability": Field(
                dims=("batch", 1, "wire", "bin"),
                dtype="float32",
                meaning="probability that a time bin belongs to a region of interest",
                minimum=0,
                maximum=1,
            )
        }

    def module(self, nets: Mapping[str, nn.Module], codec: Codec) -> nn.Module:
        """The network in evaluation mode, normalisation folded into convolutions, and a sigmoid.

        LibTorch does not fold; it saves about a seventh of the time.
        """
        net = copy.deepcopy(nets["net"]).eval()
        _fold(net)
        if isinstance(net, Tileable):
            net.tiles = self.tiles
        return _Probability(net).eval()

    def example(
        self, dims: Mapping[str, int], keys: NDArray[np.uint64]
    ) -> Mapping[str, NDArray[Any]]:
        """Planes of noise with one straight track each, in the network's units."""
        shape = (dims["wire"], dims["bin"])
        planes = [_plane(self.names, shape, generator(key)) for key in keys[: dims["batch"]]]
        return {"image": np.stack(planes)}


class _Probability(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        # Wire-Cell copies the memory of the result: it must be contiguous.
        probability: Tensor = self.net(image).sigmoid().contiguous()
        return probability


def _fold(module: nn.Module) -> None:
    """Fold each BatchNorm that directly follows a convolution in a Sequential into it."""
    if isinstance(module, nn.Sequential):
        for index in range(len(module) - 1):
            convolution, norm = module[index], module[index + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[index] = fuse_conv_bn_eval(convolution, norm)
                module[index + 1] = nn.Identity()
    for child in module.children():
        _fold(child)


def _plane(
    names: tuple[str, ...], shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """(inputs, wires, bins): 5 % noise; a track of amplitude 1, three bins long on each wire."""
    wires, bins = shape
    track = np.zeros(shape, np.float32)
    centre = rng.uniform(0, bins) + rng.uniform(-2, 2) * np.arange(wires)
    for offset in (-1, 0, 1):
        track[np.arange(wires), (centre.astype(np.int64) + offset) % bins] = 1
    noise = rng.normal(0, 0.05, (len(names), *shape)).astype(np.float32)
    is_mask = np.array([name in {"mp2", "mp3"} for name in names])[:, None, None]
    return np.where(is_mask, track, track + noise).astype(np.float32)
