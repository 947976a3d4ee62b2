"""Two regressions on columns and their products: least squares, and logistic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Quadratic", "fit_linear", "fit_logistic"]

Floats = NDArray[np.float64]

_ROWS = 16_384  # expanded at once
_STEPS = 25  # of Newton's method, which needs less than ten
_ENOUGH = 1e-8


@dataclass(frozen=True, eq=False)
class Quadratic:
    """A polynomial of second degree of standardised columns.

    Attributes:
        mean, scale: (columns,), of the columns that it was fitted to.
        coefficients: Of 1, the columns, their squares and products.
    """

    mean: Floats
    scale: Floats
    coefficients: Floats

    def __call__(self, columns: Floats) -> Floats:
        """(N,) of columns (N, columns)."""
        parts = [self.terms(part) @ self.coefficients for part in _parts(columns)]
        return np.concatenate([np.zeros(0), *parts])

    def terms(self, columns: Floats) -> Floats:
        """(N, terms). Columns are cut at five deviations: beyond, a parabola is no guide."""
        x = np.clip((columns - self.mean) / self.scale, -5, 5)
        first, second = np.triu_indices(x.shape[1])
        return np.concatenate([np.ones((len(x), 1)), x, x[:, first] * x[:, second]], 1)


def fit_linear(columns: Floats, values: Floats, ridge: float) -> Quadratic:
    """Least squares with a penalty (Hoerl and Kennard, Technometrics 12 (1970) 55).

    Args:
        columns: (N, columns), N at least 1.
        values: (N,).
        ridge: Penalty of squared coefficients but that of 1, per place.
    """
    model = _standardised(columns)
    size = len(model.coefficients)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    for part, value in zip(_parts(columns), _parts(values), strict=True):
        terms = model.terms(part)
        matrix += terms.T @ terms
        right += terms.T @ value
    solved = np.linalg.solve(matrix + _penalty(size, ridge, len(values)), right)
    return Quadratic(model.mean, model.scale, solved.astype(np.float64))


def fit_logistic(columns: Floats, occupied: NDArray[np.bool_], ridge: float) -> Quadratic:
    """The logit of a probability, by Newton's method on the penalised likelihood.

    Args:
        columns: (N, columns), N at least 1.
        occupied: bool (N,).
        ridge: As of :func:`fit_linear`.
    """
    model = _standardised(columns)
    size = len(model.coefficients)
    penalty = _penalty(size, ridge, len(occupied))
    found = np.zeros(size)
    for _ in range(_STEPS):
        curvature, slope = penalty.copy(), -penalty @ found
        for part, true in zip(_parts(columns), _parts(occupied), strict=True):
            terms = model.terms(part)
            chance = 1 / (1 + np.exp(-np.clip(terms @ found, -30, 30)))
            curvature += (terms * (chance * (1 - chance))[:, None]).T @ terms
            slope += terms.T @ (true - chance)
        # A little more, lest all probabilities are 0 or 1 and the constant has no curvature.
        step = np.linalg.solve(curvature + 1e-9 * len(occupied) * np.eye(size), slope)
        found = found + step
        if np.abs(step).max() < _ENOUGH:
            break
    return Quadratic(model.mean, model.scale, found)


def _standardised(columns: Floats) -> Quadratic:
    """With coefficients of 0."""
    spread = columns.std(0)
    count = columns.shape[1]
    terms = 1 + count + count * (count + 1) // 2
    return Quadratic(columns.mean(0), np.where(spread > 0, spread, 1.0), np.zeros(terms))


def _penalty(size: int, ridge: float, rows: int) -> Floats:
    each = np.full(size, ridge * rows)
    each[0] = 0
    return np.diag(each)


def _parts(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for first in range(0, len(values), _ROWS):
        yield values[first : first + _ROWS]
