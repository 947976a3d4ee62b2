"""Tables as bytes, from one process of a run to another; nothing in them is ever unpickled."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from zoo.contract.table import Ragged, Table
from zoo.errors import PluginError

__all__ = ["pack", "unpack"]

_VALUES, _OFFSETS = "values ", "offsets "  # a column's name may have any other beginning


def pack(table: Table) -> bytes:
    """A table of numbers and text as one archive of arrays.

    Raises:
        PluginError: If a column holds Python objects.
    """
    arrays: dict[str, Any] = {}
    for name in table:
        column = table[name]
        if isinstance(column, Ragged):
            arrays[_VALUES + name], arrays[_OFFSETS + name] = column.values, column.offsets
        else:
            arrays[" " + name] = column
    objects = [name.strip() for name, array in arrays.items() if array.dtype.hasobject]
    if objects:
        raise PluginError(
            "a column of Python objects cannot be sent to another process",
            where=objects[0],
            remedy="give it a numeric or text dtype",
        )
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def unpack(content: bytes) -> Table:
    """The inverse of :func:`pack`."""
    columns: dict[str, Any] = {}
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for key in arrays.files:
            if key.startswith(_VALUES):
                name = key.removeprefix(_VALUES)
                columns[name] = Ragged(arrays[key], arrays[_OFFSETS + name])
            elif not key.startswith(_OFFSETS):
                columns[key.removeprefix(" ")] = arrays[key]
    return Table(columns)
