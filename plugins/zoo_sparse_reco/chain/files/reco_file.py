"""Files of reconstructed events.

====================================  ==========================================================
``/reco``                             attributes as JSON: ``format``, ``grid``, ``stages``, ``job``
``/events/id``, ``group``             uint64 (events,)
``/voxels/offsets``                   int64 (events + 1,): event i has rows ``offsets[i]`` to
                                      ``offsets[i + 1]`` of every column of ``/voxels``
``/voxels/x``, ...                    (rows, ...); attributes ``unit`` and ``meaning``
``/fragments``, ``/particles``,       likewise
``/interactions``
====================================  ==========================================================

The columns are those of :data:`~zoo_sparse_reco.chain.specs.RECO`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo.api import (
    DataError,
    Ragged,
    Table,
    append_rows,
    growing_dataset,
    new_hdf5,
    open_hdf5,
)
from zoo_sparse_reco.chain.specs import RECO, TABLES

__all__ = ["RecoWriter", "about_reco", "read_reco", "write_reco"]

_FORMAT = 1
_OWN = ("id", "group")
_TOGETHER = 256  # events that are read at once


class RecoWriter:
    """Appends events to an open file."""

    def __init__(self, file: h5py.File, about: Mapping[str, Any]) -> None:
        place = file.create_group("reco")
        place.attrs["format"] = _FORMAT
        for name, told in about.items():
            place.attrs[name] = json.dumps(told)
        self._about = place
        events = file.create_group("events")
        self._events = {name: growing_dataset(events, name, (), "uint64") for name in _OWN}
        self._offsets: dict[str, h5py.Dataset] = {}
        self._columns: dict[str, h5py.Dataset] = {}
        for table in TABLES:
            self._offsets[table] = growing_dataset(file.create_group(table), "offsets", (), "int64")
            append_rows(self._offsets[table], np.zeros(1, np.int64))
        for name, field in RECO.items():
            row = tuple(size for size in field.dims[1:] if isinstance(size, int))
            column = growing_dataset(file, name, row, field.dtype)
            column.attrs["unit"], column.attrs["meaning"] = field.unit, field.meaning
            self._columns[name] = column

    def append(self, events: Table) -> None:
        """Write events behind those that are there."""
        append_rows(self._events["id"], events.ids)
        append_rows(self._events["group"], events.get("group", events.ids))
        for table, found in self._offsets.items():
            offsets = events[next(name for name in RECO if name.startswith(f"{table}/"))].offsets
            append_rows(found, offsets[1:] - offsets[0] + found[-1])
        for name, found in self._columns.items():
            append_rows(found, events[name].values)

    def tell(self, name: str, told: Any) -> None:
        """Keep something that is known when all is written."""
        self._about.attrs[name] = json.dumps(told)


@contextmanager
def write_reco(path: Path, about: Mapping[str, Any]) -> Iterator[RecoWriter]:
    """A file that appears when it is complete.

    Raises:
        UsageError: It cannot be written.
    """
    with new_hdf5(path) as file:
        yield RecoWriter(file, about)


def about_reco(path: Path) -> dict[str, Any]:
    """What a file tells of itself, and how many ``events`` it has.

    Raises:
        DataError: It is damaged, or no such file.
    """
    with open_hdf5(path) as file:
        _require(file, path)
        told = {
            name: json.loads(value)
            for name, value in file["reco"].attrs.items()
            if name != "format"
        }
        return {**told, "events": len(file["events/id"])}


def read_reco(path: Path, together: int = _TOGETHER) -> Iterator[Table]:
    """Events in pieces of some.

    Raises:
        DataError: It is damaged, or no such file.
    """
    with open_hdf5(path) as file:
        _require(file, path)
        count = len(file["events/id"])
        for first in range(0, count, together):
            yield _events(file, first, min(first + together, count))


def _events(file: h5py.File, first: int, end: int) -> Table:
    columns: dict[str, Any] = {name: file[f"events/{name}"][first:end] for name in _OWN}
    for table in TABLES:
        offsets = file[f"{table}/offsets"][first : end + 1]
        own = offsets - offsets[0]
        for name in RECO:
            if name.startswith(f"{table}/"):
                columns[name] = Ragged(file[name][int(offsets[0]) : int(offsets[-1])], own)
    return Table(columns)


def _require(file: h5py.File, path: Path) -> None:
    found = int(file["reco"].attrs.get("format", 0)) if "reco" in file else 0
    missing = [name for name in RECO if name not in file]
    if found != _FORMAT or missing:
        raise DataError(
            f"it lacks {missing[0]}" if found == _FORMAT else "no file of reconstructed events",
            where=str(path),
            remedy="give a file that `zoo sparse-reco reco` of this version wrote",
        )
