"""Latent optimisation: vectors are moved up the critic (Wu et al., LOGAN, arXiv:1912.00953)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from zoo_calo.config import LatentStep
from zoo_calo.losses.penalty import slope_of

__all__ = ["Moved", "latent_step", "moved_by"]


@dataclass(frozen=True)
class Moved:
    """Latent vectors after a step.

    Attributes:
        latent: (N, ...), from -1 to 1.
        cost: (N,), squared length of the step before it was cut off at the edge.
        length: (N,), how far the vector really moved; without gradient.
        squared: (N,), squared gradient; without gradient.
    """

    latent: Tensor
    cost: Tensor
    length: Tensor
    squared: Tensor


def latent_step(
    value: Callable[[Tensor], Tensor],
    start: Tensor,
    moves: Tensor,
    mean_square: Tensor,
    config: LatentStep,
) -> Moved:
    """One step from a latent vector towards what the critic takes for real.

    Args:
        value: (N, ...) -> (N,): the critic of the shower that a latent vector makes.
        start: (N, ...).
        moves: (N,), 1 for those that move, else 0.
        mean_square: Of the gradient's norm, running over updates; 0: not known yet, none moves.
        config: Rule and rate.
    """
    start = start.detach().requires_grad_()
    slope = slope_of(value(start), start)
    if not config.second_order:
        slope = slope.detach()
    step = moved_by(slope.flatten(1), mean_square, config) * moves[:, None]
    latent = (start.detach() + step.reshape(start.shape)).clamp(-1, 1)
    return Moved(
        latent,
        step.square().sum(1),
        (latent - start).detach().flatten(1).norm(dim=1),
        slope.detach().flatten(1).square().sum(1),
    )


def moved_by(slope: Tensor, mean_square: Tensor, config: LatentStep) -> Tensor:
    """The step of the slope g, both (N, Z): ``rate g / (damping + g^2)``, eq. 9, or ``rate g``.

    Relative, g is in units of the root of ``mean_square``. So ``rate`` and ``damping`` mean the
    same for every critic, whatever its scale: the step has a length of about rate / (damping + 1).
    """
    if config.relative:
        known = (mean_square > 0).to(slope.dtype)
        slope = known * slope / (mean_square + (1 - known)).sqrt()
    if config.kind == "gradient":
        return config.rate * slope
    return config.rate * slope / (config.damping + slope.square().sum(1, keepdim=True))
