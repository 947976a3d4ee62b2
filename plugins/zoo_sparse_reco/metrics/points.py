"""Points where particles start and tracks end, by the distance to the closest one.

The distance of a true point is that to the closest predicted one, of a predicted point that to the
closest true one (as in arXiv:2006.14745); it is infinite where there is none, so that a point that
nobody found counts as farther than any cut. Numbers of a class compare points of that class alone.
What tells no points at all has no numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from zoo.api import Number, Ragged, Table
from zoo_sparse_reco.metrics.numbers import mean_known, percent, voxel_distance

__all__ = ["FAR", "NEAR", "POINT_FIELDS", "SIDES", "measure_points", "point_numbers"]

Floats = NDArray[np.float64]

NEAR, FAR = 3.0, 10.0
"""Voxels: the cuts of arXiv:2006.14745."""

SIDES = ("true", "found")
"""Whose distances: of true points, and of predicted ones."""

POINT_FIELDS = ("point_x", "point_y", "point_z", "point_semantic", "point_end")


def measure_points(samples: Table, predictions: Table) -> dict[str, Any]:
    """Row columns, ragged (points,), with ``SIDE`` one of :data:`SIDES`.

    ``SIDE_point_distance`` and ``SIDE_point_distance_in_class``, float32, voxels;
    ``SIDE_point_semantic``, int8; ``true_point_end_right``, float32: 1 where the closest predicted
    point within :data:`NEAR` of a true one rightly says start or end, 0 where wrongly, else NaN.
    ``points_told`` (N,) is 1 where truth and predictions have points.
    """
    told = all(name in table for table in (samples, predictions) for name in POINT_FIELDS[:4])
    events = [
        _event(_points(samples, row), _points(predictions, row)) if told else _event(_NONE, _NONE)
        for row in range(samples.rows)
    ]
    columns: dict[str, Any] = {"points_told": np.full(samples.rows, float(told))}
    for side in SIDES:
        names = [name for name in (events[0] if events else {}) if name.startswith(side)]
        for name in names:
            columns[name] = Ragged.of([event[name] for event in events])
        columns |= _one_offsets({name: columns[name] for name in names})
    return columns


def point_numbers(rows: Table, names: Sequence[str]) -> Iterator[Number]:
    """Shares within the cuts, medians, and whether ends are told from starts.

    Args:
        rows: What :func:`measure_points` gave.
        names: Of the five classes.
    """
    told = bool(rows["points_told"].any())
    sides = {side: _side(rows, side, told=told) for side in SIDES}
    for side, label in zip(SIDES, ("true points", "predicted points"), strict=True):
        yield from _numbers(label, sides[side]["distance"], told=told)
    right = sides["true"]["end_right"]
    yield percent("ends told from starts", mean_known(right))
    for number, name in enumerate(names):
        for side, label in zip(SIDES, ("true", "predicted"), strict=True):
            chosen = sides[side]["semantic"] == number
            distance = sides[side]["distance_in_class"][chosen]
            yield from _numbers(f"{label} {name} points", distance, told=told)


def _numbers(label: str, distance: Floats, *, told: bool) -> Iterator[Number]:
    some = told and len(distance) > 0
    near = distance[distance <= NEAR]
    middle = float(np.median(distance)) if some else float("nan")
    for cut in (NEAR, FAR):
        share = float(np.mean(distance <= cut)) if some else float("nan")
        yield percent(f"{label} within {cut:g}", share)
    yield voxel_distance(f"{label}, median", middle if np.isfinite(middle) else float("nan"))
    within = float(np.median(near)) if len(near) else float("nan")
    yield voxel_distance(f"{label}, median within {NEAR:g}", within)


_NONE: Mapping[str, NDArray[Any]] = {
    "place": np.empty((0, 3)),
    "semantic": np.empty(0, np.int8),
    "end": np.empty(0, np.float32),
}


def _points(table: Table, row: int) -> Mapping[str, NDArray[Any]]:
    place = np.stack([table[f"point_{axis}"][row] for axis in "xyz"], axis=1).astype(np.float64)
    end = table["point_end"][row] if "point_end" in table else np.full(len(place), np.nan)
    return {"place": place, "semantic": table["point_semantic"][row], "end": end}


def _event(
    true: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    apart = cdist(true["place"], found["place"])
    alike = true["semantic"][:, None] == found["semantic"][None, :]
    in_class = np.where(alike, apart, np.inf)
    return {
        "true_point_distance": _closest(apart, 1),
        "true_point_distance_in_class": _closest(in_class, 1),
        "true_point_semantic": true["semantic"].astype(np.int8),
        "true_point_end_right": _ends(apart, true["end"], found["end"]),
        "found_point_distance": _closest(apart, 0),
        "found_point_distance_in_class": _closest(in_class, 0),
        "found_point_semantic": found["semantic"].astype(np.int8),
    }


def _closest(apart: Floats, axis: int) -> NDArray[np.float32]:
    return np.asarray(np.min(apart, axis=axis, initial=np.inf), np.float32)


def _ends(apart: Floats, true: NDArray[Any], found: NDArray[Any]) -> NDArray[np.float32]:
    if not apart.size:
        return np.full(len(true), np.nan, np.float32)
    closest = np.argmin(apart, axis=1)
    told = found[closest].astype(np.float64)
    right = np.where(true == (told > 0.5), 1.0, 0.0)
    known = (apart[np.arange(len(true)), closest] <= NEAR) & np.isfinite(told) & ~np.isnan(true)
    return np.where(known, right, np.nan).astype(np.float32)


def _one_offsets(columns: Mapping[str, Ragged]) -> dict[str, Ragged]:
    """Columns of the same points share their offsets, which makes taking rows quick."""
    first = next(iter(columns.values()), None)
    if first is None:
        return {}
    return {name: Ragged(one.values, first.offsets) for name, one in columns.items()}


def _side(rows: Table, side: str, *, told: bool) -> dict[str, NDArray[Any]]:
    keys = ("distance", "distance_in_class", "semantic", *(["end_right"] * (side == "true")))
    if not told:
        return {key: np.empty(0) for key in keys}
    return {key: rows[f"{side}_point_{key}"].values for key in keys}
