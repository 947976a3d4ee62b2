"""Sparse convolution on GPUs, by tables: one Triton kernel where there is one, else plain products.

Neither has atomic additions: equal bits at every call. Speed on a GPU: NOT MEASURED.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zoo_sparse_reco.sparse.derivatives import refuse_second
from zoo_sparse_reco.sparse.maps import KernelMap
from zoo_sparse_reco.sparse.table_form import table_product, weight_gradient

__all__ = ["table_convolution"]


def table_convolution(features: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
    """Differentiable once; keeps nothing for the backward pass but its arguments.

    Args:
        features: (inputs, C_in).
        weight: (offsets, C_in, C_out), of the same type.
        kernel_map: What is connected, and whether Triton may be used.

    Returns:
        (outputs, C_out).
    """
    result: Tensor = _TableConvolution.apply(features, weight, kernel_map)
    return result


class _TableConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.kernel_map = kernel_map
        with torch.autocast(features.device.type, enabled=False):
            if _by_triton(features, kernel_map):
                from zoo_sparse_reco.sparse.triton_kernel import triton_product

                return triton_product(features, weight, kernel_map.table, kernel_map.order)
            return table_product(features, weight, kernel_map.table)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        refuse_second()
        features, weight = ctx.saved_tensors
        kernel_map: KernelMap = ctx.kernel_map
        of_features = of_weight = None
        with torch.autocast(features.device.type, enabled=False):
            if ctx.needs_input_grad[0]:
                of_features = _feature_gradient(gradient, weight, kernel_map)
            if ctx.needs_input_grad[1]:
                of_weight = weight_gradient(features, kernel_map.table, gradient)
        return of_features, of_weight, None


def _feature_gradient(gradient: Tensor, weight: Tensor, kernel_map: KernelMap) -> Tensor:
    """A convolution the other way round, with the weight of every offset transposed."""
    turned = weight.transpose(1, 2)
    if _by_triton(gradient, kernel_map):
        from zoo_sparse_reco.sparse.triton_kernel import triton_product

        return triton_product(gradient, turned, kernel_map.reverse, kernel_map.reverse_order)
    return table_product(gradient, turned, kernel_map.reverse)


def _by_triton(features: Tensor, kernel_map: KernelMap) -> bool:
    """Whether the Triton kernel is allowed and can be used."""
    if not (kernel_map.triton and features.is_cuda):
        return False
    from zoo_sparse_reco.sparse.triton_kernel import usable

    return usable(features)
