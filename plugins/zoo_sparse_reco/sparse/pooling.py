"""Maximum and mean over the voxels that a coarser voxel holds. Empty places do not count.

Without atomic additions, and free of sizes that depend on values: one form for CPUs, GPUs and
exported graphs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo_sparse_reco.sparse.derivatives import refuse_second
from zoo_sparse_reco.sparse.maps import DownMap
from zoo_sparse_reco.sparse.table_form import gathered

__all__ = ["max_pool", "mean_pool"]


def max_pool(features: Tensor, down: DownMap) -> Tensor:
    """(N, C) to (M, C). Of equal largest ones that of the lowest slot has the gradient."""
    if not features.requires_grad:
        return _largest(features, down.children)[0]
    result: Tensor = _MaxPool.apply(features, down.children, down.parent, down.slot)
    return result


def mean_pool(features: Tensor, down: DownMap) -> Tensor:
    """(N, C) to (M, C)."""
    if not features.requires_grad:
        return _mean(features, down.children)
    result: Tensor = _MeanPool.apply(features, down.children, down.parent)
    return result


def _largest(features: Tensor, children: Tensor) -> tuple[Tensor, Tensor]:
    """And the slot that it is in."""
    rows = gathered(features, children, fill=-torch.inf)
    # NaN is the largest of all, so that it does not vanish.
    largest: tuple[Tensor, Tensor] = rows.max(1)
    return largest


def _mean(features: Tensor, children: Tensor) -> Tensor:
    total: Tensor = gathered(features, children).sum(1)
    return total / _counts(children, features)


def _counts(children: Tensor, like: Tensor) -> Tensor:
    """(M, 1)."""
    return (children >= 0).sum(1, keepdim=True).to(like.dtype)


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, children: Tensor, parent: Tensor, slot: Tensor
    ) -> Tensor:
        largest, chosen = _largest(features, children)
        ctx.save_for_backward(chosen.to(torch.uint8), parent, slot)
        return largest

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        refuse_second()
        chosen, parent, slot = ctx.saved_tensors
        mine = chosen.index_select(0, parent) == slot[:, None]
        return gradient.index_select(0, parent) * mine, None, None, None


class _MeanPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, children: Tensor, parent: Tensor) -> Tensor:
        ctx.save_for_backward(children, parent)
        return _mean(features, children)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        refuse_second()
        children, parent = ctx.saved_tensors
        return (gradient / _counts(children, gradient)).index_select(0, parent), None, None
