"""Predictions of a whole source, written as a file of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Block, Source
from zoo.contract.specs import Specs
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.checks import require_finite
from zoo.data.failures import plugin_code
from zoo.data.processes import ALONE, Processes
from zoo.data.reader import limited, read_block, source_name
from zoo.data.transport import pack, unpack
from zoo.data.writer import TableWriter
from zoo.errors import DataError

__all__ = ["predict_file"]


def predict_file(
    task: Task,
    predictor: Predictor,
    source: Source,
    blocks: Sequence[Block],
    path: Path,
    *,
    limit: int | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    processes: Processes = ALONE,
) -> int:
    """Predict block by block into one file; it appears only when it is complete.

    Args:
        task: Its specs say what a prediction is.
        predictor: Predicts.
        source: Holds the samples.
        blocks: Those to predict.
        path: The file.
        limit: Samples at most; ``None``: all.
        about: JSON that tells how the file came to be.
        progress: Called with (rows done, rows in all) after every block.
        processes: Those among which the blocks are divided; the first writes the file, which is
            the one that a single process writes.

    Returns:
        The number of samples.

    Raises:
        DataError: If there are no samples, or a prediction is not what the task declares.
        UsageError: If the file cannot be written.
    """
    portions = limited(blocks, limit)
    total = sum(rows.stop for _, rows in portions)
    if not total:
        raise DataError(
            "there are no samples to predict",
            where=source_name(source),
            remedy="choose another split or other data",
        )
    tables = _predictions(task, predictor, source, portions, processes)
    if not processes.main:
        return sum(table.rows for table in tables)
    specs = cast("Specs", resolve(task.prediction))
    block_rows = max(block.rows for block in blocks)
    with TableWriter(
        path, specs, facts=source.facts, task=task.name, block_rows=block_rows, about=about
    ) as writer:
        for table in tables:
            writer.append(table)
            if progress is not None:
                progress(writer.rows, total)
        return writer.rows


def _predictions(
    task: Task,
    predictor: Predictor,
    source: Source,
    portions: Sequence[tuple[Block, slice]],
    processes: Processes,
) -> Iterator[Table]:
    """Predictions of all blocks in their order, of which each process makes every so many."""
    declared = cast("Specs", resolve(task.sample))
    for first in range(0, len(portions), processes.size):
        mine = portions[first : first + processes.size][processes.rank : processes.rank + 1]
        made = [
            _predicted(
                predictor, read_block(source, block, predictor.needs, rows), source, declared
            )
            for block, rows in mine
        ]
        if processes.size == 1:
            yield from made
        else:
            contents = processes.gather(pack(made[0]) if made else b"")
            yield from (unpack(content) for content in contents if content)


def _predicted(predictor: Predictor, samples: Table, source: Source, declared: Specs) -> Table:
    require_finite(samples, declared, source)
    with plugin_code(str(getattr(predictor, "model", type(predictor).__name__))):
        predictions = predictor.predict(samples.select(predictor.needs))
    return predictions.with_columns({"group": samples["group"]})
