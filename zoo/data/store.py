"""Our HDF5 file: a table of one task with its facts, written once, read by blocks.

Layout::

    /zoo                  uint8, canonical JSON: format, task, about, facts
    /facts/0, 1, ...      arrays that the facts name as {"$array": 0}
    /columns/NAME         (rows, ...); attributes unit, dims, meaning
    /columns/NAME/values, offsets     a ragged column
    /columns/id, group    uint64; rows of one group are one event
    /blocks/start, group, digest      first row, group and sha256 of each block

Values keep the dtype that the task declares: nothing is lossy unless a task declares float16.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.contract.source import Block
from zoo.contract.specs import Field, Specs
from zoo.contract.table import Ragged, Table
from zoo.data.facts import pack_facts, unpack_facts
from zoo.data.sink import Sink
from zoo.errors import DataError, suggestion
from zoo.files import atomic_path

__all__ = ["FORMAT", "TableFile", "TableWriter", "block_digest"]

FORMAT = 1
_CHUNK_BYTES = 2**16
_OWN = {
    "id": Field(dtype="uint64", meaning="identity of the sample"),
    "group": Field(dtype="uint64", meaning="rows of one group are one event"),
}
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
        self._specs = {**specs, **_OWN}
        self._facts, self._arrays = pack_facts(facts)
        self._header = {"format": FORMAT, "task": task, "about": dict(about or {})}
        self._block_rows = max(block_rows, 1)
        self._starts = [0]
        self._digests: list[bytes] = []
        self._groups: list[int] = []
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
            _append(self._file["columns"][name], table[name], self.rows)
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
        for name in sorted((*part.fields, *_OWN)):
            with _damage(path, name), part.handle() as source:
                _append_column(self._file["columns"][name], source["columns"][name], self.rows)
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
        present = set(self._file["columns"]) if self.rows else set(table)
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
                _dataset(place, "values", column.values, 1)
                offsets = _dataset(place, "offsets", column.offsets, self._block_rows)
                _extend(offsets, np.zeros(1, np.int64), 0)
            else:
                place = _dataset(columns, name, column, self._block_rows)
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


class TableFile:
    """A file of ours as a source.

    Args:
        path: The file.

    Attributes:
        task: Name of the task whose samples it holds.
        facts: Constants of the data set.
        about: How the file came to be.
        fields: Names of its columns, without ``id`` and ``group``.
        digest: sha256 (hexadecimal) of its content, whatever the compression.
        layout: First rows ``(blocks + 1,)``, groups and digests ``(blocks, 32)`` of the blocks.

    Raises:
        DataError: If the file is absent, damaged, or not ours.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._handle: tuple[int, h5py.File] | None = None
        with self.handle() as file:
            header = self._read_header(file)
            self.layout = tuple(self._array(file, f"blocks/{n}") for n in _LAYOUT)
            arrays = [self._array(file, f"facts/{i}") for i in range(len(file.get("facts", ())))]
            with _damage(self.path, "columns"):
                self.fields = frozenset(file["columns"]) - set(_OWN)
        with _damage(self.path, "zoo"):
            self.task = str(header["task"])
            self.about: Mapping[str, Any] = header["about"]
            self.facts: Mapping[str, Any] = unpack_facts(header["facts"], arrays)
        self.digest = _content_digest(header, arrays, self.layout[2])

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.layout[0][-1])

    @property
    def specs_found(self) -> Specs:
        """Fields as the file describes them."""
        with self.handle() as file:
            return {name: _describe(file["columns"][name]) for name in sorted(self.fields)}

    def blocks(self) -> Sequence[Block]:
        """Blocks as they were written; a block's key is its number."""
        starts, groups, _ = self.layout
        return tuple(
            Block(str(i), int(starts[i + 1] - starts[i]), f"{group:016x}")
            for i, group in enumerate(groups)
        )

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Rows of a block: the asked fields, ``id`` and ``group``.

        Raises:
            DataError: If the file lacks a field or is damaged there.
        """
        first, end, _ = rows.indices(block.rows)
        start = int(self.layout[0][int(block.key)])
        with self.handle() as file:
            return Table(
                {
                    name: self._column(file, name, start + first, start + end)
                    for name in (*sorted(fields - set(_OWN)), *_OWN)
                }
            )

    def verify(self) -> list[Block]:
        """Blocks that cannot be read, or whose content is no longer what was written."""
        digests = (digest.tobytes() for digest in self.layout[2])
        return [b for b, d in zip(self.blocks(), digests, strict=True) if not self._holds(b, d)]

    def _holds(self, block: Block, digest: bytes) -> bool:
        try:
            return block_digest(self.read(block, slice(None), self.fields)) == digest
        except DataError:
            return False

    @contextmanager
    def handle(self) -> Iterator[h5py.File]:
        """The open file, kept; one per process, since a fork must not share a file position."""
        if self._handle is not None and self._handle[0] != os.getpid():
            self._handle[1].close()  # inherited by a fork: HDF5 would share it with a new one
            self._handle = None
        if self._handle is None:
            self._handle = (os.getpid(), _open(self.path))
        yield self._handle[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None}

    def _read_header(self, file: h5py.File) -> dict[str, Any]:
        if "zoo" not in file:
            raise DataError(
                "this HDF5 file was not written by zoo",
                where=str(self.path),
                remedy="name the source that reads it, SOURCE:PATH, or convert it first with "
                "`zoo data convert`",
            )
        with _damage(self.path, "zoo"):
            header: dict[str, Any] = json.loads(file["zoo"][:].tobytes())
        if header["format"] != FORMAT:
            raise DataError(
                f"it has file format {header['format']}, this zoo reads {FORMAT}",
                where=str(self.path),
                remedy="use the zoo version that wrote it, or write it again",
            )
        return header

    def _array(self, file: h5py.File, name: str) -> NDArray[Any]:
        with _damage(self.path, name):
            array: NDArray[Any] = file[name][()]
            return array

    def _column(self, file: h5py.File, name: str, start: int, end: int) -> NDArray[Any] | Ragged:
        if name not in file["columns"]:
            raise DataError(
                "the file has no such field",
                where=f"{self.path}: {name}",
                remedy=suggestion(name, self.fields),
            )
        with _damage(self.path, name):
            place = file["columns"][name]
            if isinstance(place, h5py.Dataset):
                column: NDArray[Any] = place[start:end]
                return column
            offsets = place["offsets"][start : end + 1]
            return Ragged(place["values"][offsets[0] : offsets[-1]], offsets - offsets[0])


_LAYOUT = ("start", "group", "digest")


def block_digest(table: Table) -> bytes:
    """sha256 over names, dtypes, shapes and values of all columns."""
    digest = hashlib.sha256()
    for name in sorted(table):
        column = table[name]
        parts = [column.lengths, column.values] if isinstance(column, Ragged) else [column]
        for part in parts:
            digest.update(f"{name} {part.dtype.str} {part.shape}\n".encode())
            digest.update(np.ascontiguousarray(part).data)
    return digest.digest()


def _content_digest(
    header: Mapping[str, Any], arrays: Sequence[NDArray[Any]], digests: NDArray[np.uint8]
) -> str:
    digest = hashlib.sha256(json.dumps([header["task"], header["facts"]]).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    digest.update(digests.tobytes())
    return digest.hexdigest()


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
    shape = column.shape[1:]
    return place.create_dataset(
        name,
        shape=(0, *shape),
        maxshape=(None, *shape),
        dtype=column.dtype,
        chunks=(rows_together * blocks, *(max(size, 1) for size in shape)),
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


def _describe(place: Any) -> Field:
    ragged = isinstance(place, h5py.Group)
    return Field(
        dims=tuple(json.loads(place.attrs["dims"])),
        dtype=(place["values"] if ragged else place).dtype.name,
        unit=str(place.attrs["unit"]),
        meaning=str(place.attrs["meaning"]),
        ragged=ragged,
    )


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise DataError("no such file", where=str(path), remedy="check the path")
    with _damage(path, ""):
        return h5py.File(path, "r")


@contextmanager
def _damage(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, KeyError, ValueError, RuntimeError, IndexError, TypeError) as error:
        reason = str(error).strip("'\"")
        raise DataError(
            f"the file is damaged or no HDF5 ({reason})",
            where=f"{path}: {name}" if name else str(path),
            remedy="copy it again and compare digests, or write it anew",
        ) from error
