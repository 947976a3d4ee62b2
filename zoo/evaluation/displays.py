"""A few samples with the predictions of all models, for event displays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from zoo.contract.figures import Figures
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.source import Block, Source
from zoo.contract.specs import Specs
from zoo.contract.task import Task
from zoo.data.reader import read_rows
from zoo.evaluation.stored import Displays
from zoo.prediction.compatibility import missing_fields

__all__ = ["choose_displays"]


def choose_displays(
    task: Task,
    predictors: Mapping[str, Predictor],
    source: Source,
    blocks: Sequence[Block],
    limit: int | None,
) -> Displays | None:
    """Samples evenly spread over what was measured, with the fields that figures read.

    Args:
        task: Its figures say how many they show.
        predictors: Each predicts them.
        source: Holds the samples.
        blocks: Those that were measured.
        limit: Rows that were measured at most; ``None``: all.
    """
    if task.figures is None:
        return None
    figures = cast("type[Figures]", resolve(task.figures))
    sizes = np.array([block.rows for block in blocks], dtype=np.int64)
    total = int(sizes.sum()) if limit is None else min(int(sizes.sum()), limit)
    count = min(figures.displays, total)
    if not count:
        return None
    # From the first to the last: where a group has two rows, both kinds are among them.
    chosen = np.rint(np.linspace(0, total - 1, count)).astype(np.int64)
    block = np.searchsorted(np.cumsum(sizes), chosen, side="right").astype(np.int64)
    row = chosen - (np.cumsum(sizes) - sizes)[block]
    specs = cast("Specs", resolve(task.sample))
    optional = frozenset(n for n in figures.needs if n in specs and specs[n].optional)
    shown = figures.needs - missing_fields(source, optional)
    fields = shown.union(*(predictor.needs for predictor in predictors.values()))
    samples = read_rows(source, blocks, block, row, fields)
    return Displays(
        samples.select(shown | {"group"}),
        {name: p.predict(samples.select(p.needs)) for name, p in predictors.items()},
    )
