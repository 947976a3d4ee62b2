"""Sums and extremes over the voxels of each node, without loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_largest", "means", "sums"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def sums(values: NDArray[Any], offsets: Whole) -> Floats:
    """Of rows ``values[offsets[k]:offsets[k + 1]]``, none of them empty: (n, ...) of (m, ...)."""
    values = np.asarray(values, np.float64)
    if len(offsets) < 2:
        return np.zeros((0, *values.shape[1:]))
    summed: Floats = np.add.reduceat(values, offsets[:-1], axis=0)
    return summed


def means(values: NDArray[Any], offsets: Whole) -> Floats:
    """As :func:`sums`, over how many there are."""
    count = np.diff(offsets).astype(np.float64)
    return sums(values, offsets) / count.reshape(-1, *[1] * (np.ndim(values) - 1))


def first_largest(values: Floats, offsets: Whole) -> Whole:
    """Row (n,) of the largest of each segment's values (m,); of equal ones the first."""
    if len(offsets) < 2:
        return np.zeros(0, np.int64)
    lengths = np.diff(offsets)
    best = np.maximum.reduceat(values, offsets[:-1])
    rows = np.where(values == np.repeat(best, lengths), np.arange(len(values)), len(values))
    return np.minimum.reduceat(rows, offsets[:-1])
