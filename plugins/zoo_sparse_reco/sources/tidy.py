"""Voxels as the task wants them: in the grid, in order, each once, with labels that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_sparse_reco.physics.labels import GHOST, NO_CLASS, SCHEMES
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.sources.event_lists import Rows
from zoo_sparse_reco.sources.files_config import FilesConfig

__all__ = ["NOWHERE", "Tidied", "or_nowhere", "tidy_points", "tidy_voxels", "whole_places"]

Array = NDArray[Any]

NOWHERE = -1.0
"""All three coordinates of a place that is not known, or outside of the grid."""

_UNKNOWN = 6  # "unknown" in LArCV and SPINE
_LARGEST = np.iinfo(np.int32).max
_NUMBERS = ("fragment", "particle", "voxel_group", "interaction")


@dataclass
class Tidied:
    """What was repaired, counted.

    Attributes:
        voxels: Voxels that events listed before.
        duplicates: Of these, listed once more than needed: merged.
        outside: Outside of the grid: dropped.
        points: Points outside of the grid, or nowhere: dropped.
        empty: Events without any voxel.
        events: Events in all.
    """

    voxels: int = 0
    duplicates: int = 0
    outside: int = 0
    points: int = 0
    empty: int = 0
    events: int = 0

    def add(self, other: Tidied) -> None:
        """Count those of other events too."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def sentences(self) -> list[str]:
        """What was repaired, for people; empty where nothing was."""
        told = []
        if self.duplicates:
            told.append(f"{self.duplicates} of {self.voxels} voxels repeat others: merged")
        if self.outside:
            told.append(f"{self.outside} of {self.voxels} voxels are outside of the grid: dropped")
        if self.points:
            told.append(f"{self.points} points are outside of the grid or unset: dropped")
        if self.empty:
            told.append(f"{self.empty} of {self.events} events have no voxel")
        return told


def tidy_voxels(
    rows: Rows, grid: VoxelGrid, config: FilesConfig, where: str
) -> tuple[Rows, Tidied]:
    """Check voxels, merge those that are listed twice, and put them in order.

    Args:
        rows: ``place`` (n, 3), ``deposit`` (n,), and maybe labels.
        grid: They must be in.
        config: What is done with voxels outside and with duplicates.
        where: Names the events in errors.

    Returns:
        ``voxel_x``, ``voxel_y``, ``voxel_z``, ``deposit`` and the labels, in rising order of
        (x, y, z) in each event; and what was repaired.

    Raises:
        DataError: Places are no whole numbers or outside, energies not finite or negative, labels
            of no class, or voxels listed twice where that is not to be repaired.
    """
    done = Tidied(
        voxels=len(rows.columns["place"]),
        empty=int(np.count_nonzero(rows.counts == 0)),
        events=len(rows.counts),
    )
    place = whole_places(rows.columns["place"], where)
    rows = _labelled(rows, where).with_columns(place=place)
    _require_energies(rows.columns["deposit"], where)
    inside = grid.inside(place)
    if not inside.all():
        _refuse_outside(place, inside, grid, config, where)
        done.outside = int(np.count_nonzero(~inside))
        rows = rows.take(inside)
    rows, done.duplicates = _in_order(rows, grid, config, where)
    places = rows.columns["place"]
    columns = {name: column for name, column in rows.columns.items() if name != "place"}
    columns |= {f"voxel_{axis}": places[:, i] for i, axis in enumerate("xyz")}
    return Rows(rows.counts, columns), done


def tidy_points(rows: Rows, grid: VoxelGrid) -> tuple[Rows, Tidied]:
    """Drop points that are nowhere, outside of the grid, or of a class without points."""
    place = np.stack([rows.columns[f"point_{axis}"] for axis in "xyz"], axis=-1)
    with np.errstate(invalid="ignore"):
        inside = grid.inside(place)
    named = (rows.columns["point_semantic"] >= 0) & (rows.columns["point_semantic"] <= 4)
    return rows.take(inside & named), Tidied(points=int(np.count_nonzero(named & ~inside)))


def or_nowhere(place: Array, lowest: float = 0.0, highest: float = np.inf) -> Array:
    """Places (n, 3); those that are not finite, or not within these bounds, are nowhere."""
    with np.errstate(invalid="ignore"):
        within = np.isfinite(place) & (place >= lowest) & (place <= highest)
    known: NDArray[np.bool_] = np.all(within, axis=1)
    return np.where(known[:, None], place, NOWHERE)


def whole_places(place: Array, where: str) -> NDArray[np.int64]:
    """Places (n, 3) as whole numbers.

    Raises:
        DataError: They are none.
    """
    if place.dtype.kind not in "iuf":
        raise DataError(
            f"places of voxels are {place.dtype} instead of numbers",
            where=where,
            remedy="write whole numbers",
        )
    if place.dtype.kind == "f":
        wrong = ~(np.isfinite(place) & (place == np.floor(place)))
        if wrong.any():
            raise DataError(
                f"{int(np.count_nonzero(wrong.any(axis=1)))} voxels are at no whole number, such "
                f"as {place[wrong][0]:.6g}",
                where=where,
                remedy="write the numbers of voxels, not positions in mm or normalised ones",
            )
    whole: NDArray[np.int64] = place.astype(np.int64)
    return whole


def _require_energies(deposit: Array, where: str) -> None:
    if deposit.dtype.kind not in "iuf":
        raise DataError(
            f"energies are {deposit.dtype} instead of numbers", where=where, remedy="write numbers"
        )
    for wrong, told in ((~np.isfinite(deposit), "not finite"), (deposit < 0, "negative")):
        if wrong.any():
            raise DataError(
                f"{int(np.count_nonzero(wrong))} energies of voxels are {told}",
                where=where,
                remedy="find what made them and write the file again",
            )


def _labelled(rows: Rows, where: str) -> Rows:
    """Labels in the numbers of the task: 6 and whatever is no number of a particle becomes -1."""
    changed = {}
    for name, highest in (("semantic", GHOST), ("pid", 5)):
        if name not in rows.columns:
            continue
        code = np.asarray(rows.columns[name])
        wrong = ~((code >= NO_CLASS) & (code <= _UNKNOWN) & (code == np.floor(code)))
        if wrong.any():
            raise DataError(
                f"{int(np.count_nonzero(wrong))} voxels have a {name} of no class, such as "
                f"{code[wrong][0]}",
                where=where,
                remedy="classes are numbered as in SPINE, -1 to 6: are the columns in this order?",
            )
        changed[name] = np.where(code > highest, NO_CLASS, code).astype(np.int8)
    for name in _NUMBERS:
        if name in rows.columns:
            number = np.asarray(rows.columns[name], np.float64)
            known = (number >= 0) & (number < _LARGEST)  # what is not set is -1 or very large
            changed[name] = np.where(known, number, -1).astype(np.int32)
    return rows.with_columns(**changed)


def _refuse_outside(
    place: Array, inside: Array, grid: VoxelGrid, config: FilesConfig, where: str
) -> None:
    if config.outside == "drop":
        return
    wrong = np.flatnonzero(~inside)
    raise DataError(
        f"{len(wrong)} voxels are outside of the grid of {grid.shape}, such as "
        f"{tuple(int(one) for one in place[wrong[0]])}",
        where=where,
        remedy="set the grid's shape, or data.options.outside=drop",
    )


def _in_order(rows: Rows, grid: VoxelGrid, config: FilesConfig, where: str) -> tuple[Rows, int]:
    place, event = rows.columns["place"], rows.event
    key = event
    for axis in range(3):
        key = key * grid.shape[axis] + place[:, axis]
    if not np.any(key[1:] <= key[:-1]):
        return rows, 0
    rank = _ranks(rows, config.precedence)
    order = np.lexsort((-rows.columns["deposit"], rank, key))
    key = key[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    duplicates = len(key) - len(starts)
    if duplicates and config.duplicates == "refuse":
        raise DataError(
            f"{duplicates} of {len(key)} voxels are listed again",
            where=where,
            remedy="write each voxel once, or set data.options.duplicates=merge",
        )
    energy = np.add.reduceat(rows.columns["deposit"][order].astype(np.float64), starts)
    return rows.take(order[starts]).with_columns(deposit=energy), duplicates


def _ranks(rows: Rows, precedence: Sequence[str]) -> Array:
    """How late each voxel's class comes in the order of precedence; the unknown come last."""
    if "semantic" not in rows.columns:
        return np.zeros(len(rows.columns["place"]), np.int64)
    names = SCHEMES["spine"]
    table = np.full(len(names) + 2, len(names))
    table[[names.index(name) for name in precedence]] = np.arange(len(names))
    ranks: Array = table[rows.columns["semantic"]]  # 5 and -1 are the last two
    return ranks
