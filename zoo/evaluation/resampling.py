"""The numbers of a model on resampled events, computed once and used for all that is asked of them.

Intervals, paired differences and shifts all need the same resamples: the draws depend on the
events alone, so the difference of two models is the difference of what is kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.contract.metrics import Metrics, Number
from zoo.contract.table import Table
from zoo.evaluation.bootstrap import Interval, Resamples, resample
from zoo.evaluation.trainings import split_trainings, widened

__all__ = ["Resampler", "Sampled"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sampled:
    """Numbers of one model on some rows.

    Attributes:
        numbers: Name, unit and direction of each; the value is the mean over trainings.
        trainings: Resamples of each training, drawn alike.
        rows: Rows of one training.
    """

    numbers: tuple[Number, ...]
    trainings: tuple[Resamples, ...]
    rows: int

    @property
    def groups(self) -> int:
        """Independent groups behind the rows."""
        return self.trainings[0].groups

    def by_training(self, *, distance: bool = False) -> Float64Array:
        """``(trainings, numbers)``; with ``distance`` the absolute value where zero is best."""
        return self._folded(np.stack([one.point for one in self.trainings]), distance=distance)

    def mean(self, *, distance: bool = False) -> Resamples:
        """The mean over trainings, on the rows and on every resample."""
        values = np.stack([one.values for one in self.trainings])
        return Resamples(
            self.by_training(distance=distance).mean(axis=0),
            self._folded(values, distance=distance).mean(axis=0),
            self.groups,
        )

    def interval(self) -> Interval:
        """95 % intervals over events and trainings."""
        mean = self.mean()
        return widened(mean.interval(), mean.point, [self.by_training()])

    def _folded(self, values: Float64Array, *, distance: bool) -> Float64Array:
        if not distance:
            return values
        signed = np.array([number.better == "zero" for number in self.numbers])
        return np.where(signed, np.abs(values), values)


class Resampler:
    """Computes :class:`Sampled`, each once.

    Args:
        metrics: Summarises rows.
        resamples: Bootstrap resamples.
        seed: Of the resamples.
    """

    def __init__(self, metrics: Metrics, *, resamples: int = 1000, seed: int = 0) -> None:
        self.metrics = metrics
        self._resamples, self._seed = resamples, seed
        self._split: dict[int, tuple[Table, tuple[Table, ...]]] = {}
        self._known: dict[tuple[int, bytes], Sampled] = {}

    def trainings(self, rows: Table) -> tuple[Table, ...]:
        """Metric rows by training."""
        held = self._split.setdefault(id(rows), (rows, split_trainings(rows)))
        return held[1]  # the table is held too, or another could take its id

    def sampled(self, rows: Table, index: NDArray[np.intp]) -> Sampled:
        """Numbers of a model on some of its samples.

        Args:
            rows: Metric rows with ``group``; of several trainings, with ``training``.
            index: ``(n,)`` intp, positions among the rows of one training.
        """
        tables = self.trainings(rows)
        key = (id(rows), index.tobytes())
        if key not in self._known:
            chosen = [table.take(index) for table in tables]
            trainings = tuple(self._resampled(table) for table in chosen)
            means = np.mean([one.point for one in trainings], axis=0)
            self._known[key] = Sampled(
                _named(self.metrics.summarise(chosen[0]), means), trainings, len(index)
            )
        return self._known[key]

    def _resampled(self, table: Table) -> Resamples:
        def values(index: NDArray[np.intp]) -> Float64Array:
            return np.array([n.value for n in self.metrics.summarise(table.take(index))])

        return resample(values, table["group"], resamples=self._resamples, seed=self._seed)


def _named(numbers: Sequence[Number], values: Float64Array) -> tuple[Number, ...]:
    return tuple(replace(n, value=float(v)) for n, v in zip(numbers, values, strict=True))
