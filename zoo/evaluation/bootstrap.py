"""Percentile bootstrap over independent groups: events, tracks or showers, never rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from zoo.errors import UsageError

__all__ = [
    "CONFIDENCE",
    "Interval",
    "Resamples",
    "Statistic",
    "bootstrap",
    "resample",
    "student_t",
]

CONFIDENCE = 0.95
"""Coverage of every interval of the zoo."""

Statistic = Callable[[NDArray[np.intp]], NDArray[np.float64]]
"""Row indices ``(rows,)``, repeated ones included -> values ``(numbers,)`` of these rows."""


@dataclass(frozen=True)
class Interval:
    """Limits of the intervals of all numbers of a statistic.

    Attributes:
        low, high: ``(numbers,)`` float64; NaN where the number is undefined, or with one group.
        groups: How many independent groups were resampled.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    groups: int


@dataclass(frozen=True, eq=False)
class Resamples:
    """A statistic on the rows, and on resamples of them.

    Attributes:
        point: ``(numbers,)`` float64, on the rows themselves.
        values: ``(resamples, numbers)`` float64; of one group all are NaN.
        groups: How many independent groups were resampled.
    """

    point: NDArray[np.float64]
    values: NDArray[np.float64]
    groups: int

    def interval(self) -> Interval:
        """95 % expanded percentile intervals.

        Plain percentiles are too narrow for few groups, so they are moved outwards as for a t
        interval (T. Hesterberg, The American Statistician 69 (2015) 371, section 5.3). Resamples
        on which a number is undefined are left out of its interval.
        """
        if self.groups < 2:
            undefined = np.full(len(self.point), np.nan)
            return Interval(undefined, undefined, self.groups)
        low, high = _percentiles(self.values, self.groups)
        defined = np.isfinite(self.point)
        return Interval(
            np.where(defined, low, np.nan), np.where(defined, high, np.nan), self.groups
        )


def resample(
    statistic: Statistic, groups: NDArray[np.uint64], *, resamples: int, seed: int
) -> Resamples:
    """A statistic on bootstrap resamples of whole groups.

    The draws depend on the set of groups and the seed alone: two models measured on the same
    events are resampled alike, so the difference of their values is that of a paired resample.

    Args:
        statistic: Called once on every resample.
        groups: ``(rows,)`` uint64, the group of each row.
        resamples: How many.
        seed: Of the draws.

    Raises:
        UsageError: If ``resamples`` is not positive.
    """
    if resamples < 1:
        raise UsageError(f"{resamples} resamples", remedy="use at least 1, 1000 for a result")
    members = _Members(groups)
    point = statistic(np.arange(len(groups)))
    values = np.full((resamples, len(point)), np.nan)
    if members.count > 1:
        generator = np.random.default_rng(seed)
        for row in values:
            row[:] = statistic(members.rows(generator.integers(members.count, size=members.count)))
    return Resamples(point, values, members.count)


def bootstrap(
    statistic: Statistic, groups: NDArray[np.uint64], *, resamples: int, seed: int
) -> Interval:
    """95 % intervals of a statistic; arguments and errors as of :func:`resample`."""
    return resample(statistic, groups, resamples=resamples, seed=seed).interval()


def student_t(freedom: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the width of a 95 % interval in standard errors, for these degrees of freedom."""
    return np.asarray(stdtrit(freedom, (1 + CONFIDENCE) / 2), dtype=np.float64)


class _Members:
    """The rows of each group, by position of the group in sorted order."""

    def __init__(self, groups: NDArray[np.uint64]) -> None:
        _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
        self._order = np.argsort(index, kind="stable")
        self._counts = counts
        self._starts = np.cumsum(counts) - counts
        self.count = len(counts)

    def rows(self, chosen: NDArray[np.int64]) -> NDArray[np.intp]:
        """Rows of the chosen groups, repeated as often as the group is."""
        counts = self._counts[chosen]
        starts = np.repeat(self._starts[chosen] - np.cumsum(counts) + counts, counts)
        return self._order[starts + np.arange(len(starts))]


def _percentiles(
    values: NDArray[np.float64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Expanded percentiles ``(numbers,)`` of ``(resamples, numbers)``, NaN left out."""
    share = float(ndtr(-np.sqrt(groups / (groups - 1)) * student_t(groups - 1)))
    low, high = np.full((2, values.shape[1]), np.nan)
    for number, column in enumerate(values.T):
        finite = column[np.isfinite(column)]
        if len(finite):
            # Weibull: unbiased for few resamples, where the default gives shorter intervals.
            low[number], high[number] = np.quantile(finite, (share, 1 - share), method="weibull")
    return low, high
