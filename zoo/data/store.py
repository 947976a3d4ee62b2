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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from zoo.contract.source import Block
from zoo.contract.specs import Field, Specs
from zoo.contract.table import Ragged, Table
from zoo.data.chunks import KEPT_BYTES, open_dataset
from zoo.data.facts import unpack_facts
from zoo.errors import DataError, suggestion

__all__ = ["FORMAT", "OWN_COLUMNS", "TableFile", "block_digest", "damage"]

FORMAT = 1
OWN_COLUMNS = {
    "id": Field(dtype="uint64", meaning="identity of the sample"),
    "group": Field(dtype="uint64", meaning="rows of one group are one event"),
}


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
        self._places: dict[str, tuple[h5py.Dataset, ...]] = {}
        with self.handle() as file:
            header = self._read_header(file)
            self.layout = tuple(self._array(file, f"blocks/{n}") for n in _LAYOUT)
            arrays = [self._array(file, f"facts/{i}") for i in range(len(file.get("facts", ())))]
            with damage(self.path, "columns"):
                self.fields = frozenset(file["columns"]) - set(OWN_COLUMNS)
        with damage(self.path, "zoo"):
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
            columns = {
                name: self._column(file, name, start + first, start + end)
                for name in (*sorted(fields - set(OWN_COLUMNS)), *OWN_COLUMNS)
            }
        return Table(_sharing_offsets(columns))

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
            self._places = {}
            self._handle[1].close()  # inherited by a fork: HDF5 would share it with a new one
            self._handle = None
        if self._handle is None:
            self._handle = (os.getpid(), _open(self.path))
        yield self._handle[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_handle": None, "_places": {}}

    def _read_header(self, file: h5py.File) -> dict[str, Any]:
        if "zoo" not in file:
            raise DataError(
                "this HDF5 file was not written by zoo",
                where=str(self.path),
                remedy="name the source that reads it, SOURCE:PATH, or convert it first with "
                "`zoo data convert`",
            )
        with damage(self.path, "zoo"):
            header: dict[str, Any] = json.loads(file["zoo"][:].tobytes())
        if header["format"] != FORMAT:
            raise DataError(
                f"it has file format {header['format']}, this zoo reads {FORMAT}",
                where=str(self.path),
                remedy="use the zoo version that wrote it, or write it again",
            )
        return header

    def _array(self, file: h5py.File, name: str) -> NDArray[Any]:
        with damage(self.path, name):
            array: NDArray[Any] = file[name][()]
            return array

    def _column(self, file: h5py.File, name: str, start: int, end: int) -> NDArray[Any] | Ragged:
        if name not in self.fields and name not in OWN_COLUMNS:
            raise DataError(
                "the file has no such field",
                where=f"{self.path}: {name}",
                remedy=suggestion(name, self.fields),
            )
        with damage(self.path, name):
            values, *ragged = self._place(file, name)
            if not ragged:
                column: NDArray[Any] = values[start:end]
                return column
            offsets = ragged[0][start : end + 1]
            return Ragged(values[offsets[0] : offsets[-1]], offsets - offsets[0])

    def _place(self, file: h5py.File, name: str) -> tuple[h5py.Dataset, ...]:
        """Values, and offsets if it is ragged; kept, for opening takes longer than reading rows."""
        if name not in self._places:
            columns = file["columns"]
            if columns.get(name, getclass=True) is h5py.Dataset:
                self._places[name] = (open_dataset(columns, name),)
            else:
                place = columns[name]
                self._places[name] = (place["values"], place["offsets"])
        return self._places[name]


_LAYOUT = ("start", "group", "digest")


def _sharing_offsets(
    columns: Mapping[str, NDArray[Any] | Ragged],
) -> dict[str, NDArray[Any] | Ragged]:
    """Equal offsets become one array: rows of such columns are then taken together."""
    known: list[NDArray[np.int64]] = []
    found: dict[str, NDArray[Any] | Ragged] = {}
    for name, column in columns.items():
        if isinstance(column, Ragged):
            same = next((one for one in known if np.array_equal(one, column.offsets)), None)
            if same is None:
                known.append(column.offsets)
            else:
                column = Ragged(column.values, same)  # noqa: PLW2901  # the same rows
        found[name] = column
    return found


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
    with damage(path, ""):
        return h5py.File(path, "r", rdcc_nbytes=KEPT_BYTES)


@contextmanager
def damage(path: Path, name: str) -> Iterator[None]:
    """Turn what h5py raises for a damaged file into a DataError that names file and field."""
    try:
        yield
    except (OSError, KeyError, ValueError, RuntimeError, IndexError, TypeError) as error:
        reason = str(error).strip("'\"")
        raise DataError(
            f"the file is damaged or no HDF5 ({reason})",
            where=f"{path}: {name}" if name else str(path),
            remedy="copy it again and compare digests, or write it anew",
        ) from error
