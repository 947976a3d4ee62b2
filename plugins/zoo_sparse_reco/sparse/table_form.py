"""Sparse convolution by tables: plain gathers and products, for exported graphs and GPUs.

Every output row is written once and adds up its offsets in one fixed order: no atomic additions,
so equal bits at every call.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo_sparse_reco.sparse.derivatives import refuse_second

__all__ = ["gathered", "spread_product", "table_convolution", "table_product"]

_OFFSETS_AT_ONCE = 9
"""How many gathered copies of the features exist at a time."""


def table_convolution(features: Tensor, weight: Tensor, table: Tensor, reverse: Tensor) -> Tensor:
    """Differentiable once; keeps nothing for the backward pass but its arguments.

    Args:
        features: (inputs, C_in).
        weight: (offsets, C_in, C_out), of the same type.
        table: (outputs, offsets) rows of inputs, -1: none.
        reverse: (inputs, offsets) rows of outputs, -1: none.

    Returns:
        (outputs, C_out).
    """
    result: Tensor = _TableConvolution.apply(features, weight, table, reverse)
    return result


def table_product(features: Tensor, weight: Tensor, table: Tensor) -> Tensor:
    """Sum over offsets of the features of the table's rows times the weight, (outputs, C_out)."""
    padded = _padded(features)
    result: Tensor | None = None
    for first in range(0, weight.shape[0], _OFFSETS_AT_ONCE):
        some = weight[first : first + _OFFSETS_AT_ONCE]
        part = _picked(padded, table[:, first : first + _OFFSETS_AT_ONCE]).flatten(
            1
        ) @ some.flatten(0, 1)
        result = part if result is None else result + part
    assert result is not None  # a kernel has at least one offset
    return result


def spread_product(features: Tensor, weight: Tensor, parent: Tensor, slot: Tensor) -> Tensor:
    """A transposed convolution: every coarse voxel times all slots, then one row per fine voxel.

    Args:
        features: (M, C_in) of the coarse voxels.
        weight: (slots, C_in, C_out).
        parent: (N,) coarse voxel of each fine one.
        slot: (N,) where it lies in it.

    Returns:
        (N, C_out).
    """
    slots, channels, wide = weight.shape
    every = features @ weight.permute(1, 0, 2).reshape(channels, slots * wide)
    return every.reshape(-1, wide).index_select(0, parent * slots + slot)


class _TableConvolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, table: Tensor, reverse: Tensor
    ) -> Tensor:
        ctx.save_for_backward(features, weight, table, reverse)
        with torch.autocast(features.device.type, enabled=False):
            return table_product(features, weight, table)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        refuse_second()
        features, weight, table, reverse = ctx.saved_tensors
        of_features = of_weight = None
        with torch.autocast(features.device.type, enabled=False):
            if ctx.needs_input_grad[0]:
                of_features = table_product(gradient, weight.transpose(1, 2), reverse)
            if ctx.needs_input_grad[1]:
                of_weight = _weight_gradient(features, table, gradient)
        return of_features, of_weight, None, None


def _weight_gradient(features: Tensor, table: Tensor, gradient: Tensor) -> Tensor:
    padded, offsets, channels = _padded(features), table.shape[1], features.shape[1]
    parts = [
        _picked(padded, table[:, first : first + _OFFSETS_AT_ONCE]).flatten(1).t() @ gradient
        for first in range(0, offsets, _OFFSETS_AT_ONCE)
    ]
    return torch.cat(parts).view(offsets, channels, gradient.shape[1])


def gathered(features: Tensor, table: Tensor, fill: float = 0.0) -> Tensor:
    """Features (outputs, columns, C) of the rows that a table names; ``fill`` where it has none."""
    return _picked(_padded(features, fill), table)


def _padded(features: Tensor, fill: float = 0.0) -> Tensor:
    """With one more row in front, which -1 refers to when 1 is added to every row."""
    return torch.cat([features.new_full((1, features.shape[1]), fill), features])


def _picked(padded: Tensor, table: Tensor) -> Tensor:
    rows = (table + 1).reshape(-1)
    return padded.index_select(0, rows).reshape(-1, table.shape[1], padded.shape[1])
