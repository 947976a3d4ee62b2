"""A plane worked on in parts, so that less memory is held at once: the same answer.

A convolutional network of limited reach gives a wire the same answer whether it sees the whole
plane or the wires within its reach. So the plane is cut along the wires, each part is given with
its neighbours (a halo), and the halo of the answer is thrown away. Cuts lie on multiples of the
network's stride, or its grid would shift. Memory falls towards that of one part; the halos cost
arithmetic. Wire-Cell's ``nchunks`` cuts without a halo and leaves seams.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from zoo.api import UsageError

__all__ = ["LimitedReach", "Tiled"]


@runtime_checkable
class LimitedReach(Protocol):
    """A network whose answer for a wire depends on wires near it alone.

    Attributes:
        stride: Wires between equal positions on its coarsest grid.
        reach: Wires on either side that can change an answer.
    """

    stride: int
    reach: int


class Tiled(nn.Module):
    """A network applied to parts of the wires one after another.

    Args:
        net: (N, C, wires, bins) -> (N, 1, wires, bins), of limited reach.
        tiles: How many parts.
    """

    def __init__(self, net: nn.Module, tiles: int) -> None:
        super().__init__()
        assert isinstance(net, LimitedReach)  # the config offers tiles for such networks only
        self.net = net
        self.tiles = tiles
        self.stride = net.stride
        self.halo = -(-net.reach // net.stride) * net.stride

    def forward(self, image: Tensor) -> Tensor:
        """As the network's own, for any number of wires and bins.

        Raises:
            UsageError: Under ``torch.export``.
        """
        if torch.compiler.is_exporting():
            raise UsageError(
                "tiles are for TorchScript: torch.export would fix how many wires there are",
                where="model.tiles",
                remedy="export with --format ts, or with --set model.tiles=1",
            )
        wires = image.shape[2]
        units = wires // self.stride  # the last part takes what is left over
        answers = []
        for tile in range(self.tiles):
            first = units * tile // self.tiles * self.stride
            start = _not_negative(first - self.halo)
            if tile == self.tiles - 1:
                answer = self.net(image[:, :, start:])
                answers.append(answer[:, :, first - start :])
            else:
                last = units * (tile + 1) // self.tiles * self.stride
                # Beyond the last wire a slice ends by itself.
                answer = self.net(image[:, :, start : last + self.halo])
                answers.append(answer[:, :, first - start : last - start])
        return torch.cat(answers, dim=2)


def _not_negative(value: int) -> int:
    """max(value, 0), in operations that a tracer records: it sees a size as a tensor."""
    return (value + abs(value)) // 2
