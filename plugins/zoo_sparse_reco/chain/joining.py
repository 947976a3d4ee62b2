"""Groups of several models of one event as particles with numbers of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged

__all__ = ["joined", "no_cluster", "numbered"]


def joined(first: Ragged, second: Ragged) -> Ragged:
    """Number the groups of both, event by event: those of ``first`` before those of ``second``.

    Args:
        first: Group of each voxel, -1: of none.
        second: Likewise; a voxel in both belongs to the group of ``second``.

    Returns:
        int32, from 0 within an event, without gaps; -1: of none.
    """
    rows = [_joined(first[row], second[row]) for row in range(len(first))]
    values = np.concatenate([np.zeros(0, np.int32), *rows])
    return Ragged(values, first.offsets)


def no_cluster(like: Ragged) -> Ragged:
    """-1 for each voxel of another column: no cluster is known yet."""
    return Ragged(np.full(len(like.values), -1, np.int32), like.offsets)


def numbered(number: NDArray[Any]) -> NDArray[np.int32]:
    """Numbers 0, 1, ... in the order of the old ones, without gaps; below 0: -1."""
    found = np.full(len(number), -1, np.int32)
    inside = number >= 0
    _, found[inside] = np.unique(number[inside], return_inverse=True)
    return found


def _joined(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int32]:
    beyond = np.int64(first.max(initial=-1)) + 1
    both = np.where(second >= 0, second.astype(np.int64) + beyond, first)
    return numbered(both)
