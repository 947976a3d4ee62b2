"""Tables of an evaluation on disk: metric rows, and the samples of event displays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.contract.specs import Field, Specs
from zoo.contract.table import Ragged, Table
from zoo.data.store import TableFile
from zoo.data.writer import TableWriter

__all__ = ["Displays", "file_names", "read_displays", "read_table", "write_displays", "write_table"]

_SAMPLES = "samples.h5"


@dataclass(frozen=True)
class Displays:
    """A few samples with all predictions, for event displays."""

    samples: Table
    predictions: Mapping[str, Table]


def write_table(path: Path, table: Table, *, task: str, facts: Mapping[str, Any]) -> None:
    """Write a table with ``group``; its columns describe themselves.

    Raises:
        DataError: If an id stands twice.
        UsageError: If the file cannot be written.
    """
    specs = _specs_of(table)
    with TableWriter(path, specs, facts=facts, task=task, block_rows=table.rows) as writer:
        writer.append(table)


def read_table(path: Path) -> tuple[Table, Mapping[str, Any]]:
    """The table and its facts.

    Raises:
        DataError: If the file is missing or damaged.
    """
    file = TableFile(path)
    rows = [file.read(block, slice(0, block.rows), file.fields) for block in file.blocks()]
    return Table.concat(rows), file.facts


def write_displays(
    displays: Displays | None, folder: Path, *, task: str, facts: Mapping[str, Any]
) -> None:
    """Write what figures show, so that they can be drawn again without data and models.

    ``None`` leaves nothing of an earlier evaluation in the folder: its rows were others.

    Raises:
        UsageError: If the folder cannot be written.
    """
    if displays is None:
        (folder / _SAMPLES).unlink(missing_ok=True)
        return
    write_table(folder / _SAMPLES, displays.samples, task=task, facts=facts)
    names = file_names(displays.predictions)
    group = displays.samples["group"]
    for name, predictions in displays.predictions.items():
        table = predictions.with_columns({"group": group})
        write_table(folder / f"{names[name]}.h5", table, task=task, facts={})


def read_displays(folder: Path, models: Iterable[str]) -> Displays | None:
    """What :func:`write_displays` wrote; ``None`` where there is nothing.

    Args:
        folder: Of the displays.
        models: Names of the rows that were predicted, in the order of the table.

    Raises:
        DataError: If a file is missing or damaged.
    """
    if not (folder / _SAMPLES).is_file():
        return None
    names = file_names(models)
    samples, _ = read_table(folder / _SAMPLES)
    return Displays(
        samples, {name: read_table(folder / f"{stem}.h5")[0] for name, stem in names.items()}
    )


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A stem of a file for each model, unique whatever it is called."""
    return {
        name: f"{number:02d}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[-60:]}"
        for number, name in enumerate(names)
    }


def _specs_of(table: Table) -> Specs:
    """What a table says of itself: its columns are the plugin's own affair."""
    found = {}
    for name in table:
        column = table[name]
        if name in ("id", "group"):
            continue
        values = column.values if isinstance(column, Ragged) else column
        ragged = isinstance(column, Ragged)
        dims = (f"{name}-length", *values.shape[1:]) if ragged else values.shape[1:]
        found[name] = Field(
            dims=dims, dtype=values.dtype.name, meaning="as measured", ragged=ragged, finite=False
        )
    return found
