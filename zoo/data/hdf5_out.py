"""HDF5 files of others, written: whole or not at all, their datasets row by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.data.sink import Sink
from zoo.files import atomic_path

__all__ = ["append_rows", "growing_dataset", "new_hdf5"]

_CHUNK_BYTES = 2**18  # far within HDF5's cache: a chunk that fills slowly is packed once
_CHUNK_ROWS = 2**14
_SINKS: WeakValueDictionary[str, Sink] = WeakValueDictionary()
"""Of open files, by h5py's name of them: no rows are handed to a disk that is full."""


@contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file to write, for the time of a ``with``; it appears when that ends well.

    On any error, a full disk included, what was there stays as it was.

    Args:
        path: The file; its folder is made.

    Raises:
        UsageError: If it cannot be written, or the disk is full.
    """
    with atomic_path(path) as temporary, ExitStack() as stack:
        sink = Sink(temporary)
        stack.callback(sink.check)  # closing writes too
        stack.enter_context(sink)
        file = stack.enter_context(h5py.File(sink, "w"))
        _SINKS[file.filename] = sink
        yield file


def growing_dataset(place: h5py.Group, name: str, row: tuple[int, ...], dtype: Any) -> h5py.Dataset:
    """An empty dataset, compressed and with checksums, to which :func:`append_rows` adds.

    Its filters (shuffle, gzip, fletcher32) are HDF5's own: every reader has them.

    Args:
        place: The file or a group of it.
        name: Of the dataset.
        row: Shape of a row; ``()`` for single values.
        dtype: Of the values, of fixed size.
    """
    row_bytes = max(np.dtype(dtype).itemsize * int(np.prod(row, dtype=np.int64)), 1)
    rows = min(max(_CHUNK_BYTES // row_bytes, 1), _CHUNK_ROWS)
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


def append_rows(dataset: h5py.Dataset, values: NDArray[Any]) -> None:
    """Write rows behind those that are there.

    Args:
        dataset: As :func:`growing_dataset` makes it.
        values: The rows, of its shape.

    Raises:
        UsageError: At the end of the ``with`` of :func:`new_hdf5`, if the disk is full.
    """
    sink = _SINKS.get(dataset.file.filename)
    if sink is not None:
        sink.check()
    first = len(dataset)
    dataset.resize(first + len(values), 0)
    dataset[first:] = values
