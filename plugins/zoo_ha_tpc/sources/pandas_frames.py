"""Frames in HDF5 files that pandas wrote, read by rows and columns without pandas.

``format="table"``: KEY/table, a compound of single columns and of blocks ``values_block_N``, whose
columns an attribute names. ``format="fixed"``: KEY/blockN_values (rows, columns) with
KEY/blockN_items. Only numbers are read; a block of Python objects is a pickle and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, open_hdf5
from zoo_ha_tpc.sources.plain_pickles import names

__all__ = ["Frame", "frame_keys"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column is: a dataset, of a compound its field, of several columns its position."""

    dataset: str
    field: str
    position: int


class Frame:
    """A frame of numbers.

    Args:
        path: The file.
        key: Of the frame, without a slash before it.

    Attributes:
        columns: Their names, in the order of the file; integers as text.
        rows: How many.

    Raises:
        DataError: There is no such frame, it is not of numbers, or compressed so that only PyTables
            reads it: that unpickles what it finds in a file.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        with open_hdf5(path) as file:
            group = file.get(key)
            kind = _text(group.attrs.get("pandas_type")) if isinstance(group, h5py.Group) else ""
            if kind == "frame_table":
                self._places = _table_places(group, f"{path}:/{key}")
            elif kind == "frame":
                self._places = _fixed_places(group, f"{path}:/{key}")
            else:
                raise DataError(
                    f"no frame of pandas but {kind or 'something else'}"
                    if group is not None
                    else "no such frame",
                    where=f"{path}:/{key}",
                    remedy=f"set data.options.key; the file has {_told(frame_keys(path))}",
                )
            used = {place.dataset for place in self._places.values()}
            for name in used:
                _require_readable(file[name], f"{path}:{name}")
            rows = {file[name].shape[0] for name in used}
        if len(rows) != 1:
            raise DataError(
                f"blocks of {sorted(rows)} rows", where=f"{path}:/{key}", remedy=_REMEDY
            )
        self.columns = tuple(self._places)
        self.rows = rows.pop()

    def read(self, columns: Sequence[str], first: int, last: int) -> Array:
        """(last - first, len(columns)) of a dtype that holds all of them.

        Raises:
            DataError: There is no such column, or the file is damaged.
        """
        places = [self._place(name) for name in columns]
        groups: dict[tuple[str, str], list[int]] = {}
        for number, place in enumerate(places):
            groups.setdefault((place.dataset, place.field), []).append(number)
        parts = []
        with open_hdf5(self.path) as file:
            used = {place.dataset for place in places}
            rows = {name: file[name][first:last] for name in used}
        for (name, field), numbers in groups.items():
            found = rows[name][field] if field else rows[name]
            if found.ndim == 1:
                found = found[:, None]
            parts.append((numbers, found[:, [places[number].position for number in numbers]]))
        dtype = np.result_type(*(part for _, part in parts)) if parts else np.dtype(float)
        table = np.empty((max(last - first, 0), len(columns)), dtype)
        for numbers, part in parts:
            table[:, numbers] = part
        return table

    def column(self, name: str, first: int, last: int) -> Array:
        """(last - first,): as :meth:`read`."""
        return self.read([name], first, last)[:, 0]

    def _place(self, name: str) -> _Place:
        if name not in self._places:
            raise DataError(
                "no such column",
                where=f"{self.path}:/{self.key}: {name}",
                remedy=f"the frame has {_told(list(self.columns))}",
            )
        return self._places[name]


def frame_keys(path: Path) -> list[str]:
    """Keys of all frames of a file.

    Raises:
        DataError: It is no HDF5, or damaged.
    """
    found: list[str] = []

    def look(name: str, place: Any) -> None:
        if isinstance(place, h5py.Group) and "pandas_type" in place.attrs:
            found.append(name)

    with open_hdf5(path) as file:
        file.visititems(look)
    return found


_REMEDY = "copy the file again, or write it anew with pandas"


def _table_places(group: h5py.Group, where: str) -> dict[str, _Place]:
    table = group.get("table")
    if not isinstance(table, h5py.Dataset) or table.dtype.names is None:
        raise DataError("the frame has no table", where=where, remedy=_REMEDY)
    found = {}
    for field in table.dtype.names:
        base = table.dtype[field].base
        if field == "index" or base.kind not in "biuf":
            continue
        kind = table.attrs.get(f"{field}_kind")
        columns = [field] if kind is None else names(kind, f"{where}/table@{field}_kind")
        shape = table.dtype[field].shape
        if len(columns) != (shape[0] if shape else 1):
            raise DataError(
                f"{len(columns)} names for {shape} columns", where=where, remedy=_REMEDY
            )
        for position, name in enumerate(columns):
            found[name] = _Place(table.name, field, position)
    return found


def _fixed_places(group: h5py.Group, where: str) -> dict[str, _Place]:
    found = {}
    for number in range(int(group.attrs.get("nblocks", 0))):
        items, values = group.get(f"block{number}_items"), group.get(f"block{number}_values")
        if not isinstance(items, h5py.Dataset) or not isinstance(values, h5py.Dataset):
            raise DataError(
                f"block {number} has no names or no values",
                where=where,
                remedy="columns must have one level of names; write the frame anew",
            )
        if values.dtype.kind not in "biuf" or items.dtype.kind not in "Siu":
            raise DataError(
                "it holds Python objects, which are pickles and are never unpickled",
                where=f"{where}/block{number}_values",
                remedy="write a column of numbers for each pad, or a row for each hit, with "
                "to_hdf(..., format='table'), or .npz files of one event each",
            )
        for position, name in enumerate(items[:]):
            found[_text(name)] = _Place(values.name, "", position)
    return found


def _require_readable(dataset: h5py.Dataset, where: str) -> None:
    """Refuse a filter that HDF5 itself does not have, such as PyTables' blosc."""
    filters = dataset.id.get_create_plist()
    for number in range(filters.get_nfilters()):
        code, *_, name = filters.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            raise DataError(
                f"compressed with {_text(name) or code}, which HDF5 itself does not know",
                where=where,
                remedy="write it with complib='zlib', or copy it with ptrepack --complib=zlib",
            )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _told(found: Sequence[str]) -> str:
    most = 12
    return ", ".join(found[:most]) + (" and more" if len(found) > most else "") or "none"
