"""Predictions of a whole source, written as a file of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Block, Source
from zoo.contract.specs import Specs
from zoo.contract.task import Task
from zoo.data.checks import require_finite
from zoo.data.failures import plugin_code
from zoo.data.reader import read_split, source_name
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

    Returns:
        The number of samples.

    Raises:
        DataError: If there are no samples, or a prediction is not what the task declares.
        UsageError: If the file cannot be written.
    """
    total = sum(block.rows for block in blocks)
    total = total if limit is None else min(total, limit)
    if not total:
        raise DataError(
            "there are no samples to predict",
            where=source_name(source),
            remedy="choose another split or other data",
        )
    specs = cast("Specs", resolve(task.prediction))
    declared = cast("Specs", resolve(task.sample))
    block_rows = max(block.rows for block in blocks)
    with TableWriter(
        path, specs, facts=source.facts, task=task.name, block_rows=block_rows, about=about
    ) as writer:
        for samples in read_split(source, blocks, predictor.needs, limit):
            require_finite(samples, declared, source)
            with plugin_code(str(getattr(predictor, "model", type(predictor).__name__))):
                predictions = predictor.predict(samples.select(predictor.needs))
            writer.append(predictions.with_columns({"group": samples["group"]}))
            if progress is not None:
                progress(writer.rows, total)
        return writer.rows
