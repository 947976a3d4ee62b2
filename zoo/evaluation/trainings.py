"""Several trainings of one model, which differ in their seed, as one row of a table.

A model's number is the mean of those of its trainings: what a user who trains once can expect.
Its interval covers the events and the trainings. The former comes from the bootstrap; to its
variance that of the mean over trainings is added, s^2 / k for k trainings of standard deviation s,
and the sum is judged with the degrees of freedom of Welch and Satterthwaite (F. E. Satterthwaite,
Biometrics Bulletin 2 (1946) 110). With three trainings that differ much, two degrees of freedom
make the interval wide, as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.contract.table import Table
from zoo.errors import DataError
from zoo.evaluation.bootstrap import Interval, student_t

__all__ = ["join_trainings", "split_trainings", "widened"]

_COLUMN = "training"
Float64Array = NDArray[np.float64]


def join_trainings(tables: Sequence[Table]) -> Table:
    """Metric rows of several trainings as one table; those of one training as they are."""
    if len(tables) == 1:
        return tables[0]
    return Table.concat(
        [
            table.with_columns({_COLUMN: np.full(table.rows, number, np.int64)})
            for number, table in enumerate(tables)
        ]
    )


def split_trainings(rows: Table) -> tuple[Table, ...]:
    """Metric rows of each training, on the same samples in the same order.

    Raises:
        DataError: If the trainings were not measured on the same samples.
    """
    if _COLUMN not in rows:
        return (rows,)
    parts = tuple(rows.take(rows[_COLUMN] == number) for number in np.unique(rows[_COLUMN]))
    for part in parts[1:]:
        if not np.array_equal(part.ids, parts[0].ids):
            raise DataError(
                "trainings of one model were measured on different samples",
                where=f"{parts[0].rows} and {part.rows} rows",
                remedy="evaluate them in one command",
            )
    return parts


def widened(interval: Interval, value: Float64Array, trainings: Sequence[Float64Array]) -> Interval:
    """An interval over events, widened by the spread of trainings.

    Args:
        interval: From the bootstrap over events.
        value: ``(numbers,)``, what it surrounds.
        trainings: For each model that enters, its numbers by training ``(k, numbers)``; one
            training has no spread that could be seen.
    """
    several = [values for values in trainings if len(values) > 1]
    if not several or interval.groups < 2:
        return interval
    freedom = interval.groups - 1
    events = ((interval.high - interval.low) / 2 / student_t(freedom)) ** 2
    added = [(values.var(axis=0, ddof=1) / len(values), len(values) - 1) for values in several]
    total = events + sum(variance for variance, _ in added)
    seen = events > 0  # else nothing but the trainings differs
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = events**2 / freedom + sum(variance**2 / k for variance, k in added)
        half = np.where(total == 0, 0.0, student_t(total**2 / parts) * np.sqrt(total))
        scale = half / (student_t(freedom) * np.sqrt(events))
        below = np.where(seen, (value - interval.low) * scale, half)
        above = np.where(seen, (interval.high - value) * scale, half)
    return Interval(value - below, value + above, interval.groups)
