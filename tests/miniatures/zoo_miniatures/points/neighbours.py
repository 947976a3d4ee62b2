"""Tables of neighbouring voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged

__all__ = ["cross", "cube", "neighbour_table"]

cross = np.array([[0, 0, 0], *np.eye(3, dtype=int), *-np.eye(3, dtype=int)])
"""A voxel and its six neighbours, ``(7, 3)``."""
cube = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3)
"""A cube of five, ``(125, 3)``."""


def neighbour_table(voxels: Ragged, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of each voxel's neighbour at each offset, in the same event.

    Args:
        voxels: ``(total, 3)`` non-negative integer coordinates, per event.
        offsets: ``(K, 3)``, within two voxels.

    Returns:
        ``(total, K)``; ``total`` where there is no such voxel.
    """
    event = np.repeat(np.arange(len(voxels)), voxels.lengths)
    where = voxels.values.astype(np.int64) + 2  # a margin: no neighbour leaves the box
    span = int(where.max(initial=0)) + 3
    strides = np.array([span * span, span, 1])
    code = event * span**3 + where @ strides
    order = np.argsort(code, kind="stable")
    wanted = code[:, None] + (offsets @ strides)[None]
    place = np.searchsorted(code[order], wanted).clip(0, max(len(code) - 1, 0))
    if not len(code):
        return np.zeros((0, len(offsets)), np.int64)
    found = order[place]
    table: NDArray[np.int64] = np.where(code[found] == wanted, found, len(code))
    return table
