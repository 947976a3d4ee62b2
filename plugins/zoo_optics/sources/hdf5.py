"""Arrays in HDF5 files of others, with errors that say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["dataset", "hdf5_files", "rows_of"]

Array = NDArray[np.float64]


def hdf5_files(path: Path) -> list[Path]:
    """A file, or all ``.h5``, ``.hdf5`` and ``.hy`` of a folder by name.

    Raises:
        DataError: If there is none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix in (".h5", ".hdf5", ".hy"))
    if not found:
        raise DataError("no HDF5 file", where=str(path), remedy="give a file or a folder of files")
    return found


def dataset(file: h5py.File, name: str, row: Sequence[int | None]) -> h5py.Dataset:
    """A dataset of numbers whose rows have a shape; nothing of it is read.

    Args:
        file: The file.
        name: Of the dataset.
        row: Shape behind the first axis; ``None``: any size.

    Raises:
        DataError: If it is missing, no numbers, or of another shape.
    """
    where = f"{file.filename}:/{name}"
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        raise DataError(
            "no such dataset",
            where=where,
            remedy=f"the file has {', '.join(sorted(file)) or 'nothing'}",
        )
    shape = found.shape
    fits = shape and len(shape) == 1 + len(row)
    if not fits or any(b is not None and a != b for a, b in zip(shape[1:], row, strict=True)):
        wanted = ", ".join(["N", *("any" if n is None else str(n) for n in row)])
        raise DataError(f"shape {shape} instead of ({wanted})", where=where, remedy="write it so")
    if found.dtype.kind not in "iuf":
        raise DataError(f"{found.dtype} instead of numbers", where=where, remedy="write numbers")
    return found


def rows_of(file: h5py.File, name: str, row: Sequence[int | None], rows: slice) -> Array:
    """Some rows of a dataset, float64.

    Raises:
        DataError: As for :func:`dataset`, or a value is not finite.
    """
    values: Array = dataset(file, name, row)[rows].astype(np.float64)
    if not np.isfinite(values).all():
        wrong = int(np.count_nonzero(~np.isfinite(values)))
        raise DataError(
            f"{wrong} values are not finite in rows {rows.start} to {rows.stop}",
            where=f"{file.filename}:/{name}",
            remedy="find what made them and write the file again",
        )
    return values
