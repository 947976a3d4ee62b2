"""Samples to measure on: from the data that are named, or the first simulator of the task."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.config.run import DataConfig
from zoo.contract.source import Source
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.reader import read_split
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.errors import DataError, UsageError
from zoo.prediction.sources import open_source

__all__ = ["read_samples", "source_for", "training_samples"]

_FIT_ROWS = 64
"""Samples that constants are fitted to: they change no time, but they must exist."""


def source_for(task: Task, data: DataConfig, rows: int = _FIT_ROWS) -> tuple[Source, DataConfig]:
    """The source that a configuration names, and that configuration, made complete.

    Args:
        task: Its first simulator stands in where no data are named.
        data: Of a simulator, ``events`` may be missing: then ``rows``, all of them for training.
        rows: Samples that will be read.

    Raises:
        UsageError: If no data are named and the task has no simulator.
        ZooError: As for :func:`~zoo.prediction.sources.open_source`.
    """
    simulators = [name for name, spec in task.sources.items() if spec.kind == "simulator"]
    if not (data.source or data.path):
        if not simulators:
            raise UsageError(
                "no data are named, and the task has no simulator",
                where=task.name,
                remedy="give --data SOURCE:PATH or a zoo file",
            )
        data = data.model_copy(update={"source": simulators[0]})
    if data.source in simulators and not data.events:
        data = data.model_copy(update={"events": rows, "validation": 0.0, "test": 0.0})
    return open_source(task.name, data), data


def training_samples(
    source: Source, data: DataConfig, fields: frozenset[str], limit: int | None = _FIT_ROWS
) -> Iterator[Table]:
    """The first rows of the training split; nothing is read before they are asked for."""
    blocks = choose_split(source.blocks(), "train", data.validation, data.test, SPLIT_SEED)
    yield from read_split(source, blocks, fields, limit)


def read_samples(
    source: Source, data: DataConfig, fields: frozenset[str], rows: int | None
) -> Table:
    """So many rows of the training split; ``None``: all.

    Raises:
        DataError: If there are fewer.
    """
    tables = list(training_samples(source, data, fields, rows))
    found = sum(table.rows for table in tables)
    if not found or (rows is not None and found < rows):
        raise DataError(
            f"{found} samples are for training, and {rows or 1} are needed",
            where=data.path or data.source,
            remedy="give more events or files, or a smaller --batch",
        )
    return Table.concat(tables)
