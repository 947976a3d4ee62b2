"""The maximum and its errors where both are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import norm, poisson

from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.maximise import log_likelihood, maximise

WEIGHT = np.array([0.5, 2.0, 4.0, 1.5])


@dataclass(frozen=True)
class _Line:
    """mu_i = w_i exp(a); times Gaussian of unit width about b."""

    limit: float = np.inf

    @property
    def steps(self) -> np.ndarray:
        return np.array([1e-4, 1e-4])

    def allows(self, parameters: np.ndarray) -> bool:
        return bool(parameters[1] <= self.limit)

    def expect(self, parameters: np.ndarray, event: Event) -> tuple[np.ndarray, np.ndarray]:
        mean = np.exp(parameters[:, :1]) * WEIGHT
        return mean, norm.pdf(event.time_ns[None] - parameters[:, 1:])


def _event(seed: int = 1) -> Event:
    rng = np.random.default_rng(seed)
    charge = rng.poisson(np.exp(3.0) * WEIGHT).astype(np.float64)
    sensor = np.repeat(np.arange(4), charge.astype(int))
    return Event(1, charge, sensor, 7 + rng.standard_normal(len(sensor)))


def test_value_is_that_of_scipy() -> None:
    event = _event()
    value = log_likelihood(_Line(), event, np.array([[2.5, 6.5]]))[0]
    counts = poisson.logpmf(event.charge, np.exp(2.5) * WEIGHT) + _log_factorial(event.charge)
    assert value == pytest.approx(counts.sum() + norm.logpdf(event.time_ns - 6.5).sum())


def _log_factorial(charge: np.ndarray) -> np.ndarray:
    return np.array([np.log(np.arange(1, int(q) + 1)).sum() for q in charge])


def test_estimate_and_errors_are_those_of_the_closed_form() -> None:
    event = _event()
    best = maximise(_Line(), event, np.array([0.0, 0.0]))
    total = event.charge.sum()
    assert best.converged
    assert best.parameters[0] == pytest.approx(np.log(total / WEIGHT.sum()), abs=1e-3)
    assert best.parameters[1] == pytest.approx(event.time_ns.mean(), abs=5e-3)
    assert best.errors[0] == pytest.approx(1 / np.sqrt(total), rel=1e-2)
    assert best.errors[1] == pytest.approx(1 / np.sqrt(total), rel=0.15)  # of the observed hits


def test_what_is_not_allowed_is_not_reached() -> None:
    best = maximise(_Line(limit=3.0), _event(), np.array([0.0, 0.0]))
    assert best.parameters[1] <= 3.0
    assert best.parameters[0] == pytest.approx(3.0, abs=0.3)
