"""Sparse convolution by tables: plain gathers and products, for exported graphs and GPUs.

Every output row is written once and adds up its offsets in one fixed order: no atomic additions, so
equal bits at every call. No size depends on a value.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["gathered", "spread_product", "table_product", "weight_gradient"]

_OFFSETS_AT_ONCE = 9
"""How many gathered copies of the features exist at a time."""


def table_product(features: Tensor, weight: Tensor, table: Tensor) -> Tensor:
    """Sum over offsets of the features of the table's rows times the weight.

    Args:
        features: (inputs, C_in).
        weight: (offsets, C_in, C_out), of the same type.
        table: (outputs, offsets) rows of inputs, -1: none.

    Returns:
        (outputs, C_out).
    """
    padded = _padded(features)
    result: Tensor | None = None
    for first in range(0, weight.shape[0], _OFFSETS_AT_ONCE):
        some = slice(first, first + _OFFSETS_AT_ONCE)
        rows = _picked(padded, table[:, some]).flatten(1)
        part = rows @ weight[some].flatten(0, 1)
        result = part if result is None else result + part
    assert result is not None  # a kernel has at least one offset
    return result


def weight_gradient(features: Tensor, table: Tensor, gradient: Tensor) -> Tensor:
    """Of :func:`table_product` by its weight, (offsets, C_in, C_out).

    Args:
        features: (inputs, C_in).
        table: (outputs, offsets).
        gradient: (outputs, C_out).
    """
    padded, offsets = _padded(features), table.shape[1]
    parts = [
        _picked(padded, table[:, first : first + _OFFSETS_AT_ONCE]).flatten(1).t() @ gradient
        for first in range(0, offsets, _OFFSETS_AT_ONCE)
    ]
    return torch.cat(parts).view(offsets, features.shape[1], gradient.shape[1])


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


def gathered(features: Tensor, table: Tensor, fill: float = 0.0) -> Tensor:
    """Features (outputs, columns, C) of the rows that a table names; ``fill`` where it has none."""
    return _picked(_padded(features, fill), table)


def _padded(features: Tensor, fill: float = 0.0) -> Tensor:
    """With one more row in front, which -1 refers to when 1 is added to every row."""
    return torch.cat([features.new_full((1, features.shape[1]), fill), features])


def _picked(padded: Tensor, table: Tensor) -> Tensor:
    rows = (table + 1).reshape(-1)
    return padded.index_select(0, rows).reshape(-1, table.shape[1], padded.shape[1])
