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
    rows, parts = _buffer(features, pairs), _buffer(result, pairs, features.dtype)
    for offset, inputs, outputs in pairs.steps:
        part = _product(_rows(features, inputs, rows), weights[offset], parts)
        result.index_add_(0, outputs, _wide(part))
    return result.to(features.dtype)


def _gradients(
    features: Tensor, weight: Tensor, pairs: Pairs, gradient: Tensor, wanted: tuple[bool, ...]
) -> tuple[Tensor | None, Tensor | None]:
    """Of the features and of the weight, each where it is wanted."""
    of_features = _of_features(weight, pairs, gradient, len(features)) if wanted[0] else None
    of_weight = _of_weight(features, weight, pairs, gradient) if wanted[1] else None
    return of_features, of_weight


def _of_features(weight: Tensor, pairs: Pairs, gradient: Tensor, inputs: int) -> Tensor:
    turned = weight.transpose(1, 2).unbind(0)
    if pairs.centre >= 0:
        result = _wide(gradient @ turned[pairs.centre])
    else:
        result = _zeros(gradient, inputs, weight.shape[1])
    rows, parts = _buffer(gradient, pairs), _buffer(result, pairs, gradient.dtype)
    for offset, there, outputs in pairs.steps:
        part = _product(_rows(gradient, outputs, rows), turned[offset], parts)
        result.index_add_(0, there, _wide(part))
    return result.to(gradient.dtype)


def _of_weight(features: Tensor, weight: Tensor, pairs: Pairs, gradient: Tensor) -> Tensor:
    result = torch.zeros_like(_wide(weight))
    sums = result.unbind(0)
    rows, slopes = _buffer(features, pairs), _buffer(gradient, pairs)
    if pairs.centre >= 0:
        sums[pairs.centre].add_(features.t() @ gradient)
    for offset, inputs, outputs in pairs.steps:
        left, right = _rows(features, inputs, rows).t(), _rows(gradient, outputs, slopes)
        if left.dtype == result.dtype:
            sums[offset].addmm_(left, right)
        else:
            sums[offset].add_(left @ right)
    return result.to(weight.dtype)


def _buffer(like: Tensor, pairs: Pairs, dtype: torch.dtype | None = None) -> Tensor:
    """Rows for one step, used by all: fresh memory for each would take half of the time."""
    return like.new_empty(pairs.longest, like.shape[1], dtype=dtype or like.dtype)


def _rows(tensor: Tensor, rows: Tensor, buffer: Tensor) -> Tensor:
    return torch.index_select(tensor, 0, rows, out=buffer.narrow(0, 0, len(rows)))


def _product(left: Tensor, right: Tensor, buffer: Tensor) -> Tensor:
    return torch.mm(left, right, out=buffer.narrow(0, 0, len(left)))


def _wide(tensor: Tensor) -> Tensor:
    """In which sums are made: float32 for half precision."""
    return tensor.float() if tensor.dtype in {torch.bfloat16, torch.float16} else tensor


def _zeros(like: Tensor, rows: int, channels: int) -> Tensor:
    return _wide(like.new_zeros(0)).new_zeros(rows, channels)
