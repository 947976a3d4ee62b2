"""The Triton kernel under Triton's interpreter against plain products.

Run by test_triton.py in a process of its own, for Triton reads its environment on import.
"""

from __future__ import annotations

import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch

from zoo_sparse_reco.sparse.maps import KernelMap, level_maps
from zoo_sparse_reco.sparse.table_form import table_product
from zoo_sparse_reco.sparse.tables import build_levels, flatten_levels
from zoo_sparse_reco.sparse.triton_kernel import triton_product


def maps() -> list[KernelMap]:
    """Of 80 voxels: two tiles of rows, and most offsets of a tile are empty."""
    chosen = np.random.default_rng(0).permutation(2 * 6**3)[:80]
    events, *places = np.unravel_index(chosen, (2, 6, 6, 6))
    tables = flatten_levels(build_levels(np.stack(places, 1), events, 2))
    fine, _ = level_maps({name: torch.from_numpy(table) for name, table in tables.items()})
    assert fine.down is not None
    assert fine.up is not None
    return [fine.neighbours, fine.down, fine.up]


def compare(kernel_map: KernelMap, channels: int, wide: int, dtype: torch.dtype) -> None:
    """Values and the gradient of the features."""
    features = torch.randn(kernel_map.reverse.shape[0], channels).to(dtype)
    weight = torch.randn(kernel_map.table.shape[1], channels, wide).to(dtype)
    found = product(features, weight, kernel_map.table, kernel_map.order)
    product(found, weight.transpose(1, 2), kernel_map.reverse, kernel_map.reverse_order)


def product(
    features: torch.Tensor, weight: torch.Tensor, table: torch.Tensor, order: torch.Tensor
) -> torch.Tensor:
    assert torch.equal(order.sort().values, torch.arange(len(table), dtype=torch.int32))
    found = triton_product(features, weight, table, order)
    wanted = table_product(features.double(), weight.double(), table)
    assert found.dtype == features.dtype
    tolerance = 1e-5 if features.dtype == torch.float32 else 2e-3
    assert (found - wanted).norm() < tolerance * wanted.norm()
    return found


if __name__ == "__main__":
    torch.manual_seed(0)
    neighbours, down, up = maps()
    compare(neighbours, 3, 5, torch.float32)
    compare(down, 70, 20, torch.float32)  # two tiles of channels
    compare(up, 5, 3, torch.float16)
    none = triton_product(torch.ones(2, 3), torch.ones(27, 3, 4), neighbours.table[:0], down.order)
    assert none.shape == (0, 4)
    sys.stdout.write("done\n")
