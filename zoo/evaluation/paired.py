"""Two models on the same events: the difference of every number, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zoo.contract.metrics import Metrics, Number
from zoo.contract.table import Table
from zoo.errors import DataError
from zoo.evaluation.bins import Bin, bins_of
from zoo.evaluation.bootstrap import bootstrap

__all__ = ["MINIMUM_GROUPS", "Difference", "Verdict", "paired_differences"]

MINIMUM_GROUPS = 6
"""With fewer no method decides at 95 %: even if all five groups agree, chance does that in 6 %."""

Verdict = Literal["better", "worse", "indistinguishable"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One number of a model minus that of another, on the same samples.

    Where nearer to zero is better (a bias), it is the difference of the absolute values.

    Attributes:
        name, unit: The number.
        value: First minus second.
        low, high: Limits of the 95 % interval, from resampling both on the same groups.
        verdict: Of the first; ``indistinguishable`` where the interval holds zero, or with fewer
            than six groups.
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
    n: int
    groups: int
    column: str = ""
    lower: float = float("nan")
    upper: float = float("nan")


def paired_differences(
    metrics: Metrics, first: Table, second: Table, *, resamples: int = 1000, seed: int = 0
) -> tuple[Difference, ...]:
    """Differences of all numbers, on all rows and in every bin of the first's columns.

    Args:
        metrics: Summarises rows.
        first: Metric rows with ``group``, in id order.
        second: Those of the other model, of the same samples.
        resamples: Bootstrap resamples.
        seed: Of the resamples.

    Raises:
        DataError: If the two were not measured on the same samples.
    """
    if not np.array_equal(first.ids, second.ids):
        raise DataError(
            "the two models were not measured on the same samples",
            where=f"{first.rows} and {second.rows} rows",
            remedy="evaluate both in one command",
        )
    found: list[Difference] = []
    for part in bins_of(first, metrics.bins):
        pair = (first.take(part.index), second.take(part.index))
        found.extend(_differences_in(metrics, pair, part, resamples, seed))
    return tuple(found)


def _differences_in(
    metrics: Metrics, pair: tuple[Table, Table], part: Bin, resamples: int, seed: int
) -> list[Difference]:
    def values(index: NDArray[np.intp]) -> NDArray[np.float64]:
        one, two = (metrics.summarise(rows.take(index)) for rows in pair)
        return _subtract(one, two)

    interval = bootstrap(values, pair[0]["group"], resamples=resamples, seed=seed)
    point = values(np.arange(len(part.index)))
    return [
        Difference(
            name=number.name,
            unit=number.unit,
            value=float(value),
            low=float(low),
            high=float(high),
            verdict=_verdict(number, float(low), float(high), interval.groups),
            n=len(part.index),
            groups=interval.groups,
            column=part.column,
            lower=part.lower,
            upper=part.upper,
        )
        for number, value, low, high in zip(
            metrics.summarise(pair[0]), point, interval.low, interval.high, strict=True
        )
    ]


def _subtract(one: Sequence[Number], two: Sequence[Number]) -> NDArray[np.float64]:
    return np.array(
        [
            abs(a.value) - abs(b.value) if a.better == "zero" else a.value - b.value
            for a, b in zip(one, two, strict=True)
        ]
    )


def _verdict(number: Number, low: float, high: float, groups: int) -> Verdict:
    if groups < MINIMUM_GROUPS or not (low > 0 or high < 0):
        return "indistinguishable"
    is_lower = high < 0
    return "better" if is_lower == (number.better != "higher") else "worse"
