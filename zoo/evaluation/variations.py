"""How far numbers move when the simulation is wrong.

The same events are simulated again with one thing changed, and measured with the same models:
weights, thresholds and fitted baselines stay those of the nominal simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.config.run import DataConfig
from zoo.contract.source import Simulator, Source
from zoo.contract.table import Table
from zoo.data.simulated import SimulatedSource
from zoo.errors import PluginError, UsageError, suggestion
from zoo.evaluation.bootstrap import Resamples, student_t
from zoo.evaluation.resampling import Resampler
from zoo.evaluation.trainings import widened
from zoo.prediction.sources import open_source

__all__ = ["Shift", "choose_variations", "shifts", "varied_source"]

ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One number of a model on a varied simulation minus that on the nominal one.

    Attributes:
        variation: What was changed.
        model: Name of the row.
        name, unit: The number.
        value: Varied minus nominal, signed.
        low, high: Limits of its 95 % interval, from resampling both on the same events.
        errors: The shift in standard errors of the nominal number; NaN where that has none.
    """

    variation: str
    model: str
    name: str
    unit: str
    value: float
    low: float
    high: float
    errors: float


def choose_variations(source: Source, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Variations of the simulator behind a source.

    Args:
        source: What is evaluated.
        names: Which; ``all``: each that it declares.

    Raises:
        UsageError: If it is no simulator, or has no such variation.
    """
    if not names:
        return {}
    if not isinstance(source, SimulatedSource):
        raise UsageError(
            "only a simulator has variations",
            where=f"--variations {','.join(names)}",
            remedy="--data SIMULATOR --set data.events=100 --set data.seed=1",
        )
    known = _declared(source.simulator)
    if not known:
        raise UsageError(
            "this simulator declares no variations",
            where=type(source.simulator).__name__,
            remedy="leave --variations out",
        )
    chosen = list(known) if ALL in names else list(dict.fromkeys(names))
    for name in chosen:
        if name not in known:
            raise UsageError("no such variation", where=name, remedy=suggestion(name, known))
    return {name: known[name] for name in chosen}


def varied_source(task: str, data: DataConfig, changes: Mapping[str, Any]) -> Source:
    """The same events of a simulator with some of its settings changed."""
    options = _merged(data.options, changes)
    return open_source(task, data.model_copy(update={"options": options}))


def shifts(
    resampler: Resampler, variation: str, model: str, varied: Table, nominal: Table
) -> Iterator[Shift]:
    """Shifts of all numbers on all rows.

    Raises:
        PluginError: If the simulator made other events for the same keys.
    """
    one, two = (resampler.trainings(rows)[0] for rows in (varied, nominal))
    if not np.array_equal(one.ids, two.ids):
        raise PluginError(
            "the varied simulator gives other events for the same keys",
            where=variation,
            remedy="draw ids from the keys alone",
        )
    index = np.arange(one.rows)
    first, second = (resampler.sampled(rows, index) for rows in (varied, nominal))
    mine, theirs = first.mean(), second.mean()
    apart = Resamples(mine.point - theirs.point, mine.values - theirs.values, first.groups)
    # The trainings are the same on both sides, so their spread is that of their shifts.
    interval = widened(apart.interval(), apart.point, [first.by_training() - second.by_training()])
    nominally = second.interval()
    freedom = max(first.groups - 1, 1)
    error = (nominally.high - nominally.low) / 2 / student_t(freedom)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.where(error > 0, apart.point / error, np.nan)
    for place, number in enumerate(first.numbers):
        yield Shift(
            variation=variation,
            model=model,
            name=number.name,
            unit=number.unit,
            value=float(apart.point[place]),
            low=float(interval.low[place]),
            high=float(interval.high[place]),
            errors=float(errors[place]),
        )


def _declared(simulator: Simulator) -> Mapping[str, Mapping[str, Any]]:
    return dict(getattr(simulator, "variations", {}))


def _merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(options)
    for name, value in changes.items():
        held = merged.get(name)
        if isinstance(value, Mapping) and isinstance(held, Mapping):
            merged[name] = _merged(held, value)
        else:
            merged[name] = value
    return merged
