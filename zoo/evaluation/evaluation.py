"""Any models of one task on the same samples, with the task's baselines and oracles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from zoo import __version__
from zoo.artifacts.canonical import digest
from zoo.config.run import DataConfig
from zoo.contract.figures import Evaluation
from zoo.contract.metrics import Metrics
from zoo.contract.predictor import Predictor
from zoo.contract.source import Source
from zoo.contract.table import Table
from zoo.contract.task import Model, Task
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.errors import UsageError
from zoo.evaluation.bins import numbers_of
from zoo.evaluation.displays import choose_displays
from zoo.evaluation.paired import Difference, paired_differences
from zoo.evaluation.results import Results
from zoo.evaluation.rows import Progress, measure_all, metrics_for
from zoo.prediction.classical import fit, require_predictor
from zoo.prediction.compatibility import (
    missing_fields,
    require_facts,
    require_fields,
    require_samples,
)
from zoo.prediction.leaks import refuse_other_split
from zoo.prediction.loading import load, task_of
from zoo.prediction.sources import open_source, parse_data
from zoo.registry import registry

__all__ = ["evaluate"]


@dataclass(frozen=True)
class _Entry:
    """A row of the table: something that predicts, or the reason why it cannot."""

    role: str
    predictor: Predictor | None
    unavailable: str = ""


def evaluate(
    models: str | Path | Predictor | Sequence[str | Path | Predictor],
    data: str | Path | DataConfig | Source,
    *,
    task: str = "",
    split: str = "test",
    limit: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    device: str = "cpu",
    batch: int | None = None,
    displays: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Measure models on the same samples; baselines and oracles of the task are always rows.

    Args:
        models: Ids, run directories, ``RUN@step``, model files, or loaded predictors.
        data: ``SOURCE:PATH``, a file that zoo wrote, a data section, or an open source.
        task: Needed only where all models are predictors of the caller's own.
        split: ``test``, ``validation``, ``train`` or ``all``.
        limit: Samples at most; ``None``: all of the split.
        resamples: Of the bootstrap over groups.
        seed: Of the bootstrap.
        device: Where networks compute.
        batch: Samples of one forward pass; ``None``: as many as hold 16 MiB.
        displays: Keep a few samples with their predictions for event displays.
        progress: Told (rows done, rows in all).

    Raises:
        DataError: If a network's field is missing, facts differ, or the split is empty.
        UsageError: If models are of different tasks, or named twice.
    """
    named = _by_name(
        models if isinstance(models, Sequence) and not isinstance(models, str) else [models]
    )
    spec = registry().task(_common_task(named, task))
    source, config = _open(spec.name, data)
    blocks = choose_split(source.blocks(), split, config.validation, config.test, SPLIT_SEED)
    where = str(data) if isinstance(data, str | Path) else config.path or config.source
    for name, model in named.items():
        if isinstance(model, str | Path) and split != "all":
            refuse_other_split(name, config, source.blocks())
    entries = _entries(named, spec, source, where=where, device=device, batch=batch)
    predictors = {n: e.predictor for n, e in entries.items() if e.predictor is not None}
    read = frozenset[str]().union(*(predictor.needs for predictor in predictors.values()))
    require_samples(spec, source, read, where)
    for predictor in predictors.values():
        fit(spec, predictor, source, config)
    rows = measure_all(spec, predictors, source, blocks, limit=limit, progress=progress)
    metrics = metrics_for(spec, source.facts)
    return Results(
        task=spec.name,
        primary=metrics.primary,
        data=_describe(source, where, split, rows),
        facts=source.facts,
        evaluations={
            name: Evaluation(
                model=name,
                role=entry.role,
                numbers=numbers_of(metrics, rows[name], resamples=resamples, seed=seed)
                if name in rows
                else (),
                rows=rows.get(name),
                unavailable=entry.unavailable,
            )
            for name, entry in entries.items()
        },
        differences=_differences(named, metrics, rows, resamples, seed),
        displays=choose_displays(spec, predictors, source, blocks, limit) if displays else None,
        resamples=resamples,
        seed=seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )


def _by_name(models: Iterable[str | Path | Predictor]) -> dict[str, str | Path | Predictor]:
    named: dict[str, str | Path | Predictor] = {}
    for model in models:
        is_ref = isinstance(model, str | Path)
        name = str(model) if is_ref else getattr(model, "model", type(model).__name__)
        if name in named:
            raise UsageError("named twice", where=name, remedy="name every model once")
        named[name] = model
    if not named:
        raise UsageError("no model to evaluate", remedy="name at least one id or run")
    return named


def _common_task(named: Mapping[str, str | Path | Predictor], task: str) -> str:
    found = {task: "task="} if task else {}
    for name, model in named.items():
        if isinstance(model, str | Path):
            found.setdefault(task_of(model), name)
        elif "/" in name:
            found.setdefault(name.partition("/")[0], name)
    if len(found) > 1:
        (one, first), (other, second) = list(found.items())[:2]
        raise UsageError(
            f"models of two tasks: {first} is of {one}, {second} of {other}",
            where=second,
            remedy="evaluate each task on its own",
        )
    if not found:
        raise UsageError("the task is not known", remedy="give task='NAME'")
    return next(iter(found))


def _open(task: str, data: str | Path | DataConfig | Source) -> tuple[Source, DataConfig]:
    if isinstance(data, str | Path):
        data = parse_data(str(data))
    if isinstance(data, DataConfig):
        return open_source(task, data), data
    return data, DataConfig()


def _entries(
    named: Mapping[str, str | Path | Predictor],
    task: Task,
    source: Source,
    *,
    where: str,
    device: str,
    batch: int | None,
) -> dict[str, _Entry]:
    known = registry().models_of(task.name)
    entries: dict[str, _Entry] = {}
    for name, model in named.items():
        if name in known and known[name].predictor is not None and isinstance(model, str | Path):
            entries[name] = _classical(name, known[name], source)
        else:
            entries[name] = _network(name, _loaded(model, device, batch), source, where)
    for oracle in (False, True):
        for name, spec in known.items():
            wanted = spec.oracle if oracle else spec.baseline and not spec.oracle
            if wanted and name not in entries:
                entries[name] = _classical(name, spec, source)
    return entries


def _loaded(model: str | Path | Predictor, device: str, batch: int | None) -> Predictor:
    if isinstance(model, str | Path):
        return load(model, device=device, batch=batch)
    return require_predictor(model, type(model).__name__)


def _network(name: str, predictor: Predictor, source: Source, where: str) -> _Entry:
    require_fields(name, predictor, source, where)
    require_facts(name, predictor, source.facts, where)
    return _Entry("model", predictor)


def _classical(name: str, spec: Model, source: Source) -> _Entry:
    role = "oracle" if spec.oracle else "baseline" if spec.baseline else "model"
    missing = missing_fields(source, spec.needs)
    if missing:
        return _Entry(role, None, f"not available: needs {', '.join(sorted(missing))}")
    return _Entry(role, load(name, facts=source.facts))


def _differences(
    named: Iterable[str],
    metrics: Metrics,
    rows: Mapping[str, Table],
    resamples: int,
    seed: int,
) -> dict[tuple[str, str], tuple[Difference, ...]]:
    """Every named model against all rows of the table that come after it."""
    order = list(rows)
    return {
        (first, second): paired_differences(
            metrics, rows[first], rows[second], resamples=resamples, seed=seed
        )
        for first in named
        if first in rows
        for second in order[order.index(first) + 1 :]
    }


def _describe(source: Source, where: str, split: str, rows: Mapping[str, Table]) -> dict[str, Any]:
    some = next(iter(rows.values()), None)
    ids = np.empty(0, np.uint64) if some is None else some.ids
    return {
        "name": where or type(source).__name__,
        # Which samples were measured, however the file that holds them was written.
        "digest": digest(ids),
        "split": split,
        "rows": len(ids),
        "groups": 0 if some is None else len(np.unique(some["group"])),
        # What every reader of these numbers must know, such as a bias of the sample's selection.
        "note": str(source.facts.get("note", "")),
    }
