"""Perceptrons and one round of message passing, with scatter operations of torch alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo_sparse_reco.models.blocks import VoxelNorm

__all__ = ["EdgeUpdate", "NodeUpdate", "Perceptron", "largest_at"]

_SLOPE = 0.1


class Perceptron(nn.Sequential):
    """Linear layers, each normalised over the batch and followed by a leaky ReLU of slope 0.1.

    Args:
        inputs: Columns in.
        width: Columns out, and inside.
        depth: Linear layers.
        momentum: Of the running averages.
    """

    def __init__(self, inputs: int, width: int, depth: int, momentum: float) -> None:
        layers: list[nn.Module] = []
        for number in range(depth):
            layers += [
                nn.Linear(width if number else inputs, width, bias=False),
                VoxelNorm(width, momentum),
                nn.LeakyReLU(_SLOPE),
            ]
        super().__init__(*layers)


class EdgeUpdate(nn.Module):
    """New features of edges from those of the edge and of both of its nodes."""

    def __init__(self, nodes: int, edges: int, width: int, depth: int, momentum: float) -> None:
        super().__init__()
        self.update = Perceptron(2 * nodes + edges, width, depth, momentum)

    def forward(self, nodes: Tensor, edges: Tensor, from_: Tensor, to: Tensor) -> Tensor:
        """(e, width) of nodes (n, ...), edges (e, ...) and rows of nodes, int64 (e,)."""
        updated: Tensor = self.update(
            torch.cat([nodes.index_select(0, from_), nodes.index_select(0, to), edges], 1)
        )
        return updated


class NodeUpdate(nn.Module):
    """New features of nodes: the largest of the messages that come along edges, and their own.

    A message is made of the features of the edge and of the node that it leads from. A node that no
    edge leads to has messages of 0.
    """

    def __init__(self, nodes: int, edges: int, width: int, depth: int, momentum: float) -> None:
        super().__init__()
        self.message = Perceptron(nodes + edges, width, depth, momentum)
        self.update = Perceptron(nodes + width, width, depth, momentum)

    def forward(self, nodes: Tensor, edges: Tensor, from_: Tensor, to: Tensor) -> Tensor:
        """(n, width), arguments as of :class:`EdgeUpdate`."""
        message = self.message(torch.cat([nodes.index_select(0, from_), edges], 1))
        updated: Tensor = self.update(torch.cat([nodes, largest_at(message, to, nodes)], 1))
        return updated


def largest_at(values: Tensor, at: Tensor, places: Tensor) -> Tensor:
    """Largest of the rows (e, c) that go to each place, (n, c); 0 where none goes.

    Args:
        values: (e, c).
        at: Where each goes, int64 (e,).
        places: (n, ...), only for how many there are: a traced file must not know a number.
    """
    lowest = torch.finfo(values.dtype).min
    start = torch.full_like(places[:, :1], lowest, dtype=values.dtype).repeat(1, values.shape[1])
    index = at[:, None].expand_as(values)
    largest = start.scatter_reduce(0, index, values, "amax", include_self=True)
    return torch.where(largest == lowest, torch.zeros_like(largest), largest)
