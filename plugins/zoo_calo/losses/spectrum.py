"""How far the sorted cells of two showers differ: the loss of the post-processor (2005.05334)."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo_calo.config import PostProcessor

__all__ = ["discrepancy", "sorted_discrepancy"]


def sorted_discrepancy(made: Tensor, real: Tensor, config: PostProcessor) -> Tensor:
    """Mean over windows of sorted cells of their maximum mean discrepancy, (N,).

    Args:
        made: Cells (N, ...).
        real: Cells (N, ...) of a shower of the same energy.
        config: Windows and kernel.
    """
    first, second = (
        torch.sort(one.flatten(1), 1, descending=True).values[:, : config.cells]
        for one in (made, real)
    )
    stride = max(config.window // 2, 1)
    found = [
        discrepancy(
            first[:, at : at + config.window], second[:, at : at + config.window], config.sharpness
        )
        for at in range(0, first.shape[1], stride)
    ]
    return torch.stack(found).mean(0)


def discrepancy(first: Tensor, second: Tensor, sharpness: float) -> Tensor:
    """Squared maximum mean discrepancy of two sets of numbers, (N,) of (N, K) and (N, L).

    ``<k(x, x')> + <k(y, y')> - 2 <k(x, y)>`` with ``k = exp(-sharpness (x - y)^2)``.
    """

    def kernel(one: Tensor, other: Tensor) -> Tensor:
        distance = (one[:, :, None] - other[:, None, :]).square()
        return (-sharpness * distance).exp().mean((1, 2))

    return kernel(first, first) + kernel(second, second) - 2 * kernel(first, second)
