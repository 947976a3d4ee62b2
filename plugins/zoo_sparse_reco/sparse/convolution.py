"""Layers of sparse convolution. Which voxels they connect comes with every call, as a kernel map.

The form of the computation is chosen by where it runs: pairs on a CPU, tables on
a GPU, plain operations with free sizes in an exported graph.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from zoo_sparse_reco.sparse.gpu_form import table_convolution
from zoo_sparse_reco.sparse.maps import DownMap, KernelMap, NeighbourMap, UpMap
from zoo_sparse_reco.sparse.pair_form import pair_convolution
from zoo_sparse_reco.sparse.table_form import spread_product, table_product

__all__ = ["DownConv", "SubmanifoldConv", "UpConv", "convolve", "exporting"]


def convolve(features: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
    """A sparse convolution without bias.

    Args:
        features: (inputs, C_in).
        weight: (offsets, C_in, C_out).
        kernel_map: Which voxels are connected.

    Returns:
        (outputs, C_out); under autocast of its type. Differentiable once.
    """
    features, weight = _cast(features, weight)
    if exporting():
        if isinstance(kernel_map, UpMap):
            down = kernel_map.down
            return spread_product(features, weight, down.parent, down.slot)
        return table_product(features, weight, kernel_map.table)
    if features.is_cuda:
        return table_convolution(features, weight, kernel_map)
    return pair_convolution(features, weight, kernel_map.pairs)


def exporting() -> bool:
    """Whether a graph is being recorded, which must be free of sizes that depend on values."""
    traced: Any = torch.jit  # what it exports has no types
    return torch.compiler.is_compiling() or bool(traced.is_tracing())


class _SparseConv(nn.Module):
    """A weight (offsets, C_in, C_out), and a bias (C_out,) where wanted.

    Initialised as torch initialises its dense convolutions: uniform within
    ``1 / sqrt(fan-in)`` (Kaiming, He et al., arXiv:1502.01852, with a = sqrt(5)).
    """

    def __init__(
        self, in_channels: int, out_channels: int, offsets: int, *, bias: bool, fan_in: int
    ) -> None:
        super().__init__()
        self.fan_in = fan_in
        self.weight = nn.Parameter(torch.empty(offsets, in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new ones."""
        bound = 1 / math.sqrt(self.fan_in)
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        offsets, channels, wide = self.weight.shape
        return f"{channels}, {wide}, offsets={offsets}, bias={self.bias is not None}"

    def _convolved(self, features: Tensor, kernel_map: KernelMap) -> Tensor:
        result = convolve(features, self.weight, kernel_map)
        return result if self.bias is None else result + self.bias.to(result.dtype)


class SubmanifoldConv(_SparseConv):
    """Answers exactly at the voxels that there are (Graham and van der Maaten, arXiv:1706.01307).

    Args:
        in_channels: Of the features (N, in_channels).
        out_channels: Of the answer (N, out_channels).
        kernel: Odd size along every axis.
        dims: 2 or 3.
        bias: Whether there is one.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int = 3,
        dims: int = 3,
        bias: bool = False,
    ) -> None:
        offsets = kernel**dims
        super().__init__(
            in_channels, out_channels, offsets, bias=bias, fan_in=offsets * in_channels
        )

    def forward(self, features: Tensor, neighbours: NeighbourMap) -> Tensor:
        """(N, in_channels) to (N, out_channels)."""
        return self._convolved(features, neighbours)


class DownConv(_SparseConv):
    """Kernel 2, stride 2: from a level (N, in_channels) to the next coarser (M, out_channels)."""

    def __init__(
        self, in_channels: int, out_channels: int, *, dims: int = 3, bias: bool = False
    ) -> None:
        slots = 2**dims
        super().__init__(in_channels, out_channels, slots, bias=bias, fan_in=slots * in_channels)

    def forward(self, features: Tensor, down: DownMap) -> Tensor:
        """(N, in_channels) to (M, out_channels)."""
        return self._convolved(features, down)


class UpConv(_SparseConv):
    """Transposed, kernel 2, stride 2: from a level (M, in_channels) to the next finer one.

    Answers at the voxels (N, out_channels) that the finer level has. Each of them takes one coarse
    voxel, so the fan-in is ``in_channels``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, dims: int = 3, bias: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, 2**dims, bias=bias, fan_in=in_channels)

    def forward(self, features: Tensor, up: UpMap) -> Tensor:
        """(M, in_channels) to (N, out_channels)."""
        return self._convolved(features, up)


def _cast(features: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the type of autocast, where that is on, for the forms decide on types themselves."""
    device = features.device.type
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
        return features.to(dtype), weight.to(dtype)
    return features, weight
