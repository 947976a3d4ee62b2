"""One Triton kernel for a whole sparse convolution on a GPU: a masked implicit product of matrices.

A program makes one tile of output rows and channels. For every offset it loads the features that
the table names, straight into the product, so that no gathered copy exists; an offset that no row
of the tile has is left out. Rows with equal neighbours are put side by side before
(``order``), so that most are. Every output is written once: equal bits at every call.

Its results are tested under Triton's interpreter. Its speed on a GPU is NOT MEASURED.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["triton_product", "usable"]

try:
    import triton  # type: ignore[import-untyped]
    import triton.language as tl  # type: ignore[import-untyped]
except ImportError:  # torch brings it where it knows GPUs, on Linux
    triton = None

_ROWS = 64
"""Of a tile."""

_TYPES = (torch.float32, torch.bfloat16, torch.float16)


def usable(features: Tensor) -> bool:
    """Whether the kernel can be used: there is Triton, on a GPU, for this type of number."""
    return triton is not None and features.is_cuda and features.dtype in _TYPES


def triton_product(features: Tensor, weight: Tensor, table: Tensor, order: Tensor) -> Tensor:
    """The same as :func:`~zoo_sparse_reco.sparse.table_form.table_product`.

    Args:
        features: (inputs, C_in) float32, bfloat16 or float16.
        weight: (offsets, C_in, C_out) of the same type; its strides do not matter.
        table: (outputs, offsets) int32 rows of inputs, -1: none.
        order: (outputs,) int32, each output row once.

    Returns:
        (outputs, C_out), added up in float32. Products of float32
        ``torch.set_float32_matmul_precision``.
    """
    outputs, offsets = table.shape
    channels, wide = weight.shape[1:]
    result = features.new_empty(outputs, wide)
    if outputs == 0:
        return result
    features = features.contiguous()
    block_in, block_out = (min(max(triton.next_power_of_2(n), 16), 64) for n in (channels, wide))
    grid = (triton.cdiv(outputs, _ROWS), triton.cdiv(wide, block_out))
    _kernel[grid](
        features, weight, table, order, result,
        outputs, channels, wide,
        *table.stride(), *weight.stride(),
        OFFSETS=offsets, ROWS=_ROWS, BLOCK_IN=block_in, BLOCK_OUT=block_out,
        PRECISION="ieee" if torch.get_float32_matmul_precision() == "highest" else "tf32",
    )  # fmt: skip
    return result


# Triton compiles annotations, too: it knows `tl.constexpr` only.
def _masked_product(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0917
    features, weight, table, order, result, outputs, channels, wide,  # noqa: ANN001
    table_row, table_offset, weight_offset, weight_in, weight_out,  # noqa: ANN001
    OFFSETS: tl.constexpr, ROWS: tl.constexpr,  # noqa: N803  # as Triton writes constants
    BLOCK_IN: tl.constexpr, BLOCK_OUT: tl.constexpr, PRECISION: tl.constexpr,  # noqa: N803
):  # fmt: skip
    place = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    there = place < outputs
    row = tl.load(order + place, mask=there, other=0).to(tl.int64)
    out = tl.program_id(1) * BLOCK_OUT + tl.arange(0, BLOCK_OUT)
    total = tl.zeros((ROWS, BLOCK_OUT), dtype=tl.float32)
    for offset in range(OFFSETS):
        source = tl.load(table + row * table_row + offset * table_offset, mask=there, other=-1).to(
            tl.int64
        )
        if tl.max(source, axis=0) >= 0:
            for first in range(0, channels, BLOCK_IN):
                inner = first + tl.arange(0, BLOCK_IN)
                left = tl.load(
                    features + source[:, None] * channels + inner[None, :],
                    mask=(source >= 0)[:, None] & (inner < channels)[None, :],
                    other=0.0,
                )
                right = tl.load(
                    weight
                    + offset * weight_offset
                    + inner[:, None] * weight_in
                    + out[None, :] * weight_out,
                    mask=(inner < channels)[:, None] & (out < wide)[None, :],
                    other=0.0,
                )
                total = tl.dot(left, right, acc=total, input_precision=PRECISION)
    tl.store(
        result + row[:, None] * wide + out[None, :],
        total.to(result.dtype.element_ty),
        mask=there[:, None] & (out < wide)[None, :],
    )


_kernel: Any = None if triton is None else triton.jit(_masked_product)
