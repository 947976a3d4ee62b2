"""Any source into one of our files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.contract.source import Block, Source
from zoo.contract.specs import Specs
from zoo.contract.table import Ragged, Table
from zoo.data.reader import available_fields, read_block, source_name, table_bytes
from zoo.data.simulate import block_rows
from zoo.data.store import TableFile
from zoo.data.writer import TableWriter
from zoo.errors import DataError, UsageError

__all__ = ["convert_file"]


def convert_file(
    source: Source,
    specs: Specs,
    out: Path,
    *,
    task: str,
    about: Mapping[str, Any],
    progress: Callable[[int], None] = lambda _: None,
) -> TableFile:
    """Write all samples of a source, with all declared fields that it has.

    Small groups are gathered into blocks, large ones are cut; ids and groups stay.

    Args:
        source: Where the samples come from.
        specs: Fields of the task.
        out: The file; it must not exist.
        task: Name of the task.
        about: JSON that tells how the file came to be.
        progress: Called with the number of new rows, now and then.

    Raises:
        UsageError: If ``out`` exists or cannot be written.
        DataError: If the source is empty, cannot be read, or lacks a field.
    """
    if out.exists():
        raise UsageError("the file exists", where=str(out), remedy="choose another --out")
    blocks = [block for block in source.blocks() if block.rows]
    if not blocks:
        raise DataError(
            "there are no samples to convert",
            where=source_name(source),
            remedy="give another file, or more events",
        )
    fields = available_fields(source, frozenset(specs))
    rows = block_rows(_row_bytes(source, blocks[0], fields), sum(block.rows for block in blocks))
    with TableWriter(
        out, specs, facts=source.facts, task=task, block_rows=rows, about=about
    ) as writer:
        for table in _blocks_of_size(source, blocks, fields, rows):
            writer.append(table)
            progress(table.rows)
            del table  # else it would be held while the next one is read
    return TableFile(out)


def _row_bytes(source: Source, block: Block, fields: frozenset[str]) -> float:
    table = read_block(source, block, fields)
    return table_bytes(table) / table.rows


def _blocks_of_size(
    source: Source, blocks: Sequence[Block], fields: frozenset[str], rows: int
) -> Iterator[Table]:
    """Tables of at most ``rows`` rows where groups allow; a group's rows follow one another."""
    groups: dict[str, list[Block]] = {}
    for block in blocks:
        groups.setdefault(block.group, []).append(block)
    pending: list[Table] = []
    for members in groups.values():
        size = sum(block.rows for block in members)
        held = sum(table.rows for table in pending)
        if pending and held + size > rows:
            yield _joined(pending)
        if size > rows:
            for block in members:
                yield from _pieces(read_block(source, block, fields), rows)
        else:
            pending.extend(read_block(source, block, fields) for block in members)
    if pending:
        yield _joined(pending)


def _joined(pending: list[Table]) -> Table:
    """One table of all, which are forgotten."""
    table = pending[0] if len(pending) == 1 else Table.concat(pending)
    pending.clear()
    return table


def _pieces(table: Table, rows: int) -> Iterator[Table]:
    groups = table["group"]
    if np.any(groups != groups[0]):
        yield table  # a border of groups might be cut: leave the source's block as it is
        return
    for start in range(0, table.rows, rows):
        yield _piece(table, slice(start, start + rows))


def _piece(table: Table, rows: slice) -> Table:
    """Rows of a table; unlike :meth:`Table.take`, without a copy of what is not ragged."""
    index = np.arange(table.rows)[rows]
    columns = {name: table[name] for name in table}
    return Table(
        {n: c.take(index) if isinstance(c, Ragged) else c[rows] for n, c in columns.items()}
    )
