"""Centre and width of distributions with tails.

The width is s68, half of the central 68.27 % interval: the standard deviation of a Gaussian.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, ndtr

__all__ = ["Core", "Shape", "gaussian_core", "shape_of"]

Array = NDArray[np.float64]

_SHARES = (float(ndtr(-1)), 0.5, float(ndtr(1)))
_MANY = 3_000  # values from which counting beats numpy's selection
_BITS = 13  # sign, exponent and four of the fraction: few enough to count, many enough to part
_CODES = np.concatenate(
    [np.arange((1 << _BITS) - 1, (1 << _BITS - 1) - 1, -1), np.arange(1 << _BITS - 1)]
)
"""The leading bits of a float32 as an integer, in the order of the numbers: negative ones, whose
first bit is set, come first and fall as it rises."""


class Shape(NamedTuple):
    """Of a distribution.

    Attributes:
        median: Its centre.
        s68: Half of its central 68.27 % interval.
    """

    median: float
    s68: float


class Core(NamedTuple):
    """A Gaussian that describes the core of a distribution.

    Attributes:
        mean, sigma: Of the Gaussian; NaN where there are too few values.
        total: Values that the whole Gaussian would hold.
    """

    mean: float
    sigma: float
    total: float


def shape_of(values: NDArray[np.float32]) -> Shape:
    """Median and s68 of the values that are not NaN; NaN of none.

    Args:
        values: ``(n,)`` float32. Quantiles lie between two values as numpy's default ones.
    """
    missing = np.isnan(values)
    values = values[~missing] if missing.any() else values
    if not len(values):
        return Shape(float("nan"), float("nan"))
    ranks, part = _ranks(len(values))
    chosen = _at_ranks(values, ranks).astype(np.float64)
    low, median, high = (chosen[:3] * (1 - part) + chosen[3:] * part).tolist()
    return Shape(median, (high - low) / 2)


@lru_cache(maxsize=64)
def _ranks(count: int) -> tuple[NDArray[np.int64], Array]:
    """Of the values below the three quantiles, then of those above, and how far between they lie.

    The resamples of one bin all have the same size.
    """
    position = np.array(_SHARES) * (count - 1)
    below = position.astype(np.int64)
    return np.concatenate([below, np.minimum(below + 1, count - 1)]), position - below


def _at_ranks(values: NDArray[np.float32], ranks: NDArray[np.int64]) -> NDArray[np.float32]:
    """The values that would stand there if all were sorted.

    Of many values those with the same leading bits are counted first, and only the few that share
    theirs with a wanted one are sorted: the bootstrap asks this thousands of times.
    """
    if len(values) < _MANY:
        return np.partition(values, ranks)[ranks]
    code = (np.ascontiguousarray(values).view(np.uint32) >> (32 - _BITS)).astype(np.uint16)
    before = np.zeros(len(_CODES) + 1, np.int64)
    np.cumsum(np.bincount(code, minlength=len(_CODES))[_CODES], out=before[1:])
    places = np.searchsorted(before, ranks, side="right") - 1
    found = np.empty(len(ranks), np.float32)
    for place in set(places.tolist()):
        wanted = places == place
        alike = np.sort(values[code == _CODES[place]])
        found[wanted] = alike[ranks[wanted] - before[place]]
    return found


def gaussian_core(values: NDArray[Any], reach: float = 2.0) -> Core:
    """The Gaussian whose part within ``reach`` sigma has the mean and the width of the values.

    Mean and width of the values inside the window, the width corrected for what a Gaussian has
    outside of it, give the next window until nothing changes: tails beyond it do not matter.

    Args:
        values: ``(n,)``; NaN is left out.
        reach: Half the window in sigma.
    """
    known = np.sort(np.asarray(values, np.float64)[np.isfinite(values)])
    centre, sigma = shape_of(known.astype(np.float32))
    inside = float(erf(reach / np.sqrt(2)))
    density = np.exp(-(reach**2) / 2) / np.sqrt(2 * np.pi)
    cut = np.sqrt(1 - 2 * reach * density / inside)  # width of a Gaussian without its tails
    total = 0.0
    for _ in range(100):
        first, last = np.searchsorted(known, [centre - reach * sigma, centre + reach * sigma])
        window = known[first:last]
        if len(window) < 10:
            return Core(float("nan"), float("nan"), 0.0)
        before = (centre, sigma)
        centre, sigma = float(window.mean()), float(window.std()) / cut
        total = len(window) / inside
        if abs(centre - before[0]) + abs(sigma - before[1]) < 1e-4 * sigma:
            break
    return Core(centre, sigma, total)
