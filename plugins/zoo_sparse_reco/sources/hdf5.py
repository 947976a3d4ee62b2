"""Datasets of others' HDF5 files, with errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, open_hdf5

__all__ = ["compound", "dataset", "files_of", "lists", "opened", "require_stored"]

Array = NDArray[Any]

_TEXTS = frozenset({"process"})
_RATIO, _SLACK = 1040, 64 * 2**20  # more than 1040 bytes do not come out of one that gzip packed


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file to read, for the time of a ``with``.

    Raises:
        DataError: As :func:`zoo.api.open_hdf5`, and where what h5py meets on its way is damaged.
    """
    try:
        with open_hdf5(path) as file:
            yield file
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"truncated, damaged or no HDF5 file: {error}",
            where=str(path),
            remedy="copy the file again and compare its size",
        ) from error


def files_of(path: Path, *suffixes: str) -> list[Path]:
    """A file, or all files of a folder that end so, by name.

    Raises:
        DataError: The folder has none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.name.endswith(suffixes))
    if not found:
        told = " or ".join(suffixes)
        raise DataError(f"no {told} file", where=str(path), remedy="give a file, or their folder")
    return found


def dataset(place: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset by its path; nothing of it is read.

    Raises:
        DataError: There is none, or it declares far more than the file holds.
    """
    found = place.get(name)
    if not isinstance(found, h5py.Dataset):
        raise DataError(
            "no such dataset",
            where=f"{place.file.filename}:{place.name.rstrip('/')}/{name}",
            remedy=f"there is {', '.join(sorted(place)) or 'nothing'}: is this the right source?",
        )
    require_stored(found)
    return found


def compound(place: h5py.Group, name: str, *members: str) -> h5py.Dataset:
    """A one-dimensional dataset of records with these members.

    Raises:
        DataError: There is none, it lacks a member, or one that should be a number is none.
    """
    found = dataset(place, name)
    known = found.dtype.names or ()
    missing = [one for one in members if one not in known]
    if missing or found.ndim != 1:
        raise DataError(
            f"no member {', '.join(missing)}" if missing else f"shape {found.shape}",
            where=f"{place.file.filename}:{found.name}",
            remedy=f"its members are {', '.join(known) or 'none'}: is this the right source?",
        )
    for one in members:
        if one not in _TEXTS and found.dtype[one].base.kind not in "iufV":
            raise DataError(
                f"the member {one} is {found.dtype[one]} instead of numbers",
                where=f"{place.file.filename}:{found.name}",
                remedy="write numbers",
            )
    return found


def lists(place: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset (N,) whose entries are lists of numbers, different in length.

    Raises:
        DataError: There is none, or it holds something else.
    """
    found = dataset(place, name)
    kind = h5py.check_vlen_dtype(found.dtype)
    if found.ndim != 1 or not isinstance(kind, np.dtype) or kind.kind not in "iuf":
        raise DataError(
            f"{found.dtype} of shape {found.shape} instead of lists of numbers",
            where=f"{place.file.filename}:{found.name}",
            remedy="write one list of numbers, different in length, for each event",
        )
    return found


def require_stored(found: h5py.Dataset) -> None:
    """Refuse a dataset that declares far more than the file holds.

    Raises:
        DataError: It does.
    """
    declared, stored = found.size * found.dtype.itemsize, found.id.get_storage_size()
    if declared > _RATIO * stored + _SLACK or (declared and not stored):
        raise DataError(
            f"{found.shape} of {found.dtype} are declared, and {stored} bytes are stored",
            where=f"{found.file.filename}:{found.name}",
            remedy="the writing was cut short: write the file again",
        )
