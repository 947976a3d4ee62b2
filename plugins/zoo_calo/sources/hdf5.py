"""Arrays in HDF5 files of others, with errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError, open_hdf5

__all__ = ["block_rows", "files_of", "numbers", "opened", "require_stored", "rows_of"]

Array = NDArray[np.float32]

_BLOCK_BYTES = 4 * 2**20
_MOST_CHUNK_BYTES = 64 * 2**20
_RATIO = 1040  # more cannot come out of a byte that gzip packed


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file to read, for the time of a ``with``.

    Raises:
        DataError: As :func:`zoo.api.open_hdf5`, and where types, names or attributes are damaged,
            which h5py tells as what it met on its way.
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


def numbers(place: h5py.Group, name: str, row: Sequence[int | None]) -> h5py.Dataset:
    """A dataset of numbers whose rows have a shape; nothing of it is read.

    Args:
        place: File or group.
        name: Of the dataset.
        row: Shape behind the first axis; ``None``: any size.

    Raises:
        DataError: It is missing, no numbers, of another shape, or declares far more than is stored.
    """
    where = f"{place.file.filename}:{place.name.rstrip('/')}/{name}"
    found = place.get(name)
    if not isinstance(found, h5py.Dataset):
        raise DataError(
            "no such dataset",
            where=where,
            remedy=f"there is {', '.join(sorted(place)) or 'nothing'}: is this the right source?",
        )
    shape = found.shape or ()
    fits = len(shape) == 1 + len(row)
    if not fits or any(b is not None and a != b for a, b in zip(shape[1:], row, strict=True)):
        wanted = ", ".join(["N", *("any" if n is None else str(n) for n in row)])
        raise DataError(f"shape {shape} instead of ({wanted})", where=where, remedy="write it so")
    if found.dtype.kind not in "iuf":
        raise DataError(f"{found.dtype} instead of numbers", where=where, remedy="write numbers")
    require_stored(found, where)
    return found


def require_stored(found: h5py.Dataset, where: str) -> None:
    """Refuse a dataset that declares far more than the file holds.

    Raises:
        DataError: It does.
    """
    declared, stored = found.size * found.dtype.itemsize, found.id.get_storage_size()
    if declared > _RATIO * stored + _MOST_CHUNK_BYTES or (declared and not stored):
        raise DataError(
            f"{found.shape} of {found.dtype} are declared, and {stored} bytes are stored",
            where=where,
            remedy="the writing was cut short: write the file again",
        )


def rows_of(found: h5py.Dataset, rows: range) -> Array:
    """Some rows of a dataset, float32.

    Raises:
        DataError: A value is not finite.
    """
    values: Array = found[rows.start : rows.stop].astype(np.float32)
    if not np.isfinite(values).all():
        wrong = int(np.count_nonzero(~np.isfinite(values)))
        raise DataError(
            f"{wrong} values are not finite in rows {rows.start} to {rows.stop - 1}",
            where=f"{found.file.filename}:{found.name}",
            remedy="find what made them and write the file again",
        )
    return values


def block_rows(found: h5py.Dataset, asked: int) -> int:
    """Rows that are read together: as asked, or about 4 MiB in whole chunks of the file."""
    if asked:
        return asked
    row_bytes = max(found.dtype.itemsize * int(np.prod(found.shape[1:])), 1)
    chunk = found.chunks[0] if found.chunks else 1
    if chunk * row_bytes > _MOST_CHUNK_BYTES:
        chunk = 1
    return int(chunk * max(_BLOCK_BYTES // (row_bytes * chunk), 1))
