"""R15 and R16: rows of single samples, and numbers at the edges of what can be measured."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from zoo.contract.metrics import Metrics, Number
from zoo.contract.predictor import Predictor
from zoo.contract.refs import resolve
from zoo.contract.specs import Specs
from zoo.contract.table import Ragged, Table
from zoo.data.failures import plugin_code
from zoo.errors import DataError, ZooError
from zoo.evaluation.rows import metrics_for
from zoo.prediction.compatibility import missing_fields
from zoo.prediction.sources import read
from zoo.registry import registry
from zoo.testing.rule import BlockedError, NotApplicable, Violation
from zoo.testing.rules.predictions import differing_columns
from zoo.testing.subjects import ModelSubject, TaskSubject

__all__ = ["extremes", "rows"]

_ROWS = 6
_ROUNDING = 1e-9


def rows(subject: TaskSubject) -> str:
    """Measure samples together and in parts, and summarise rows in another order."""
    case = _case(subject)
    together = case.measure(case.samples, case.predictions)
    _require_rows(together, case)
    parts = [slice(0, 1), slice(1, case.samples.rows)]
    apart = [case.measure(case.samples.take(p), case.predictions.take(p)) for p in parts]
    if differ := list(differing_columns(together, Table.concat(apart))):
        raise Violation(f"measured in two parts, {', '.join(differ)} differ")
    numbers = case.numbers(together)
    _require_declared(subject, case.metrics, together, numbers)
    back = case.numbers(together.take(np.arange(together.rows)[::-1]))
    for name, value in numbers.items():
        if not _near(value, back[name]):
            raise Violation(f"with rows in another order, '{name}' is {back[name]}, not {value}")
    twice = case.numbers(together.take(np.repeat(np.arange(together.rows), 2)))
    if list(twice) != list(numbers):
        raise Violation("of repeated rows, `summarise` returns other numbers")
    return f"{together.rows} rows of {case.model}, {len(numbers)} numbers"


def extremes(subject: TaskSubject) -> str:
    """Summarise no rows and one, and measure predictions that are NaN."""
    case = _case(subject)
    whole = case.measure(case.samples, case.predictions)
    numbers = case.numbers(whole)
    for count, what in ((0, "no rows"), (1, "one row")):
        found = case.numbers(whole.take(slice(0, count)))
        if list(found) != list(numbers):
            raise Violation(f"of {what}, `summarise` returns {list(found)}, not {list(numbers)}")
    broken = _with_nan(case.predictions, case.declared, [0])
    if broken is None:
        return f"{case.model}: no rows, one row; its predictions have no numbers that may be NaN"
    try:
        marked = case.numbers(case.measure(case.samples, broken))
    except DataError:
        return f"{case.model}: no rows, one row, NaN, which is refused"
    without = case.numbers(whole.take(slice(1, whole.rows)))
    if all(_same(marked[name], without[name]) for name in numbers):
        raise Violation(
            "a sample whose prediction is NaN is left out, and no number tells",
            "let NaN through to a number, or count the sample as a failure",
        )
    everywhere = _with_nan(case.predictions, case.declared, range(case.samples.rows))
    case.numbers(case.measure(case.samples, cast("Table", everywhere)))
    return f"{case.model}: no rows, one row, one and only NaN predictions"


@dataclass(frozen=True)
class _Case:
    """Samples of a task, with predictions of one of its models."""

    model: str
    metrics: Metrics
    declared: Specs
    samples: Table
    predictions: Table

    def measure(self, samples: Table, predictions: Table) -> Table:
        with plugin_code(f"{type(self.metrics).__name__}.measure"), _warned():
            return self.metrics.measure(samples, predictions)

    def summarise(self, rows: Table) -> Sequence[Number]:
        where = f"{type(self.metrics).__name__}.summarise, {rows.rows} rows"
        with plugin_code(where), _warned():
            return self.metrics.summarise(rows)

    def numbers(self, rows: Table) -> dict[str, float]:
        return {number.name: number.value for number in self.summarise(rows)}


@contextmanager
def _warned() -> Iterator[None]:
    """A warning of numpy about a mean of nothing is no failure, whatever a suite makes of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _case(subject: TaskSubject) -> _Case:
    """Of the first model that predicts: an algorithm, for it needs no training, or a network."""
    source = subject.source
    metrics = metrics_for(subject.task, source.facts)
    specs = subject.specs
    optional = {name for name in metrics.needs if name in specs and specs[name].optional}
    if unknown := metrics.needs - set(specs):
        raise Violation(
            f"the metrics need {', '.join(sorted(unknown))}, which the task does not declare",
            "declare it in the sample's Specs",
        )
    needs = metrics.needs - (missing_fields(source, metrics.needs) & optional)
    if missing := missing_fields(source, needs):
        raise NotApplicable(f"the samples lack {', '.join(sorted(missing))}")
    model, predictor = _predictor(subject)
    path = subject.stored(subject.data).path
    samples = read(subject.name, path, needs | predictor.needs, _ROWS)
    predictions = predictor.predict(samples.select(predictor.needs))
    return _Case(
        model=model,
        metrics=metrics,
        declared=cast("Specs", resolve(subject.task.prediction)),
        samples=samples.select(needs),
        predictions=predictions,
    )


def _predictor(subject: TaskSubject) -> tuple[str, Predictor]:
    known = registry().models_of(subject.name)
    ordered = sorted(known, key=lambda id_: known[id_].networks is not None)
    reasons = []
    for id_ in ordered:
        folder = subject.folder / id_.partition("/")[2]
        folder.mkdir(exist_ok=True)
        model = ModelSubject(name=id_, spec=known[id_], of=subject, folder=folder)
        try:
            return id_, model.predictor
        except (NotApplicable, BlockedError, ZooError) as error:
            reasons.append(f"{id_}: {error}")
    raise NotApplicable(f"no model predicts: {'; '.join(reasons)}")


def _require_rows(found: Table, case: _Case) -> None:
    if not np.array_equal(found.ids, case.samples.ids):
        raise Violation(
            "metric rows do not have the ids of the samples, in their order",
            "return one row per sample, with its id",
        )
    for name in found:
        column = found[name]
        values = column.values if isinstance(column, Ragged) else column
        if values.dtype.kind not in "biuf":
            raise Violation(f"the column '{name}' of the metric rows is no column of numbers")


def _require_declared(
    subject: TaskSubject, metrics: Metrics, found: Table, numbers: Mapping[str, float]
) -> None:
    for name in metrics.bins:
        if name not in found:
            raise Violation(f"it bins by '{name}', which is no column of its rows")
    if metrics.primary not in numbers:
        raise Violation(
            f"the primary number '{metrics.primary}' is not among {', '.join(numbers)}",
            "name one of them",
        )
    if subject.task.select not in ("loss", *numbers):
        raise Violation(
            f"the task selects by '{subject.task.select}', which is neither the loss nor among "
            f"{', '.join(numbers)}",
            "name one of them in Task.select",
        )


def _with_nan(predictions: Table, declared: Specs, which: Sequence[int]) -> Table | None:
    """Predictions of some samples all NaN, as far as a field can be; ``None``: none can be."""
    chosen = np.zeros(predictions.rows, np.bool_)
    chosen[list(which)] = True
    changed: dict[str, Any] = {}
    for name in declared:
        if name not in predictions or np.dtype(declared[name].dtype).kind != "f":
            continue
        column = predictions[name]
        if isinstance(column, Ragged):
            values = column.values.copy()
            values[np.repeat(chosen, column.lengths)] = np.nan
            changed[name] = Ragged(values, column.offsets)
        else:
            values = column.copy()
            values[chosen] = np.nan
            changed[name] = values
    return predictions.with_columns(changed) if changed else None


def _near(one: float, other: float) -> bool:
    return _same(one, other) or abs(one - other) <= _ROUNDING * max(abs(one), abs(other))


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
