"""How far counts are from what is expected, and how far right ones would be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

__all__ = ["Score", "moments", "poisson_deviance", "profiled"]

Array = NDArray[np.float64]

LEAST_MEAN = 1e-9
"""Photo-electrons: a table may hold zeros where a few photons were not seen."""
_LOW, _HIGH, _POINTS = 1e-9, 1e3, 240
_STEPS = 20


@dataclass(frozen=True)
class Score:
    """How flashes suit candidates; all of one shape.

    Attributes:
        deviance: Small where they do.
        mean: Of a flash that the candidate made.
        spread: RMS of the same about it.
        light_yield: True photons over those that the candidate's charge tells.
    """

    deviance: Array
    mean: Array
    spread: Array
    light_yield: Array

    @property
    def sigma(self) -> Array:
        """How many RMS the deviance is above that of a right pair."""
        far: Array = (self.deviance - self.mean) / self.spread
        return far


def poisson_deviance(count: Array, mean: Array) -> Array:
    """``2 (mu - q + q log(q / mu))``: twice the log of the ratio to the best likelihood.

    McCullagh and Nelder, "Generalized Linear Models", section 2.3.
    """
    return 2 * (mean - count + xlogy(count, count) - xlogy(count, mean))


def moments(mean: Array) -> tuple[Array, Array]:
    """Mean and variance of the deviance of one count of that expectation.

    They are those of chi^2 with one degree of freedom, 1 and 2, only where many are expected.
    """
    known, first, second = _table()
    at = np.log(np.clip(mean, _LOW, _HIGH))
    # The logarithms run evenly towards mu -> 0, where the moments are about 2 mu and more.
    middle = np.exp(np.interp(at, known, first))
    return middle, np.exp(np.interp(at, known, second))


@cache
def _table() -> tuple[Array, Array, Array]:
    logs = np.linspace(np.log(_LOW), np.log(_HIGH), _POINTS)
    mean, variance = [], []
    for mu in np.exp(logs):
        count = np.arange(np.ceil(mu + 12 * np.sqrt(mu) + 20))
        chance = np.exp(xlogy(count, mu) - mu - gammaln(count + 1))
        each = poisson_deviance(count, mu)
        mean.append(chance @ each)
        variance.append(chance @ each**2 - mean[-1] ** 2)
    return logs, np.log(mean), np.log(variance)


def profiled(
    count: Array, told: Array, *, model_error: float = 0.0, yield_spread: float | None = None
) -> Score:
    """The score of pairs, at the light yield Y that suits each best; ``mu = Y told``.

    Each sensor's deviance is divided by ``1 + error^2 mu``, by which an error of the light itself
    widens the variance of its count: without one this is the likelihood ratio of Poisson counts.
    Y solves ``sum w (mu - q) + log Y / spread^2 = 0``, w being one over that factor.

    Args:
        count: (..., sensors), photo-electrons seen.
        told: (..., sensors), expected if Y is 1; broadcasts with ``count``.
        model_error: Relative error of the expectation at each sensor.
        yield_spread: Relative spread of Y about 1; ``None``: nothing is known of it.
    """
    count, told = np.broadcast_arrays(count, np.maximum(told, LEAST_MEAN))
    light = np.maximum(count.sum(-1), 1e-3) / told.sum(-1)
    if yield_spread is not None:
        light = np.ones_like(light)
    for _ in range(_STEPS):
        weight = 1 / (1 + model_error**2 * light[..., None] * told)
        light = _yield((weight * count).sum(-1), (weight * told).sum(-1), light, yield_spread)
    mean = light[..., None] * told
    factor = 1 + model_error**2 * mean
    deviance = (poisson_deviance(count, mean) / factor).sum(-1)
    middle, variance = (part.sum(-1) for part in moments(mean))
    if yield_spread is None:
        middle = np.maximum(middle - 1, 0)  # one number was fitted
    else:
        deviance = deviance + (np.log(light) / yield_spread) ** 2
    return Score(deviance, middle, np.sqrt(variance), light)


def _yield(seen: Array, told: Array, light: Array, spread: float | None) -> Array:
    """A step of Newton's in log Y; without a prior the solution itself."""
    if spread is None:
        return np.maximum(seen, 1e-3) / told
    slope = light * told - seen + np.log(light) / spread**2
    step = slope / (light * told + 1 / spread**2)
    return light * np.exp(-np.clip(step, -1, 1))
