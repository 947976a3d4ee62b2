"""Normal numbers by the dozen, from keys."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from zoo.api import uniform

__all__ = ["quick_normal"]

_BITS = 13
_IN_ONE = 4  # numbers of 13 bits in a uniform one of 53


def quick_normal(keys: NDArray[np.uint64], count: int, *, tag: int) -> NDArray[np.float64]:
    """Normal numbers of 13 bits, up to 3.9: for sums of many, several times as fast as exact ones.

    Args:
        keys: (N,).
        count: How many for each.
        tag: As for :func:`zoo.api.normal`.

    Returns:
        (N, count); a larger count begins with the smaller one's numbers.
    """
    part = uniform(keys, -(-count // _IN_ONE), tag=tag)
    cell = np.empty((*part.shape, _IN_ONE), np.intp)
    for at in range(_IN_ONE):
        part *= 2**_BITS
        cell[..., at] = part
        part -= cell[..., at]
    return np.take(_quantiles(), cell.reshape(len(keys), cell[0].size)[:, :count])


@lru_cache(maxsize=1)
def _quantiles() -> NDArray[np.float64]:
    """Quantiles in the middle of equal cells, with a variance of 1."""
    middle = ndtri((np.arange(2**_BITS) + 0.5) / 2**_BITS)
    return np.asarray(middle / middle.std())
