"""What a display shows of an event: its voxels, and what truth and each model say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Table

__all__ = ["CLASS", "TRUTH_NAME", "Event", "View", "aligned", "event_of"]

TRUTH_NAME = "truth"

CLASS = "class"
"""What voxels are coloured by, beside the clusters that an event has."""


@dataclass(frozen=True, eq=False)
class View:
    """What one of them says.

    Attributes:
        name: ``truth``, or the model.
        semantic: Class of each voxel, int (voxels,); -1: unknown.
        clusters: By kind, such as ``fragment``, ``particle`` or ``interaction``: int (voxels,), -1:
            of none. Kinds that it does not tell are absent.
        points: Places (points, 3) in voxels.
        point_semantic: Their classes, int (points,).
        point_end: Whether each is an end, bool (points,).
    """

    name: str
    semantic: NDArray[np.int64]
    clusters: Mapping[str, NDArray[np.int64]]
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


def event_of(
    samples: Table,
    predictions: Mapping[str, Table],
    row: int,
    by: Sequence[str] = ("fragment",),
) -> Event:
    """One sample with what is said of it.

    A model that tells no classes was told them: its view has those of the stage before it, or true
    ones. Clusters of models have the numbers, hence colours, of the true ones they are most of.

    Args:
        samples: Voxels, and the truth where it is known.
        predictions: By model.
        row: Which sample.
        by: Kinds of clusters, columns of the samples and predictions: ``fragment``, ``particle``,
            ``interaction``. A table whose column has another name is renamed before.
    """
    tables = {TRUTH_NAME: samples} if "semantic" in samples else {}
    place = np.stack([samples[f"voxel_{axis}"][row] for axis in "xyz"], axis=1)
    told = next((one for one in ("input_semantic", "semantic") if one in samples), "")
    views: list[View] = []
    for name, table in {**tables, **predictions}.items():
        classes = {} if "semantic" in table or not told else {"semantic": samples[told]}
        true = views[0].clusters if tables and views else {}
        views.append(_view(name, table.with_columns(classes), row, by, true))
    return Event(place.astype(np.int64), samples["deposit"][row].astype(np.float64), tuple(views))


def _view(
    name: str,
    table: Table,
    row: int,
    by: Sequence[str],
    true: Mapping[str, NDArray[np.int64]],
) -> View:
    def column(field: str, dtype: Any, length: int = 0) -> NDArray[Any]:
        return table[field][row].astype(dtype) if field in table else np.zeros(length, dtype)

    places = [column(f"point_{axis}", np.float64) for axis in "xyz"]
    return View(
        name=name,
        semantic=column("semantic", np.int64),
        clusters={
            kind: aligned(column(kind, np.int64), true.get(kind)) for kind in by if kind in table
        },
        points=np.stack(places, axis=1),
        point_semantic=column("point_semantic", np.int64, len(places[0])),
        point_end=column("point_end", np.float64, len(places[0])) > 0.5,
    )


def aligned(found: NDArray[np.int64], true: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Clusters with the numbers of the true ones that they share most voxels with, (voxels,).

    The greatest overlaps come first, and each number is given once; other clusters get numbers that
    no true one has.

    Args:
        found: (voxels,), -1: of none.
        true: Likewise; ``None``: nobody knows, and numbers stay.
    """
    if true is None:
        return found
    inside = (found >= 0) & (true >= 0)
    pairs, shared = np.unique(np.stack([found, true])[:, inside], axis=1, return_counts=True)
    numbers: dict[int, int] = {}
    given: set[int] = set()
    for at in np.argsort(-shared, kind="stable"):
        mine, theirs = pairs[:, at].tolist()
        if mine not in numbers and theirs not in given:
            numbers[mine] = theirs
            given.add(theirs)
    free = int(true.max(initial=-1)) + 1
    known, place = np.unique(found, return_inverse=True)
    for mine in known.tolist():
        if mine >= 0 and mine not in numbers:
            numbers[mine] = free
            free += 1
    return np.array([numbers.get(mine, -1) for mine in known.tolist()], np.int64)[place]
