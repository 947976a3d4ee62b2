"""The gradient penalty of a Wasserstein critic (Gulrajani et al., arXiv:1704.00028)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["gradient_penalty", "slope_of"]

_SMALLEST = 1e-12  # of a squared slope: the root has no derivative at 0


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mixture: Tensor
) -> Tensor:
    """(|gradient| - 1)^2 of each shower, at a point between a real and a made one.

    Args:
        critic: (N, ...) -> (N,).
        real: (N, ...).
        fake: (N, ...), taken as it is.
        mixture: (N,), share of the real one, from 0 to 1.

    Returns:
        (N,), itself differentiable.
    """
    share = mixture.reshape(-1, *(1,) * (real.dim() - 1))
    between = (share * real + (1 - share) * fake.detach()).detach().requires_grad_()
    slope = slope_of(critic(between), between).flatten(1)
    return ((slope.square().sum(1) + _SMALLEST).sqrt() - 1).square()


def slope_of(value: Tensor, point: Tensor) -> Tensor:
    """Derivative of each sample's value by its point, itself differentiable."""
    (slope,) = torch.autograd.grad(value.sum(), point, create_graph=True)
    return slope
