"""Sparse convolution by pairs of rows: gather, multiply, add up, offset by offset. For CPUs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo_sparse_reco.sparse.derivatives import refuse_second
from zoo_sparse_reco.sparse.maps import Pairs

__all__ = ["pair_convolution"]


def pair_convolution(features: Tensor, weight: Tensor, pairs: Pairs) -> Tensor:
    """Sum over offsets of (features of the input voxel) times (weight of the offset).

    Keeps nothing for the backward pass but its arguments: no gathered copies.

    Args:
        features: (inputs, C_in).
        weight: (offsets, C_in, C_out), of the same type.
        pairs: Which rows are connected.

    Returns:
        (outputs, C_out) of the same type, added up in float32 or better; differentiable once.
    """
    result: Tensor = _PairConvolution.apply(features, weight, pairs)
    return result


class _PairConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, pairs: Pairs) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.pairs = pairs
        with torch.autocast(features.device.type, enabled=False):
            return _sums(features, weight, pairs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        refuse_second()
        features, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        with torch.autocast(features.device.type, enabled=False):
            return (*_gradients(features, weight, ctx.pairs, gradient, wanted[:2]), None)


def _sums(features: Tensor, weight: Tensor, pairs: Pairs) -> Tensor:
    weights = weight.unbind(0)
    if pairs.centre >= 0:
        result = _wide(features @ weights[pairs.centre])
    else:
        result = _zeros(features, pairs.outputs, weight.shape[2])
    for offset, inputs, outputs in pairs.steps:
        part = features.index_select(0, inputs) @ weights[offset]
        result.index_add_(0, outputs, _wide(part))
    return result.to(features.dtype)


def _gradients(
    features: Tensor, weight: Tensor, pairs: Pairs, gradient: Tensor, wanted: tuple[bool, ...]
) -> tuple[Tensor | None, Tensor | None]:
    """Of the features and of the weight, each where it is wanted."""
    turned, centre = weight.transpose(1, 2).unbind(0), pairs.centre
    of_features = of_weight = None
    if wanted[0] and centre >= 0:
        of_features = _wide(gradient @ turned[centre])
    elif wanted[0]:
        of_features = _zeros(features, len(features), features.shape[1])
    if wanted[1]:
        of_weight = torch.zeros_like(_wide(weight))
        if centre >= 0:
            of_weight[centre] = features.t() @ gradient
    for offset, inputs, outputs in pairs.steps:
        slope = gradient.index_select(0, outputs)
        if of_weight is not None:
            of_weight[offset] += features.index_select(0, inputs).t() @ slope
        if of_features is not None:
            of_features.index_add_(0, inputs, _wide(slope @ turned[offset]))
    return (
        None if of_features is None else of_features.to(features.dtype),
        None if of_weight is None else of_weight.to(weight.dtype),
    )


def _wide(tensor: Tensor) -> Tensor:
    """In which sums are made: float32 for half precision."""
    return tensor.float() if tensor.dtype in {torch.bfloat16, torch.float16} else tensor


def _zeros(like: Tensor, rows: int, channels: int) -> Tensor:
    return _wide(like.new_zeros(0)).new_zeros(rows, channels)
