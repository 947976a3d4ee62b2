"""Reading rows of a source: by block, or any rows of any blocks through a bounded cache."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from zoo.contract.source import Block, Source
from zoo.contract.table import Ragged, Table
from zoo.data.failures import plugin_code
from zoo.data.keys import text_key
from zoo.data.store import TableFile
from zoo.errors import DataError, PluginError

__all__ = [
    "BlockReader",
    "Memory",
    "RowSource",
    "available_fields",
    "limited",
    "read_block",
    "read_rows",
    "read_split",
    "source_name",
    "table_bytes",
]

Memory: TypeAlias = Literal["auto", "stream", "ram"]
"""Decoded blocks that a loader keeps: up to :data:`CACHE_BYTES`, those of a window, or all."""

CACHE_BYTES = 256 * 2**20
"""Decoded blocks that one reader keeps, in bytes; always at least one block."""
_JOINED_BYTES = 16 * 2**20  # 64 blocks of small rows: joining takes as long as one by one


@runtime_checkable
class RowSource(Protocol):
    """A source that reads single rows as cheaply as blocks (a simulator): it needs no cache."""

    def gather(
        self,
        blocks: Sequence[Block],
        block_index: NDArray[np.int64],
        row_index: NDArray[np.int64],
        fields: frozenset[str],
    ) -> Table:
        """Row ``row_index[i]`` of ``blocks[block_index[i]]`` for every ``i``, in that order."""
        ...


class BlockReader:
    """Reads any rows of a source's blocks, and keeps decoded blocks.

    Args:
        source: What reads them.
        blocks: Its blocks that are asked for.
        fields: What is read of them.
        cache_bytes: How much is kept; ``None``: everything.
        cache_blocks: How many blocks are kept; ``None``: as many as ``cache_bytes`` allows.
    """

    def __init__(
        self,
        source: Source,
        blocks: Sequence[Block],
        fields: frozenset[str],
        *,
        cache_bytes: int | None = CACHE_BYTES,
        cache_blocks: int | None = None,
    ) -> None:
        self.source = source
        self.blocks = tuple(blocks)
        self.fields = fields
        self._most_bytes = math.inf if cache_bytes is None else cache_bytes
        self._most_blocks = math.inf if cache_blocks is None else cache_blocks
        self._held = 0
        self._cache: OrderedDict[int, Table] = OrderedDict()
        self._joined: tuple[dict[int, int], Table] | None = None

    def rows(self, block_index: NDArray[np.int64], row_index: NDArray[np.int64]) -> Table:
        """Rows in the order asked for, with the asked fields, ``id`` and ``group``.

        Args:
            block_index: ``(N,)`` int64, N > 0: which of the blocks.
            row_index: ``(N,)`` int64: which row of it.

        Raises:
            DataError: If the source cannot read them or lacks a field.
            PluginError: If the source returns other rows than asked for.
        """
        if isinstance(self.source, RowSource):
            with plugin_code(type(self.source).__name__):
                table = self.source.gather(self.blocks, block_index, row_index, self.fields)
            return _checked(table, len(row_index), self.fields, self.source)
        asked = list(dict.fromkeys(block_index.tolist()))
        if (together := self._together(asked)) is not None:
            starts, table = together
            return table.take(np.asarray([starts[i] for i in block_index.tolist()]) + row_index)
        parts, positions = [], []
        for index in asked:
            chosen = np.flatnonzero(block_index == index)
            parts.append(self._block(index).take(row_index[chosen]))
            positions.append(chosen)
        joined = Table.concat(parts) if len(parts) > 1 else parts[0]
        return joined.take(np.argsort(np.concatenate(positions)))

    def _together(self, asked: Sequence[int]) -> tuple[dict[int, int], Table] | None:
        """Small blocks as one table and where in it each begins; kept, for many rows follow.

        A window of shuffled blocks gives a few rows of each to every micro-batch: taken from one
        table, they cost one look-up for each column instead of one for each column and block.
        """
        if self._joined is not None and self._joined[0].keys() >= set(asked):
            return self._joined
        self._joined = None  # the next ones take its place
        if table_bytes(self._block(asked[0])) * len(asked) > _JOINED_BYTES:
            return None
        tables = [self._block(index) for index in asked]
        first = np.concatenate([[0], np.cumsum([table.rows for table in tables])]).tolist()
        starts = dict(zip(asked, first, strict=False))
        self._joined = starts, Table.concat(tables) if len(tables) > 1 else tables[0]
        return self._joined

    def _block(self, index: int) -> Table:
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        table = read_block(self.source, self.blocks[index], self.fields)
        self._cache[index] = table
        self._held += table_bytes(table)
        while self._is_full() and len(self._cache) > 1:
            self._held -= table_bytes(self._cache.popitem(last=False)[1])
        return table

    def _is_full(self) -> bool:
        return self._held > self._most_bytes or len(self._cache) > self._most_blocks


def read_rows(
    source: Source,
    blocks: Sequence[Block],
    block_index: NDArray[np.int64],
    row_index: NDArray[np.int64],
    fields: frozenset[str],
) -> Table:
    """Any rows, once; see :meth:`BlockReader.rows`, which keeps blocks between calls."""
    return BlockReader(source, blocks, fields).rows(block_index, row_index)


def read_block(
    source: Source, block: Block, fields: frozenset[str], rows: slice | None = None
) -> Table:
    """Rows of one block (default all) with the asked fields, ``id`` and ``group``.

    ``group`` ``(N,)`` uint64 tells which rows are one event: the source's own column where it
    has one, otherwise the hash of the block's group.

    Raises:
        DataError, PluginError: As for :meth:`BlockReader.rows`.
    """
    wanted = slice(0, block.rows) if rows is None else rows
    try:
        with plugin_code(f"{type(source).__name__}: {block.key}"):
            table = source.read(block, wanted, fields - {"id", "group"})
    except OSError as error:
        raise DataError(
            f"cannot be read ({error})",
            where=f"{type(source).__name__}: {block.key}",
            remedy="check that the file is there and whole",
        ) from error
    if "group" not in table:
        group = np.full(table.rows, text_key(block.group), np.uint64)
        table = table.with_columns({"group": group})
    return _checked(table, len(range(*wanted.indices(block.rows))), fields, source)


def read_split(
    source: Source, blocks: Sequence[Block], fields: frozenset[str], limit: int | None = None
) -> Iterator[Table]:
    """Tables block by block, at most ``limit`` rows in all, with ``id`` and ``group``."""
    for block, rows in limited(blocks, limit):
        yield read_block(source, block, fields, rows)


def limited(blocks: Sequence[Block], limit: int | None = None) -> list[tuple[Block, slice]]:
    """Blocks with the rows to read of each, at most ``limit`` in all; none without rows."""
    left = sum(block.rows for block in blocks) if limit is None else limit
    found = []
    for block in blocks:
        rows = min(block.rows, left)
        if rows > 0:
            found.append((block, slice(0, rows)))
        left -= rows
    return found


def available_fields(source: Source, fields: frozenset[str]) -> frozenset[str]:
    """Which of these fields the source has: as its ``fields`` say, else by reading one row."""
    if isinstance(source, TableFile):
        return fields & (source.fields | {"id", "group"})
    told: frozenset[str] | None = getattr(source, "fields", None)
    if told is not None:
        return fields & (told | {"id"})
    block = next((block for block in source.blocks() if block.rows), None)
    if block is None:
        return frozenset()

    def found(wanted: frozenset[str]) -> frozenset[str]:
        return wanted.intersection(source.read(block, slice(0, 1), wanted))

    try:
        return found(fields)
    except DataError:  # one of them is missing: ask for each alone
        return frozenset().union(*(_found_or_none(found, field) for field in fields))


def source_name(source: Source) -> str:
    """What an error calls a source: its path, or else its class."""
    return str(getattr(source, "path", "")) or type(source).__name__


def table_bytes(table: Table) -> int:
    """Memory of a table's columns in bytes."""
    columns = [table[name] for name in table]
    return sum(
        c.values.nbytes + c.offsets.nbytes if isinstance(c, Ragged) else c.nbytes for c in columns
    )


def _found_or_none(found: Callable[[frozenset[str]], frozenset[str]], field: str) -> frozenset[str]:
    try:
        return found(frozenset((field,)))
    except DataError:
        return frozenset()


def _checked(table: Table, rows: int, fields: frozenset[str], source: Source) -> Table:
    name = source_name(source)
    for field in sorted(fields):
        if field not in table:
            raise DataError(
                "the source has no such field",
                where=f"{name}: {field}",
                remedy="`zoo data check` lists what it has; a model's needs are in `zoo info`",
            )
    if table.rows != rows:
        raise PluginError(
            f"the source returned {table.rows} rows where {rows} were asked for", where=name
        )
    return table.select(fields | {"group"})
