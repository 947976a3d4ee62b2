"""Rows of voxels, found by their places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["VoxelFinder"]

Whole = NDArray[np.int64]


class VoxelFinder:
    """Rows of voxels by their place."""

    def __init__(self, event: Whole, place: Whole) -> None:
        self._low = place.min(axis=0) - 2 if len(place) else np.zeros(3, np.int64)
        self._span = (place.max(axis=0) if len(place) else self._low) - self._low + 3
        key = self._key(event, place)
        self._order = np.argsort(key)
        self._sorted = key[self._order]

    def rows(self, event: Whole, place: Whole) -> Whole:
        """(n,): rows of voxels at places (n, 3); -1: there is none."""
        inside = np.all((place > self._low) & (place < self._low + self._span), axis=1)
        key = self._key(event, np.where(inside[:, None], place, self._low))
        if not len(self._sorted):
            return np.full(len(key), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted, key), len(self._sorted) - 1)
        return np.where(inside & (self._sorted[at] == key), self._order[at], -1)

    def _key(self, event: Whole, place: Whole) -> Whole:
        x, y, z = (place - self._low).T
        key: Whole = ((event * self._span[0] + x) * self._span[1] + y) * self._span[2] + z
        return key
