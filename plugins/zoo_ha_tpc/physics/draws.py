"""Normal numbers by the dozen, from keys."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from zoo.api import uniform

__all__ = ["normal_quantiles", "quick_normal"]

Array = NDArray[np.float64]

_BITS = 13
_IN_ONE = 4  # numbers of 13 bits in a uniform one of 53


def quick_normal(
    keys: NDArray[np.uint64], count: int, *, tag: int, quantiles: Array | None = None
) -> Array:
    """Normal numbers of 13 bits, up to 3.9: for sums of many, several times as fast as exact ones.

    Args:
        keys: (N,).
        count: How many for each.
        tag: As for :func:`zoo.api.normal`.
        quantiles: What to draw from in place of :func:`normal_quantiles`, of the same length.

    Returns:
        (N, count); a larger count begins with the smaller one's numbers.
    """
    part = uniform(keys, -(-count // _IN_ONE), tag=tag)
    cell = np.empty((*part.shape, _IN_ONE), np.intp)
    for at in range(_IN_ONE):
        part *= 2**_BITS
        cell[..., at] = part
        part -= cell[..., at]
    table = normal_quantiles() if quantiles is None else quantiles
    return np.take(table, cell.reshape(len(keys), _IN_ONE * part.shape[1])[:, :count])


@lru_cache(maxsize=1)
def normal_quantiles() -> Array:
    """Quantiles in the middle of 8192 equal cells, with a variance of 1."""
    middle = ndtri((np.arange(2**_BITS) + 0.5) / 2**_BITS)
    middle /= middle.std()
    middle.flags.writeable = False
    return np.asarray(middle)
