"""How far a network's visibility may be wrong: a relative error that it learns itself.

Where a visibility is wrong by a relative error ``s``, counts about it are no longer Poisson. With a
gamma distribution of the factor they are negative binomial, of the mean mu and the variance
``mu + (s mu)^2``; for ``s = 0`` that is Poisson again (Greenwood and Yule, J. R. Stat. Soc. 83,
255, 1920).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.api import ConfigError
from zoo_optics.config import SirenConfig, SurrogateConfig
from zoo_optics.models.siren import siren_stack

__all__ = ["LEAST_ERROR", "doubt_stack", "negative_binomial", "relative_error", "require_doubt"]

LEAST_ERROR = 1e-3
"""Least relative error: without it the likelihood is Poisson to a part of a million."""
_START = 0.1
_LARGEST = 4.0  # natural logarithm of the largest error over that of the start


def doubt_stack(config: SurrogateConfig, inputs: int, outputs: int) -> nn.Module | None:
    """A small SIREN of its own; none where the config does not want it.

    Args:
        config: Of the surrogate.
        inputs: Width of the input.
        outputs: 1 for pairs, or one for each sensor.
    """
    if not config.uncertainty:
        return None
    hidden, recompute = 32, True
    if isinstance(config, SirenConfig):
        hidden, recompute = max(8, config.hidden // 2), config.recompute
    return siren_stack(inputs, hidden, 1, outputs, 5.0, recompute=recompute)


def require_doubt(stack: nn.Module | None) -> nn.Module:
    """The stack of a network that has one.

    Raises:
        ConfigError: If it was trained without.
    """
    if stack is None:
        raise ConfigError(
            "this network knows no error of its own",
            where="model.uncertainty",
            remedy="train one with model.uncertainty = true",
        )
    return stack


def relative_error(answers: Tensor) -> Tensor:
    """Of answers of the stack, any shape: 0.1 for 0, never below 0.001."""
    return LEAST_ERROR + _START * answers.clamp_max(_LARGEST).exp()


def negative_binomial(charge: Tensor, log_expected: Tensor, error: Tensor) -> Tensor:
    """-log of the likelihood without ``lgamma(q + 1)``, so that it is that of Poisson for error 0.

    ``(q + r) log(1 + mu / r) - q log mu + q log r + lgamma(r) - lgamma(q + r)``, ``r = 1 / s^2``,
    in float64: ``r`` reaches a million, and its terms cancel.

    Args:
        charge: q, any shape.
        log_expected: Logarithm of mu.
        error: s, relative.
    """
    size = error.double().pow(-2)
    seen, logarithm = charge.double(), log_expected.double()
    spread = (seen + size) * torch.log1p(logarithm.exp() / size) - seen * logarithm
    counts = seen * size.log() + torch.lgamma(size) - torch.lgamma(seen + size)
    return (spread + counts).to(log_expected.dtype)
