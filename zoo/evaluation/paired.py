"""Two models on the same events: the difference of every number, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from zoo.contract.metrics import Number
from zoo.contract.table import Table
from zoo.errors import DataError
from zoo.evaluation.bins import Bin, bins_of
from zoo.evaluation.bootstrap import CONFIDENCE, Resamples
from zoo.evaluation.resampling import Resampler, Sampled
from zoo.evaluation.trainings import widened

__all__ = ["MINIMUM_GROUPS", "Difference", "Verdict", "paired_differences"]

MINIMUM_GROUPS = 6
"""With fewer no method decides at 95 %: even if all five groups agree, chance does that in 6 %."""

_DETECTABLE = 1 + float(ndtri(0.8) / ndtri((1 + CONFIDENCE) / 2))
"""Half an interval times this is the difference seen in 80 % of experiments (two-sided 5 %)."""

Verdict = Literal["better", "worse", "indistinguishable", "under-trained", "leaked"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One number of a model minus that of another, on the same samples.

    Where nearer to zero is better (a bias), it is the difference of the absolute values.

    Attributes:
        name, unit: The number.
        value: First minus second.
        low, high: Limits of the 95 % interval, from resampling both on the same groups, and over
            trainings where there are several.
        verdict: Of the first; ``indistinguishable`` where the interval holds zero, or with fewer
            than six groups; ``under-trained`` where the loss of either still falls, and ``leaked``
            where either was fitted to or trained on samples that it is judged on: such a row wins
            or loses nothing.
        margin: What still counts as no worse, in units of the number.
        no_worse: Whether the first loses less than the margin at the worse end of the interval.
        detectable: The true difference that such an experiment would see with 80 % probability.
        n: Rows.
        groups: Independent groups behind them.
        column: The binned row column; empty for all rows.
        lower, upper: Edges of the bin.
    """

    name: str
    unit: str
    value: float
    low: float
    high: float
    verdict: Verdict
    margin: float
    no_worse: bool
    detectable: float
    n: int
    groups: int
    column: str = ""
    lower: float = float("nan")
    upper: float = float("nan")


def paired_differences(resampler: Resampler, first: Table, second: Table) -> tuple[Difference, ...]:
    """Differences of all numbers, on all rows and in every bin of the first's columns.

    Args:
        resampler: Of the task's metrics.
        first: Metric rows with ``group``, in id order; of several trainings, with ``training``.
        second: Those of the other model, of the same samples.

    Raises:
        DataError: If the two were not measured on the same samples.
    """
    one, two = (resampler.trainings(rows)[0] for rows in (first, second))
    if not np.array_equal(one.ids, two.ids):
        raise DataError(
            "the two models were not measured on the same samples",
            where=f"{one.rows} and {two.rows} rows",
            remedy="evaluate both in one command",
        )
    return tuple(
        difference
        for part in bins_of(one, resampler.metrics.bins)
        for difference in _differences_in(
            resampler.sampled(first, part.index), resampler.sampled(second, part.index), part
        )
    )


def _differences_in(first: Sampled, second: Sampled, part: Bin) -> Iterator[Difference]:
    one, two = first.mean(distance=True), second.mean(distance=True)
    apart = Resamples(one.point - two.point, one.values - two.values, first.groups)
    each = [sampled.by_training(distance=True) for sampled in (first, second)]
    interval = widened(apart.interval(), apart.point, each)
    for place, number in enumerate(first.numbers):
        low, high = float(interval.low[place]), float(interval.high[place])
        margin = number.margin * (1.0 if number.absolute else abs(float(two.point[place])))
        worst = -low if number.better == "higher" else high
        yield Difference(
            name=number.name,
            unit=number.unit,
            value=float(apart.point[place]),
            low=low,
            high=high,
            verdict=_verdict(number, low, high, first.groups),
            margin=margin,
            no_worse=first.groups >= MINIMUM_GROUPS and worst < margin,
            detectable=_DETECTABLE * (high - low) / 2,
            n=len(part.index),
            groups=first.groups,
            column=part.column,
            lower=part.lower,
            upper=part.upper,
        )


def _verdict(number: Number, low: float, high: float, groups: int) -> Verdict:
    if groups < MINIMUM_GROUPS or not (low > 0 or high < 0):
        return "indistinguishable"
    is_lower = high < 0
    return "better" if is_lower == (number.better != "higher") else "worse"
