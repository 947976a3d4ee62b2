"""Numbers of metric rows, on all of them and in every bin, with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo.contract.figures import BinnedNumber
from zoo.contract.table import Table
from zoo.errors import PluginError
from zoo.evaluation.resampling import Resampler, Sampled

__all__ = ["Bin", "bins_of", "numbers_of"]


@dataclass(frozen=True, eq=False)
class Bin:
    """A part of the rows.

    Attributes:
        index: ``(n,)`` intp, its rows.
        column: The binned row column; empty for all rows.
        lower, upper: Edges; NaN for all rows.
    """

    index: NDArray[np.intp]
    column: str = ""
    lower: float = float("nan")
    upper: float = float("nan")


def bins_of(rows: Table, bins: Mapping[str, Sequence[float]]) -> Iterator[Bin]:
    """All rows, then every bin that is not empty.

    A bin holds its lower edge; the last one its upper edge too. NaN is in no bin.

    Raises:
        PluginError: If a binned column is missing from the rows, or the edges do not rise.
    """
    yield Bin(np.arange(rows.rows))
    for column, edges in bins.items():
        if column not in rows:
            raise PluginError(
                f"metrics bin the column '{column}', which their rows lack",
                where="bins",
                remedy="return it from measure()",
            )
        if not np.all(np.diff(edges) > 0):
            raise PluginError(f"edges do not rise: {list(edges)}", where=f"bins of '{column}'")
        values = np.asarray(rows[column], dtype=np.float64)
        for lower, upper in pairwise(edges):
            inside = (values >= lower) & (
                (values < upper) | ((upper == edges[-1]) & (values == upper))
            )
            if inside.any():
                yield Bin(np.flatnonzero(inside), column, float(lower), float(upper))


def numbers_of(resampler: Resampler, rows: Table) -> tuple[BinnedNumber, ...]:
    """Every number with its 95 % interval, on all rows first, then in every bin.

    Args:
        resampler: Of the task's metrics.
        rows: Metric rows with ``group``; of several trainings, with ``training``.
    """
    first = resampler.trainings(rows)[0]
    return tuple(
        number
        for part in bins_of(first, resampler.metrics.bins)
        if len(part.index)
        for number in _numbers_in(resampler.sampled(rows, part.index), part)
    )


def _numbers_in(sampled: Sampled, part: Bin) -> Iterator[BinnedNumber]:
    interval = sampled.interval()
    each = sampled.by_training()
    spread = each.std(axis=0, ddof=1) if len(each) > 1 else np.full(each.shape[1], np.nan)
    for place, number in enumerate(sampled.numbers):
        yield BinnedNumber(
            number=number,
            low=float(interval.low[place]),
            high=float(interval.high[place]),
            n=sampled.rows,
            groups=sampled.groups,
            trainings=len(each),
            spread=float(spread[place]),
            column=part.column,
            lower=part.lower,
            upper=part.upper,
        )
