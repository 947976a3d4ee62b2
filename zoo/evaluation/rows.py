"""Metric rows: every sample is read once, predicted by every model, and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np

from zoo.contract.metrics import Metrics
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Block, Source
from zoo.contract.specs import Specs
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.checks import require_finite
from zoo.data.failures import plugin_code
from zoo.data.processes import ALONE, Processes
from zoo.data.reader import limited, read_block, source_name, table_bytes
from zoo.data.transport import pack, unpack
from zoo.errors import DataError, PluginError
from zoo.prediction.compatibility import missing_fields

__all__ = ["Progress", "measure", "measure_all", "metrics_for"]

_CHUNK_BYTES = 16 * 2**20

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all)."""


def metrics_for(task: Task, facts: Mapping[str, object]) -> Metrics:
    """The task's metrics for a data set."""
    factory = cast("Callable[[Mapping[str, object]], Metrics]", resolve(task.metrics))
    return factory(facts)


def measure(
    task: Task,
    predictor: Predictor,
    source: Source,
    blocks: Sequence[Block],
    *,
    limit: int | None = None,
    progress: Progress | None = None,
    processes: Processes = ALONE,
) -> Table:
    """Metric rows of one predictor, in id order, with ``group``.

    Memory is bounded by one block of samples, or 16 MiB of small ones, and its predictions.

    Args:
        task: Brings the metrics.
        predictor: Predicts.
        source: Holds the samples.
        blocks: Those to measure.
        limit: Samples at most; ``None``: all.
        progress: Told after every block.
        processes: Those among which the samples are divided; all of them get all rows, the same
            as one process gets.

    Raises:
        DataError: If a field is missing or there are no samples.
        PluginError: If predictions or rows do not have the samples' ids.
    """
    predictors = {task.name: predictor}
    rows = measure_all(
        task, predictors, source, blocks, limit=limit, progress=progress, processes=processes
    )
    return rows[task.name]


def measure_all(
    task: Task,
    predictors: Mapping[str, Predictor],
    source: Source,
    blocks: Sequence[Block],
    *,
    limit: int | None = None,
    progress: Progress | None = None,
    processes: Processes = ALONE,
) -> Mapping[str, Table]:
    """Metric rows of several predictors, each sample read once; see :func:`measure`."""
    metrics = metrics_for(task, source.facts)
    read = _fields_read(task, metrics, source)
    fields = read.union(*(predictor.needs for predictor in predictors.values()))
    declared = cast("Specs", resolve(task.sample))
    portions = _portions(source, blocks, fields, limit)
    if not portions:
        raise DataError(
            "there are no samples to measure",
            where=source_name(source),
            remedy="choose another split, or a larger share of the data for it",
        )
    mine = portions[processes.rank :: processes.size]
    total = sum(rows.stop for portion in mine for _, rows in portion)
    parts: dict[str, list[Table]] = {name: [] for name in predictors}
    done = 0
    for portion in mine:
        samples = _joined([read_block(source, block, fields, rows) for block, rows in portion])
        require_finite(samples, declared, source)
        for name, predictor in predictors.items():
            # Each sees the fields it declares and no others, or it would fail on another source.
            with plugin_code(name):
                predictions = predictor.predict(samples.select(predictor.needs))
            _require_ids(predictions, samples, f"predictions of {name}")
            with plugin_code(f"{type(metrics).__name__}, predictions of {name}"):
                rows = metrics.measure(samples.select(read), predictions)
            _require_ids(rows, samples, "metric rows")
            parts[name].append(rows.with_columns({"group": samples["group"]}))
        done += samples.rows
        if progress is not None:
            progress(done, total)
    return {
        name: _in_id_order(Table.concat(_everywhere(processes, p))) for name, p in parts.items()
    }


def _portions(
    source: Source, blocks: Sequence[Block], fields: frozenset[str], limit: int | None
) -> list[list[tuple[Block, slice]]]:
    """Small blocks joined to a size that is worth a forward pass; large ones as they are.

    A function of the blocks and the size of the first: it does not depend on who measures what.
    """
    whole = limited(blocks, limit)
    if not whole:
        return []
    block, rows = whole[0]
    first = read_block(source, block, fields, rows)
    most = _CHUNK_BYTES * first.rows // max(table_bytes(first), 1)
    portions: list[list[tuple[Block, slice]]] = []
    held = 0
    for block, rows in whole:
        if not portions or held + rows.stop > most:
            portions.append([])
            held = 0
        portions[-1].append((block, rows))
        held += rows.stop
    return portions


def _everywhere(processes: Processes, tables: list[Table]) -> list[Table]:
    """The tables of all processes."""
    if processes.size == 1:
        return tables
    contents = processes.gather(pack(Table.concat(tables)) if tables else b"")
    return [unpack(content) for content in contents if content]


def _joined(tables: Sequence[Table]) -> Table:
    return tables[0] if len(tables) == 1 else Table.concat(tables)  # large ones are not copied


def _fields_read(task: Task, metrics: Metrics, source: Source) -> frozenset[str]:
    """What the metrics need, without the optional fields that the source lacks."""
    specs = cast("Specs", resolve(task.sample))
    optional = frozenset(name for name in metrics.needs if name in specs and specs[name].optional)
    return metrics.needs - missing_fields(source, optional)


def _require_ids(found: Table, samples: Table, what: str) -> None:
    if not np.array_equal(found.ids, samples.ids):
        raise PluginError(
            f"{what} do not have the ids of the samples, in their order",
            remedy="return one row per sample, with its id",
        )


def _in_id_order(rows: Table) -> Table:
    return rows.take(np.argsort(rows.ids, kind="stable"))
