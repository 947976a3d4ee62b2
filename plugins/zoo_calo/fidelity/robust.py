"""Peak and width of a distribution with tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Peak", "gaussian_core", "mean90"]

Array = NDArray[np.float64]

_CORE = 2.0  # standard deviations to either side that a Gaussian is fitted in
_CORE_WIDTH = (
    0.8796256610342398  # of a normal distribution cut at 2: sqrt(1 - 4 phi(2) / erf(2^.5))
)


@dataclass(frozen=True)
class Peak:
    """Middle and width, with standard errors; NaN of fewer than two values."""

    mean: float
    width: float
    mean_error: float
    width_error: float

    @property
    def resolution(self) -> float:
        """Width over mean."""
        return self.width / self.mean if self.mean else float("nan")


def mean90(values: Array) -> Peak:
    """Mean and RMS of the shortest interval that holds 90 % of the values.

    Errors are rms90 / sqrt(n90) and rms90 / sqrt(2 n90), as in arXiv:2005.05334.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    if len(ordered) < 2:
        return Peak(*(float("nan"),) * 4)
    kept = int(np.ceil(0.9 * len(ordered)))
    widths = ordered[kept - 1 :] - ordered[: len(ordered) - kept + 1]
    start = int(np.argmin(widths))
    inside = ordered[start : start + kept]
    mean, rms = float(inside.mean()), float(inside.std())
    return Peak(mean, rms, rms / kept**0.5, rms / (2 * kept) ** 0.5)


def gaussian_core(values: Array, rounds: int = 50) -> Peak:
    """Mean and width of a Gaussian fitted within two of its own widths.

    Mean and standard deviation of what lies within, the latter over that of a normal distribution
    cut there, until both stay.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return Peak(*(float("nan"),) * 4)
    first = mean90(values)
    mean, width = first.mean, first.width / 0.79  # the shortest 90 % of a normal distribution
    inside = values[:0]
    for _ in range(rounds):
        chosen = values[np.abs(values - mean) <= _CORE * width]
        if len(chosen) < 2 or np.array_equal(chosen, inside):
            break
        inside = chosen
        mean, width = float(inside.mean()), float(inside.std()) / _CORE_WIDTH
    kept = max(len(inside), 1)
    return Peak(mean, width, width / kept**0.5, width / (2 * kept) ** 0.5)
