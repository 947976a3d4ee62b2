"""Where particles start and tracks end, from fragments of known classes.

A voxel at the end of a track has all of the track on one side. What is no track starts where it is
next to one, or at its narrower end. Where tracks meet, nothing is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from zoo_sparse_reco.classical.rules import TRACKS
from zoo_sparse_reco.classical.surroundings import neighbours

__all__ = ["POINT_COLUMNS", "ends_of"]

Floats = NDArray[np.float64]

POINT_COLUMNS: Mapping[str, str] = {
    "point_x": "float32",
    "point_y": "float32",
    "point_z": "float32",
    "point_score": "float32",
    "point_semantic": "int8",
    "point_end": "float32",
}

_AROUND = 5.0
_END = 0.3  # distance to the middle of what is around, over its radius: 1/2 at an end, 0 within
_ATTACHED = 6.0  # voxels from a track at which another fragment starts there
_SURE = 0.9


class _Event(NamedTuple):
    place: Floats
    energy: Floats
    semantic: NDArray[np.integer]
    fragment: NDArray[np.integer]


def ends_of(
    place: NDArray[Any],
    energy: NDArray[Any],
    semantic: NDArray[np.integer],
    fragment: NDArray[np.integer],
    *,
    names: Sequence[str],
    shower_voxels: int,
) -> dict[str, NDArray[Any]]:
    """Points of one event, (points,) of each of :data:`POINT_COLUMNS`.

    Args:
        place: (voxels, 3).
        energy: MeV, (voxels,).
        semantic: Class of each voxel.
        fragment: Its fragment, of one class each; -1: none.
        names: Of the five classes.
        shower_voxels: Smaller fragments of showers have no start.
    """
    event = _Event(place.astype(np.float64), energy.astype(np.float64), semantic, fragment)
    track_kinds = [number for number, name in enumerate(names) if name in TRACKS]
    on_track = np.isin(semantic, track_kinds) & (fragment >= 0)
    tracks = np.flatnonzero(on_track)
    tree = KDTree(event.place[tracks]) if len(tracks) else None
    least = {name: shower_voxels if name == "shower" else 1 for name in names}
    found: list[tuple[NDArray[np.float64], float, int, float]] = []
    for number in np.unique(fragment[fragment >= 0]):
        inside = np.flatnonzero(fragment == number)
        kind = int(semantic[inside[0]])
        if kind in track_kinds:
            found += _track_ends(event, inside, kind)
        elif names[kind] != "low-energy" and len(inside) >= least[names[kind]]:
            start = _start(event.place[inside], tree)
            found.append((event.place[inside[start]] + 0.5, _SURE, kind, 0.0))
    rows = [(*place, score, kind, end) for place, score, kind, end in found]
    columns = np.array(rows, np.float64).reshape(-1, len(POINT_COLUMNS)).T
    return {
        name: column.astype(dtype)
        for (name, dtype), column in zip(POINT_COLUMNS.items(), columns, strict=True)
    }


def _track_ends(
    event: _Event, inside: NDArray[np.intp], kind: int
) -> list[tuple[NDArray[np.float64], float, int, float]]:
    """Ends of one fragment; the hottest is where the particle stopped, others are starts."""
    place, energy = event.place[inside], event.energy[inside]
    around = neighbours(place, _AROUND)
    count = np.asarray(around.sum(axis=1))
    middle = np.asarray(around @ place) / count[:, None]
    one_sided = np.linalg.norm(place - middle, axis=1) / _AROUND
    largest = np.maximum.reduceat(one_sided[around.indices], around.indptr[:-1])
    ends = _merged(place, np.flatnonzero((one_sided >= largest) & (one_sided > _END)))
    if len(ends) < 2:
        ends = _extremes(place)
    heat = (np.asarray(around @ energy) / count)[ends]
    stops = np.full(len(ends), 1 - _SURE)
    if len(ends) > 1:
        stops[int(np.argmax(heat))] = _SURE
    return [
        (place[end] + 0.5, _SURE, kind, float(stop)) for end, stop in zip(ends, stops, strict=True)
    ]


def _merged(place: Floats, ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """One of those that are as far out and within the radius of each other."""
    kept: list[int] = []
    for end in ends:
        if all(np.linalg.norm(place[end] - place[other]) > _AROUND for other in kept):
            kept.append(int(end))
    return np.array(kept, np.intp)


def _extremes(place: Floats) -> NDArray[np.intp]:
    """The voxel farthest from the middle, and the one farthest from that."""
    first = int(np.argmax(np.linalg.norm(place - place.mean(axis=0), axis=1)))
    other = int(np.argmax(np.linalg.norm(place - place[first], axis=1)))
    return np.unique([first, other])


def _start(place: Floats, tracks: KDTree | None) -> int:
    """Number of the voxel of a fragment at which it starts."""
    if tracks is not None:
        gap = np.asarray(tracks.query(place)[0])
        if gap.min() <= _ATTACHED:
            return int(np.argmin(gap))
    ends = _extremes(place)
    # The narrower end: fewer voxels around it.
    crowd = [int(np.sum(np.linalg.norm(place - place[end], axis=1) < 2 * _AROUND)) for end in ends]
    return int(ends[int(np.argmin(crowd))])
