"""HDF5 files of others, opened with errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from zoo.errors import DataError

__all__ = ["open_hdf5"]


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """An HDF5 file to read, for the time of a ``with``.

    What h5py raises for a damaged file, on opening or when something is read within the ``with``,
    becomes one error that names the file. A dataset that is not there stays h5py's ``KeyError``:
    what the file should hold is known to the caller alone.

    Args:
        path: The file.

    Raises:
        DataError: If it is missing, no file, no HDF5, truncated or damaged.
    """
    where = Path(path)
    if not where.is_file():
        what = "a folder, not a file" if where.is_dir() else "no such file"
        raise DataError(what, where=str(where), remedy="check the path")
    try:
        with h5py.File(where, "r") as file:
            yield file
    except (NotImplementedError, RecursionError):  # RuntimeErrors, but none of the file's
        raise
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"truncated, damaged or no HDF5 file: {error}",
            where=str(where),
            remedy="copy the file again and compare its size",
        ) from error
