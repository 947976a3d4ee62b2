"""Which voxels are clustered with which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged
from zoo_sparse_reco.metrics.fragments import NOT_CLUSTERED
from zoo_sparse_reco.physics.labels import GHOST, class_names

__all__ = ["clustered_classes", "groups_of"]


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
