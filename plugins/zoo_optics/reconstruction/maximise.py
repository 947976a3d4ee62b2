"""Maximum of a Poisson likelihood with hit times, by damped scoring (Levenberg, Marquardt).

``log L = sum_i (Q_i log mu_i - mu_i) + sum_j log p_j``: the charges of the sensors i, and the
densities of the times of the hits j. Its expected second derivatives are those of first ones,

``I = sum_i (d mu_i)(d mu_i) / mu_i + E sum_j (d log p_j)(d log p_j)``,

and the sum over the observed hits estimates the second part, so that first derivatives suffice and
the matrix is never indefinite. Its inverse is the covariance of the estimate (Cramer and Rao).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from zoo_optics.reconstruction.events import Event

__all__ = ["Estimate", "Hypothesis", "log_likelihood", "maximise"]

Array = NDArray[np.float64]

_SMALLEST = 1e-300
_ENOUGH = 1e-3  # gain of log L that is not worth another step
_NEAR = 2e-2  # gain left that is a fifth of an error: a network in float32 shows no smaller one
_MOST_DAMPED = 1e8


class Hypothesis(Protocol):
    """What predicts charges and times from parameters."""

    @property
    def steps(self) -> Array:
        """(P,), differences for derivatives, small against what the light changes over."""
        ...

    def expect(self, parameters: Array, event: Event) -> tuple[Array, Array]:
        """Expected charges (K, S) and densities of the hits' times (K, H), of (K, P)."""
        ...

    def allows(self, parameters: Array) -> bool:
        """Whether parameters (P,) make sense, such as a point inside of the detector."""
        ...


@dataclass(frozen=True)
class Estimate:
    """The best parameters.

    Attributes:
        parameters: (P,).
        covariance: (P, P), the inverse of the information.
        log_likelihood: There, without what has no parameters.
        steps: Steps that were taken.
        converged: Whether another one would have gained nothing.
    """

    parameters: Array
    covariance: Array
    log_likelihood: float
    steps: int
    converged: bool

    @property
    def errors(self) -> Array:
        """(P,), standard errors."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0, None))


def log_likelihood(hypothesis: Hypothesis, event: Event, parameters: Array) -> Array:
    """(K,) of parameters (K, P)."""
    mean, density = _expected(hypothesis, event, parameters)
    charges = xlogy(event.charge, np.maximum(mean, _SMALLEST)) - mean
    value: Array = charges.sum(1) + np.log(np.maximum(density, _SMALLEST)).sum(1)
    return value


def maximise(hypothesis: Hypothesis, event: Event, start: Array, *, most: int = 60) -> Estimate:
    """Climb from a start to the next maximum.

    Args:
        hypothesis: What is fitted.
        event: To what.
        start: (P,), allowed.
        most: Steps at most.
    """
    point = start.astype(np.float64)
    value = float(log_likelihood(hypothesis, event, point[None])[0])
    gradient, information = _derivatives(hypothesis, event, point)
    damping, taken, converged = 1e-3, 0, False
    while taken < most and not converged and damping < _MOST_DAMPED:
        trial = point + _solve(information, gradient, damping)
        found = -np.inf
        if hypothesis.allows(trial):
            found = float(log_likelihood(hypothesis, event, trial[None])[0])
        if found > value:
            converged = found - value < _ENOUGH and damping <= 1
            point, value, damping, taken = trial, found, damping / 5, taken + 1
            gradient, information = _derivatives(hypothesis, event, point)
        else:
            damping *= 6
        promised = 0.5 * float(gradient @ _solve(information, gradient, 0.0))
        converged = converged or promised < (_ENOUGH if damping < 1 else _NEAR)
    covariance: Array = np.linalg.pinv(information, hermitian=True).astype(np.float64)
    return Estimate(point, covariance, value, taken, converged)


def _derivatives(hypothesis: Hypothesis, event: Event, point: Array) -> tuple[Array, Array]:
    """Gradient (P,) and information (P, P), by central differences."""
    steps = hypothesis.steps
    shifts = np.concatenate([np.zeros((1, len(point))), np.diag(steps), -np.diag(steps)])
    mean, density = _expected(hypothesis, event, point + shifts)
    mean, logs = np.maximum(mean, _SMALLEST), np.log(np.maximum(density, _SMALLEST))
    count = len(point)
    twice = 2 * steps[:, None]
    slope = (mean[1 : count + 1] - mean[count + 1 :]) / twice
    score = (logs[1 : count + 1] - logs[count + 1 :]) / twice
    gradient = slope @ (event.charge / mean[0] - 1) + score.sum(1)
    information: Array = (slope / mean[0]) @ slope.T + score @ score.T
    return gradient, information


def _expected(hypothesis: Hypothesis, event: Event, parameters: Array) -> tuple[Array, Array]:
    """Charges, none at dead sensors, and densities."""
    mean, density = hypothesis.expect(parameters, event)
    return mean * event.alive, density


def _solve(information: Array, gradient: Array, damping: float) -> Array:
    scale = np.diag(information)
    floor = max(float(scale.max(initial=0.0)) * 1e-12, _SMALLEST)
    damped = information + damping * np.diag(np.maximum(scale, floor))
    step: Array = np.linalg.lstsq(damped, gradient, rcond=None)[0].astype(np.float64)
    return step
