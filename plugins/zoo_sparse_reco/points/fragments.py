"""Fragments: connected voxels of one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged, Table
from zoo_sparse_reco.points.components import connected
from zoo_sparse_reco.within_events import numbered

__all__ = ["CLASSES", "NEAR", "fragments_of", "places_of"]

NEAR = 1.999
"""Longest step in voxels, as SPINE has it: to the 26 voxels around one, not to the next but one."""

CLASSES = (0, 1, 2, 3, 4)


def fragments_of(
    samples: Table,
    semantic: Ragged,
    *,
    distance: float = NEAR,
    smallest: int = 3,
    classes: Sequence[int] = CLASSES,
) -> Ragged:
    """Number the connected pieces of each class, event by event.

    This is DBSCAN with ``min_samples = 1``, class by class, SPINE's default for fragments.

    Args:
        samples: With ``voxel_x``, ``voxel_y``, ``voxel_z``.
        semantic: Class of each voxel; 5 and -1 are in no fragment.
        distance: Two voxels whose middles are this near are connected, in voxels.
        smallest: Pieces of fewer voxels are no fragments.
        classes: Those that have fragments.

    Returns:
        int32, from 0 within an event, in the order of each one's first voxel; -1: of none.
    """
    chosen = np.flatnonzero(np.isin(semantic.values, classes))
    event = np.repeat(np.arange(len(semantic)), semantic.lengths)[chosen]
    group = event * (max(CLASSES) + 1) + semantic.values[chosen]
    piece = np.full(len(semantic.values), -1, np.int64)
    piece[chosen] = connected(places_of(samples)[chosen], group, distance)
    return numbered(piece, semantic.offsets, smallest)


def places_of(samples: Table) -> NDArray[np.int64]:
    """Voxels of all events one after another, (V, 3)."""
    columns: list[NDArray[Any]] = [samples[f"voxel_{axis}"].values for axis in "xyz"]
    return np.stack(columns, 1).astype(np.int64)
