"""Writing our HDF5 file: block by block, whole or not at all. The layout is that of the reader.

See ``zoo.data.store``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.contract.specs import Field, Specs
from zoo.contract.table import Ragged, Table
from zoo.data.chunks import KEPT_BYTES, KEPT_NONE
from zoo.data.facts import pack_facts
from zoo.data.sink import Sink
from zoo.data.store import FORMAT, OWN_COLUMNS, TableFile, block_digest, damage
from zoo.errors import DataError, suggestion
from zoo.files import atomic_path

__all__ = ["TableWriter"]

_CHUNK_BYTES = 2**16
# Measured on float32 images of 400 x 6000 (MB/s written, read, ratio), one core:
#               pure noise       rounded noise    1 % occupied
#   lzf+shuffle 108  255  1.07   187  292  3.2    314  298  18
#   gzip-1 "     40  259  1.16    76  199  5.2    206  346  24
# gzip reads as fast, files are smaller, and every HDF5 has it (lzf is h5py's own). Simulators
# are slower than its writing, which runs in their worker processes. fletcher32 costs 5 % and
# turns a flipped bit on disk into an error.
_FILTERS: Mapping[str, Any] = {
    "compression": "gzip",
    "compression_opts": 1,
    "shuffle": True,
    "fletcher32": True,
}


class TableWriter:
    """Writes one file; it appears under its name only when the ``with`` block ends well.

    Args:
        path: The file to write; its folder is made.
        specs: Fields of the task; each table has all that are not optional.
        facts: Constants of the data set.
        task: Name of the task.
        block_rows: Expected rows per block: the chunking of the file.
        about: JSON that tells how the file came to be (source, config, command).
    """

    def __init__(
        self,
        path: Path,
        specs: Specs,
        *,
        facts: Mapping[str, Any],
        task: str,
        block_rows: int,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path
        self.rows = 0
        self._specs = {**specs, **OWN_COLUMNS}
        self._facts, self._arrays = pack_facts(facts)
        self._header = {"format": FORMAT, "task": task, "about": dict(about or {})}
        self._block_rows = max(block_rows, 1)
        self._starts = [0]
        self._digests: list[bytes] = []
        self._groups: list[int] = []
        self._columns: dict[str, Any] = {}  # kept: opening takes longer than writing a few rows
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        temporary = self._stack.enter_context(atomic_path(self.path))
        self._sink = Sink(temporary)
        self._stack.callback(self._sink.check)  # closing writes too
        self._stack.enter_context(self._sink)
        self._file = self._stack.enter_context(h5py.File(self._sink, "w"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def append(self, table: Table) -> None:
        """Write a block: whole groups, or a part of one group that is larger than a block.

        Args:
            table: Columns of the specs, ``id``, and ``group`` (default: every row its own).

        Raises:
            DataError: If a column is missing, undeclared, or not of the declared dtype and dims.
        """
        if "group" not in table:
            table = table.with_columns({"group": table.ids})
        self._check(table)
        if not self.rows:
            self._create(table)
        for name in sorted(table):
            _append(self._columns[name], table[name], self.rows)
        self._sink.check()
        self._close_block(table.rows, int(table["group"][0]), block_digest(table))

    def append_file(self, path: Path) -> None:
        """Append all blocks of a file with the same specs, facts and block size.

        Chunks that fall on chunk borders are copied without being decoded.

        Raises:
            DataError: As for :meth:`append`, or if the file is damaged.
        """
        part = TableFile(path)
        blocks = part.blocks()
        if not self.rows:
            first = part.read(blocks[0], slice(0, 1), part.fields)
            self._check(first)
            self._create(first)
        for name in sorted((*part.fields, *OWN_COLUMNS)):
            with damage(path, name), part.handle() as source:
                _append_column(self._columns[name], source["columns"][name], self.rows)
        self._sink.check()
        starts, groups, digests = part.layout
        for rows, group, digest in zip(np.diff(starts), groups, digests, strict=True):
            self._close_block(int(rows), int(group), digest.tobytes())

    def _close_block(self, rows: int, group: int, digest: bytes) -> None:
        self.rows += rows
        self._starts.append(self.rows)
        self._groups.append(group)
        self._digests.append(digest)

    def _check(self, table: Table) -> None:
        if not table.rows:
            raise DataError(
                "a block without rows", where=str(self.path), remedy="leave empty blocks out"
            )
        wanted = {n for n, field in self._specs.items() if not field.optional}
        present = set(self._columns) if self.rows else set(table)
        for name in sorted((wanted | present) - set(table)):
            raise DataError(
                "the field is missing",
                where=f"{self.path}: {name}",
                remedy="the task declares it, and it is not optional: have the source make it",
            )
        for name in sorted(set(table) - set(self._specs)):
            raise DataError(
                "the task declares no such field",
                where=f"{self.path}: {name}",
                remedy=suggestion(name, self._specs),
            )
        for name in sorted(set(table) - present):
            raise DataError(
                "earlier blocks lack this field",
                where=f"{self.path}: {name}",
                remedy="have the source make the same fields everywhere",
            )
        for name in table:
            _check_column(table[name], self._specs[name], f"{self.path}: {name}")

    def _create(self, table: Table) -> None:
        """Empty columns, in one order whatever the table's: equal content gives equal bytes."""
        columns = self._file.create_group("columns")
        for name in sorted(table):
            column, field = table[name], self._specs[name]
            if isinstance(column, Ragged):
                place = columns.create_group(name)
                values = _dataset(place, "values", column.values, 1)
                offsets = _dataset(place, "offsets", column.offsets, self._block_rows)
                _extend(offsets, np.zeros(1, np.int64), 0)
                self._columns[name] = {"values": values, "offsets": offsets}
            else:
                place = _dataset(columns, name, column, self._block_rows)
                self._columns[name] = place
            place.attrs["unit"] = field.unit
            place.attrs["dims"] = json.dumps(field.dims)
            place.attrs["meaning"] = field.meaning

    def _finish(self) -> None:
        if not self.rows:
            raise DataError(
                "no rows to write", where=str(self.path), remedy="give more events or other files"
            )
        _refuse_torn_groups(self._file, self._starts, self._groups, self.path)
        blocks = self._file.create_group("blocks")
        blocks["start"] = np.asarray(self._starts, np.int64)
        blocks["group"] = np.asarray(self._groups, np.uint64)
        blocks["digest"] = np.frombuffer(b"".join(self._digests), np.uint8).reshape(-1, 32)
        for number, array in enumerate(self._arrays):
            self._file[f"facts/{number}"] = array
        header = json.dumps(
            {**self._header, "facts": self._facts}, sort_keys=True, separators=(",", ":")
        )
        self._file["zoo"] = np.frombuffer(header.encode(), np.uint8)


def _check_column(column: NDArray[Any] | Ragged, field: Field, where: str) -> None:
    ragged = isinstance(column, Ragged)
    values = column.values if isinstance(column, Ragged) else column
    if ragged != field.ragged:
        raise DataError(
            f"the column is {'' if ragged else 'not '}ragged, the task declares otherwise",
            where=where,
            remedy="have the source make what the task declares",
        )
    if values.dtype != np.dtype(field.dtype) or values.dtype.kind not in "biufc":
        raise DataError(
            f"it has dtype {values.dtype}, the task declares {field.dtype}",
            where=where,
            remedy=f"convert it where it is made: astype('{field.dtype}')",
        )
    shape = values.shape if ragged else values.shape[1:]
    sizes = list(zip(field.dims, shape, strict=False))[int(ragged) :]  # a ragged one varies
    if len(shape) != len(field.dims) or any(isinstance(d, int) and d != n for d, n in sizes):
        raise DataError(
            f"a row has shape {shape}, the task declares {field.dims}",
            where=where,
            remedy="have the source make what the task declares; are axes swapped?",
        )


def _dataset(
    place: h5py.Group, name: str, column: NDArray[Any], rows_together: int
) -> h5py.Dataset:
    """An empty dataset; small rows share a chunk, which is a multiple of the block."""
    row_bytes = max(column.dtype.itemsize * int(np.prod(column.shape[1:])), 1)
    blocks = max(_CHUNK_BYTES // (row_bytes * rows_together), 1)
    chunk_rows = rows_together * blocks
    shape = column.shape[1:]
    return place.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        dtype=column.dtype,
        chunks=(chunk_rows, *(max(size, 1) for size in shape)),
        rdcc_nbytes=KEPT_BYTES if chunk_rows > 1 else KEPT_NONE,
        **_FILTERS,
    )


def _append(place: Any, column: NDArray[Any] | Ragged, rows: int) -> None:
    if isinstance(column, Ragged):
        base = len(place["values"])
        _extend(place["values"], column.values, base)
        _extend(place["offsets"], column.offsets[1:] - column.offsets[0] + base, rows + 1)
    else:
        _extend(place, column, rows)


def _extend(dataset: h5py.Dataset, values: NDArray[Any], start: int) -> None:
    dataset.resize(start + len(values), 0)
    dataset[start:] = values


def _append_column(place: Any, source: Any, rows: int) -> None:
    if isinstance(place, h5py.Dataset):
        _copy_rows(place, source, rows)
        return
    base = len(place["values"])
    _copy_rows(place["values"], source["values"], base)
    _extend(place["offsets"], source["offsets"][1:] + base, rows + 1)


def _copy_rows(place: h5py.Dataset, source: h5py.Dataset, start: int) -> None:
    if start % place.chunks[0] or place.chunks != source.chunks:
        _extend(place, source[:], start)
        return
    place.resize(start + len(source), 0)
    for number in range(source.id.get_num_chunks()):
        offset = source.id.get_chunk_info(number).chunk_offset
        mask, data = source.id.read_direct_chunk(offset)
        place.id.write_direct_chunk((offset[0] + start, *offset[1:]), data, mask)


def _refuse_torn_groups(
    file: h5py.File, starts: Sequence[int], groups: Sequence[int], path: Path
) -> None:
    """A split by block must never separate a group, and no sample may occur twice."""
    of_rows = np.repeat(np.asarray(groups, np.uint64), np.diff(starts))
    pairs = np.unique(np.stack([file["columns/group"][:], of_rows], axis=1), axis=0)
    torn = len(pairs) - len(np.unique(pairs[:, 0]))
    if torn:
        raise DataError(
            f"{torn} group(s) lie in several blocks together with others",
            where=str(path),
            remedy="write the rows of one group one after another",
        )
    ids = file["columns/id"][:]
    twice = len(ids) - len(np.unique(ids))
    if twice:
        raise DataError(
            f"{twice} sample(s) have the id of another",
            where=str(path),
            remedy="check that the source does not read a file twice",
        )
