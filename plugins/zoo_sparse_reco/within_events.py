"""Columns of several events: where each begins, and clusters numbered anew in each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from zoo.api import Ragged

__all__ = ["numbered", "offsets_of"]


def offsets_of(lengths: ArrayLike) -> NDArray[np.int64]:
    """Where rows of these lengths (N,) begin and end, one after another, (N + 1,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def numbered(label: NDArray[np.int64], offsets: NDArray[Any], smallest: int = 1) -> Ragged:
    """Clusters by numbers within their event, int32, from 0 in the order of their first voxels.

    Args:
        label: (V,), different in different events; -1: of none.
        offsets: Where the voxels of events begin and end.
        smallest: Clusters of fewer voxels are none.
    """
    inside = np.flatnonzero(label >= 0)
    _, first, piece, size = np.unique(
        label[inside], return_index=True, return_inverse=True, return_counts=True
    )
    kept = size >= smallest
    event_of = np.searchsorted(offsets, inside[first], side="right") - 1
    order = np.argsort(np.where(kept, first, len(label)), kind="stable")[: int(kept.sum())]
    # Clusters in the order of their first voxels are in that of the events.
    before = np.searchsorted(event_of[order], np.arange(len(offsets)))
    number = np.full(len(first), -1, np.int64)
    number[order] = np.arange(len(order)) - before[event_of[order]]
    found = np.full(len(label), -1, np.int32)
    found[inside] = number[piece]
    return Ragged(found, offsets)
