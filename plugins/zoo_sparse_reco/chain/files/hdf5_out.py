"""An HDF5 file that grows, and appears when it is complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.api import UsageError, atomic_path

__all__ = ["appended", "growing", "new_hdf5"]

_CHUNK_BYTES = 2**18


@contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """A file to write. On any error what was there stays.

    Raises:
        UsageError: It cannot be written, or the disk is full.
    """
    try:
        with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
            yield file
    except RuntimeError as error:
        if type(error) is not RuntimeError:  # what h5py raises where a disk is full is no subclass
            raise
        raise UsageError(
            f"cannot be written ({error})",
            where=str(path),
            remedy="free space or choose another place with --out",
        ) from error


def growing(place: h5py.Group, name: str, row: tuple[int, ...], dtype: Any) -> h5py.Dataset:
    """An empty dataset, compressed and with checksums, whose rows have a shape."""
    row_bytes = np.dtype(dtype).itemsize * int(np.prod(row, dtype=np.int64))
    rows = int(min(max(_CHUNK_BYTES // row_bytes, 1), 16384))
    return place.create_dataset(
        name,
        shape=(0, *row),
        maxshape=(None, *row),
        dtype=dtype,
        chunks=(rows, *row),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fletcher32=True,
    )


def appended(found: h5py.Dataset, values: NDArray[Any]) -> None:
    """Write rows behind those that are there."""
    first = len(found)
    found.resize(first + len(values), 0)
    found[first:] = values
