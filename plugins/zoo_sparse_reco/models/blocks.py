"""What the networks are made of: normalisation over voxels, residual blocks, steps of resolution.

Everything is pre-activated: normalise, activate, convolve (He et al., arXiv:1603.05027).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from zoo_sparse_reco.sparse.convolution import DownConv, SubmanifoldConv, UpConv
from zoo_sparse_reco.sparse.maps import DownMap, NeighbourMap, UpMap

__all__ = ["Activation", "Blocks", "Down", "ResidualBlock", "Up", "VoxelNorm"]

_SLOPE = 0.33
_EPS = 1e-4


class VoxelNorm(nn.BatchNorm1d):
    """Batch normalisation over the voxels of a batch, (V, channels).

    A level with fewer than two voxels has no spread: there the running averages are taken, in
    training too, and stay as they are.

    Args:
        channels: Features of a voxel.
        momentum: Share of the new statistics in the running averages.
    """

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__(channels, eps=_EPS, momentum=momentum)

    def forward(self, values: Tensor) -> Tensor:
        """Of the same shape."""
        if self.training and len(values) < 2:
            return functional.batch_norm(
                values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(values)


class Activation(nn.Sequential):
    """Normalisation and leaky ReLU of slope 0.33."""

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__(VoxelNorm(channels, momentum), nn.LeakyReLU(_SLOPE))


class ResidualBlock(nn.Module):
    """Two submanifold convolutions beside the identity, or a matrix where widths differ."""

    def __init__(self, in_channels: int, out_channels: int, momentum: float) -> None:
        super().__init__()
        self.first = Activation(in_channels, momentum)
        self.first_conv = SubmanifoldConv(in_channels, out_channels)
        self.second = Activation(out_channels, momentum)
        self.second_conv = SubmanifoldConv(out_channels, out_channels)
        self.skip: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.skip = nn.Linear(in_channels, out_channels, bias=False)

    def forward(self, values: Tensor, neighbours: NeighbourMap) -> Tensor:
        """(V, in_channels) to (V, out_channels)."""
        inner = self.first_conv(self.first(values), neighbours)
        inner = self.second_conv(self.second(inner), neighbours)
        answer: Tensor = inner + self.skip(values)
        return answer


class Blocks(nn.Module):
    """Residual blocks one after another; the first changes the width."""

    def __init__(self, in_channels: int, out_channels: int, reps: int, momentum: float) -> None:
        super().__init__()
        widths = [in_channels, *[out_channels] * reps]
        self.blocks = nn.ModuleList(
            ResidualBlock(widths[index], widths[index + 1], momentum) for index in range(reps)
        )

    def forward(self, values: Tensor, neighbours: NeighbourMap) -> Tensor:
        """(V, in_channels) to (V, out_channels)."""
        for block in self.blocks:
            values = block(values, neighbours)
        return values


class Down(nn.Module):
    """To the next coarser level: kernel 2, stride 2."""

    def __init__(self, in_channels: int, out_channels: int, momentum: float) -> None:
        super().__init__()
        self.active = Activation(in_channels, momentum)
        self.conv = DownConv(in_channels, out_channels)

    def forward(self, values: Tensor, down: DownMap) -> Tensor:
        """(N, in_channels) to (M, out_channels) of the coarser level."""
        coarser: Tensor = self.conv(self.active(values), down)
        return coarser


class Up(nn.Module):
    """To the next finer level, to the voxels that it has: transposed, kernel 2, stride 2."""

    def __init__(self, in_channels: int, out_channels: int, momentum: float) -> None:
        super().__init__()
        self.active = Activation(in_channels, momentum)
        self.conv = UpConv(in_channels, out_channels)

    def forward(self, values: Tensor, up: UpMap) -> Tensor:
        """(M, in_channels) to (N, out_channels) of the finer level."""
        finer: Tensor = self.conv(self.active(values), up)
        return finer
