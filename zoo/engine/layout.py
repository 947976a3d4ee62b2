"""The order of numbers in memory: of weights, and of gradients and optimizer state with them.

Fused optimizers walk through parameter, gradient and state side by side, and sums over a tensor
are rounded in the order of its memory. Autograd promises no order, and what is read from a file is
in the plain one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

__all__ = ["are_dense", "channels_innermost", "laid_out"]

_BY_RANK = {4: torch.channels_last, 5: torch.channels_last_3d}


def channels_innermost(network: nn.Module) -> None:
    """Keep the channels of every convolution over images or volumes innermost, in place.

    Values and shapes stay. Such a convolution has feature maps of that order, whatever its input.
    """
    for module in network.modules():
        if not isinstance(module, _ConvNd):
            continue
        for parameter in module.parameters():  # also what a parametrisation makes the weight from
            if parameter.dim() in _BY_RANK:
                parameter.data = parameter.data.to(memory_format=_BY_RANK[parameter.dim()])


def laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor with the strides of another of its shape: itself, or a copy.

    A sparse one becomes dense. Where the other has gaps or overlaps, the copy is contiguous.
    """
    if tensor.layout != like.layout:
        tensor = tensor.to_dense()
    if tensor.stride() == like.stride():
        return tensor
    return torch.empty_like(like, dtype=tensor.dtype, device=tensor.device).copy_(tensor)


def are_dense(tensors: Sequence[Tensor]) -> bool:
    """Whether none has gaps or overlaps, in whatever order its numbers are."""
    return all(torch.empty_like(t, device="meta").stride() == t.stride() for t in tensors)
