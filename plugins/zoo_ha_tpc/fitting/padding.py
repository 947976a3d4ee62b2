"""Rows of different lengths as a rectangle, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["filled", "padded"]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def padded(offsets: IntArray) -> tuple[BoolArray, IntArray]:
    """Places of (N, longest) for rows that lie one after another.

    Args:
        offsets: Row i is offsets[i]:offsets[i + 1], (N + 1,).

    Returns:
        Which places are filled, and the index of the value that fills them, 0 elsewhere; at least
        one place a row.
    """
    lengths = np.diff(offsets)
    place = np.arange(max(1, int(lengths.max(initial=0))))
    present = place < lengths[:, None]
    return present, np.where(present, offsets[:-1, None] + place, 0)


def filled(values: NDArray[Any], present: BoolArray, index: IntArray) -> NDArray[Any]:
    """Values in their places, 0 where there is none."""
    if not len(values):
        return np.zeros(present.shape, values.dtype)
    return np.where(present, values[index], 0)
