"""CPU time and memory of the whole U-ResNet beside the same network of dense convolutions.

One thread, inference, float32, voxels of random tracks. First both are compared on a small volume,
where the dense network is set to zero off the voxels after each layer, as the sparse one has
nothing there: the answers are equal. Then each is measured in a process of its own: CPU time, and
how much the peak of its memory rises over what it had before.

    python tests/plugins/sparse_reco/net_speed.py [--size 192] [--voxels 5000] [--filters 32]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from conv_speed import tracks
from torch import Tensor, nn
from torch.nn import functional

from zoo.memory import give_back_large_blocks, high_water, reset_high_water, resident, trim
from zoo_sparse_reco.config import UResNetConfig
from zoo_sparse_reco.models.blocks import Activation, ResidualBlock
from zoo_sparse_reco.models.networks import SparseNet
from zoo_sparse_reco.models.uresnet import UResNet
from zoo_sparse_reco.sparse.tables import build_levels, flatten_levels


def sparse(net: SparseNet, coordinates: Any, features: Tensor) -> Tensor:
    """Logits (V, 5): from coordinates, so tables are made too."""
    events = np.zeros(len(coordinates), np.int64)
    levels = build_levels(coordinates, events, len(net.backbone.encoder))
    tables = {name: torch.from_numpy(one) for name, one in flatten_levels(levels).items()}
    answer: Tensor = net(features, **tables)["semantic"]
    return answer


class DenseUResNet:
    """The same layers with the same parameters on a full grid.

    Args:
        net: Whose parameters are taken.
        masks: 1 at the voxels of each level, (1, 1, x, y, z); without them nothing is set to zero.
    """

    def __init__(self, net: SparseNet, masks: Sequence[Tensor] = ()) -> None:
        self.net, self.masks = net, masks

    def __call__(self, grid: Tensor) -> Tensor:
        """(1, columns, x, y, z) -> (1, 5, x, y, z)."""
        net: UResNet = self.net.backbone
        grid = self._same(grid, net.first.weight, 0)
        kept: list[Tensor] = []
        for level, blocks in enumerate(net.encoder):
            if level:
                grid = self._down(grid, net.down[level - 1], level)
            grid = self._blocks(grid, blocks, level)
            kept.append(grid)
        kept.pop()
        for level in reversed(range(len(net.up))):
            grid = self._up(grid, net.up[level], level)
            grid = self._blocks(torch.cat([kept.pop(), grid], 1), net.decoder[level], level)
        heads = self.net.heads
        return self._linear(self._active(grid, heads.active), heads.semantic)

    def _blocks(self, grid: Tensor, blocks: Any, level: int) -> Tensor:
        for block in blocks.blocks:
            grid = self._block(grid, block, level)
        return grid

    def _block(self, grid: Tensor, block: ResidualBlock, level: int) -> Tensor:
        inner = self._same(self._active(grid, block.first), block.first_conv.weight, level)
        inner = self._same(self._active(inner, block.second), block.second_conv.weight, level)
        return inner + (
            grid if isinstance(block.skip, nn.Identity) else self._linear(grid, block.skip)
        )

    def _same(self, grid: Tensor, weight: Tensor, level: int) -> Tensor:
        offsets, wide, out = weight.shape
        kernel = round(offsets ** (1 / 3))
        dense = weight.permute(2, 1, 0).reshape(out, wide, kernel, kernel, kernel)
        return self._masked(
            functional.conv3d(self._masked(grid, level), dense, padding=kernel // 2), level
        )

    def _down(self, grid: Tensor, layer: Any, level: int) -> Tensor:
        weight = layer.conv.weight
        dense = weight.permute(2, 1, 0).reshape(weight.shape[2], weight.shape[1], 2, 2, 2)
        active = self._masked(self._active(grid, layer.active), level - 1)
        return self._masked(functional.conv3d(active, dense, stride=2), level)

    def _up(self, grid: Tensor, layer: Any, level: int) -> Tensor:
        weight = layer.conv.weight
        dense = weight.permute(1, 2, 0).reshape(weight.shape[1], weight.shape[2], 2, 2, 2)
        active = self._masked(self._active(grid, layer.active), level + 1)
        return self._masked(functional.conv_transpose3d(active, dense, stride=2), level)

    def _masked(self, grid: Tensor, level: int) -> Tensor:
        return grid * self.masks[level] if self.masks else grid

    @staticmethod
    def _active(grid: Tensor, layer: Activation) -> Tensor:
        norm = layer[0]
        assert isinstance(norm, nn.BatchNorm1d)
        normal = functional.batch_norm(
            grid, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
        )
        return functional.leaky_relu_(normal, layer[1].negative_slope)

    @staticmethod
    def _linear(grid: Tensor, layer: Any) -> Tensor:
        return functional.conv3d(grid, layer.weight[:, :, None, None, None], layer.bias)


def on_grid(coordinates: Any, features: Tensor, size: int) -> Tensor:
    """(1, columns, x, y, z), zero where there is no voxel."""
    grid = torch.zeros(1, features.shape[1], size, size, size)
    grid[0][(slice(None), *torch.from_numpy(coordinates).T)] = features.T
    return grid


def compared(config: UResNetConfig) -> float:
    """Largest difference of the two on a small volume, over the largest answer."""
    net, coordinates, features = made(config, 120, 64)
    masks, size = [], 64
    voxels = coordinates
    for _ in range(config.depth):
        masks.append(on_grid(voxels, torch.ones(len(voxels), 1), size))
        voxels, size = np.unique(voxels // 2, axis=0), size // 2
    answer = sparse(net, coordinates, features)
    dense = DenseUResNet(net, masks)(on_grid(coordinates, features, 64))
    there = dense[0][(slice(None), *torch.from_numpy(coordinates).T)].T
    return float((there - answer).abs().max() / answer.abs().max())


def made(config: UResNetConfig, voxels: int, size: int) -> tuple[SparseNet, Any, Tensor]:
    """A network, voxels and their features."""
    torch.manual_seed(0)
    net = SparseNet(config).eval()
    columns = net.backbone.first.weight.shape[1]
    return net, tracks(voxels, size), torch.rand(voxels, columns)


def one(
    config: UResNetConfig, which: str, voxels: int, size: int, repeats: int
) -> dict[str, float]:
    """CPU seconds (the least of some), and rise of the peak in MiB."""
    net, coordinates, features = made(config, voxels, size)
    give_back_large_blocks()
    spent = np.inf
    for _ in range(repeats):
        trim()
        reset_high_water()
        before = resident()
        start = time.process_time()
        if which == "sparse":
            sparse(net, coordinates, features)
        else:
            DenseUResNet(net)(on_grid(coordinates, features, size))
        spent = min(spent, time.process_time() - start)
    return {"seconds": float(spent), "mib": (high_water() - before) / 2**20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=192, help="voxels along each axis")
    parser.add_argument("--voxels", type=int, default=5_000)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="of the sparse one; dense: 1")
    parser.add_argument("--only", choices=["sparse", "dense"], help="as a part of this program")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = UResNetConfig(filters=given.filters, depth=given.depth)
    with torch.no_grad():
        if given.only:
            repeats = given.repeats if given.only == "sparse" else 1
            found = one(config, given.only, given.voxels, given.size, repeats)
            sys.stdout.write(json.dumps(found))
            return
        sys.stdout.write(f"largest difference on 64^3: {compared(config):.1e} of the answer\n")
    rows = {}
    for which in ("sparse", "dense"):
        words = [sys.executable, __file__, *sys.argv[1:], "--only", which]
        rows[which] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        sys.stdout.write(f"{which}: {rows[which]['seconds']:.4g} s, {rows[which]['mib']:.0f} MiB\n")
        sys.stdout.flush()
    ratio = {name: rows["dense"][name] / rows["sparse"][name] for name in ("seconds", "mib")}
    sys.stdout.write(f"dense / sparse: time {ratio['seconds']:.0f}, memory {ratio['mib']:.0f}\n")


if __name__ == "__main__":
    main()
