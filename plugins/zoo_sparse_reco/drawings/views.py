"""What a display shows of an event: its voxels, and what truth and each model say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table

__all__ = ["TRUTH_NAME", "Event", "View", "event_of"]

TRUTH_NAME = "truth"


@dataclass(frozen=True, eq=False)
class View:
    """What one of them says.

    Attributes:
        name: ``truth``, or the model.
        semantic: Class of each voxel, int (voxels,); -1: unknown.
        fragment: int (voxels,), -1: of none; ``None``: it tells no fragments.
        points: Places (points, 3) in voxels.
        point_semantic: Their classes, int (points,).
        point_end: Whether each is an end, bool (points,).
    """

    name: str
    semantic: NDArray[np.int64]
    fragment: NDArray[np.int64] | None
    points: NDArray[np.float64]
    point_semantic: NDArray[np.int64]
    point_end: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Event:
    """An event.

    Attributes:
        place: Voxels, int (voxels, 3).
        energy: MeV, float64 (voxels,).
        views: Of the truth, if it is known, and of the models.
    """

    place: NDArray[np.int64]
    energy: NDArray[np.float64]
    views: tuple[View, ...]


def event_of(samples: Table, predictions: Mapping[str, Table], row: int) -> Event:
    """One sample with what is said of it.

    Args:
        samples: Voxels, and the truth where it is known.
        predictions: By model.
        row: Which sample.
    """
    tables = {TRUTH_NAME: samples} if "semantic" in samples else {}
    place = np.stack([samples[f"voxel_{axis}"][row] for axis in "xyz"], axis=1)
    return Event(
        place=place.astype(np.int64),
        energy=samples["deposit"][row].astype(np.float64),
        views=tuple(_view(name, table, row) for name, table in {**tables, **predictions}.items()),
    )


def _view(name: str, table: Table, row: int) -> View:
    def column(field: str, dtype: Any, length: int = 0) -> NDArray[Any]:
        return table[field][row].astype(dtype) if field in table else np.zeros(length, dtype)

    places = [column(f"point_{axis}", np.float64) for axis in "xyz"]
    return View(
        name=name,
        semantic=column("semantic", np.int64),
        fragment=column("fragment", np.int64) if "fragment" in table else None,
        points=np.stack(places, axis=1),
        point_semantic=column("point_semantic", np.int64, len(places[0])),
        point_end=column("point_end", np.float64, len(places[0])) > 0.5,
    )
