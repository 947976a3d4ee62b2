"""The three stages of grouping: what is joined, and into what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, Ragged, Table

__all__ = [
    "ALL_STAGES",
    "CLASSES",
    "STAGES",
    "Stage",
    "common_classes",
    "distance_matrix",
    "of_stage",
]

CLASSES = ("shower", "track", "michel", "delta")
"""Of nodes, in this order: 0 to 3, whatever the scheme of the data."""

_COMMON: Mapping[str, tuple[int, ...]] = {
    "spine": (0, 1, 2, 3, -1),
    "hip-mip": (1, 1, 0, 3, 2),
}


@dataclass(frozen=True)
class Stage:
    """One of them.

    Attributes:
        name: For people, and in names of numbers.
        number: In :data:`STAGES`, and in predictions.
        classes: Of :data:`CLASSES`, those of its nodes.
        cluster: Column of the input clusters that are its nodes.
        group: Column of what they are to be joined into.
    """

    name: str
    number: int
    classes: tuple[int, ...]
    cluster: str
    group: str


STAGES: tuple[Stage, ...] = (
    Stage("shower", 0, (0, 2, 3), "input_fragment", "voxel_group"),
    Stage("track", 1, (1,), "input_fragment", "voxel_group"),
    Stage("interaction", 2, (0, 1, 2, 3), "input_particle", "interaction"),
)
"""Fragments to showers, fragments to tracks, particles to interactions."""

ALL_STAGES = len(STAGES)
"""In predictions: the number of an algorithm that does them all."""


def of_stage(predictions: Table, name: str, number: int) -> Ragged:
    """Column ``group`` or ``node`` in one stage, of a model that does this one or all of them.

    Args:
        predictions: Of the task ``sparse-group``.
        name: Of the column.
        number: Of the stage.
    """
    several = predictions.get(f"stage_{name}")
    if several is None:
        column: Ragged = predictions[name]
        return column
    return Ragged(several.values[:, number], several.offsets)


def common_classes(semantic: NDArray[np.integer], scheme: str) -> NDArray[np.int64]:
    """Numbers in :data:`CLASSES` of classes (V,) of a scheme; -1: none of them.

    Tracks of both kinds of the scheme ``hip-mip`` are tracks.

    Raises:
        DataError: The scheme is not known.
    """
    if scheme not in _COMMON:
        raise DataError(
            f"no scheme of classes is called {scheme!r}",
            where="facts",
            remedy=f"one of {', '.join(_COMMON)}",
        )
    table = np.array([*_COMMON[scheme], -1, -1])  # of ghosts, and the last: of the unknown
    return table[np.asarray(semantic, np.int64)]


def distance_matrix(distances: tuple[float, ...]) -> NDArray[np.float64]:
    """Longest edges (4, 4) between classes, of those of pairs 00, 01, 02, 03, 11, ..., 33."""
    matrix = np.zeros((len(CLASSES),) * 2)
    matrix[np.triu_indices(len(CLASSES))] = distances
    return np.maximum(matrix, matrix.T)
