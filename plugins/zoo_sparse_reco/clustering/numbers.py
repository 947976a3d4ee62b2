"""Which voxels are clustered with which, and numbers of clusters within an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged
from zoo_sparse_reco.physics.labels import GHOST, class_names

__all__ = ["clustered_classes", "groups_of", "numbered"]

NOT_CLUSTERED = "low-energy"


def clustered_classes(scheme: str) -> tuple[int, ...]:
    """Classes whose voxels belong to fragments: all but low energy."""
    return tuple(n for n, name in enumerate(class_names(scheme)) if name != NOT_CLUSTERED)


def groups_of(semantic: Ragged, classes: Sequence[int]) -> NDArray[np.int64]:
    """The event and class of each voxel as one number, rising with the event, (V,); -1: neither.

    Args:
        semantic: Class of each voxel.
        classes: Those that are clustered.
    """
    event = np.repeat(np.arange(len(semantic)), semantic.lengths)
    group = event * GHOST + semantic.values
    return np.where(np.isin(semantic.values, classes), group, -1).astype(np.int64)


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
