"""Any models of one task on the same samples, with the task's baselines and oracles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from zoo import __version__
from zoo.artifacts.canonical import digest
from zoo.config.run import DataConfig
from zoo.contract.figures import Evaluation
from zoo.contract.predictor import Predictor
from zoo.contract.source import Block, Source
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.processes import ALONE, Processes
from zoo.data.reader import limited
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.errors import UsageError
from zoo.evaluation.bins import numbers_of
from zoo.evaluation.displays import choose_displays
from zoo.evaluation.entries import Entry, entries_of, fitted_entries, leaks_told, training_for
from zoo.evaluation.naming import Named, Reference, by_name
from zoo.evaluation.paired import Difference, Verdict, paired_differences
from zoo.evaluation.resampling import Resampler
from zoo.evaluation.results import Results
from zoo.evaluation.rows import Progress, measure_all, metrics_for
from zoo.evaluation.trainings import join_trainings, split_trainings
from zoo.evaluation.variations import choose_variations, shifts, varied_source
from zoo.prediction.compatibility import require_samples
from zoo.prediction.fitting import Fitting, Judged
from zoo.prediction.leaks import refuse_other_split
from zoo.prediction.loading import task_of
from zoo.prediction.sources import open_source, parse_data
from zoo.prediction.training_data import TrainingRef, judged_training
from zoo.registry import registry

__all__ = ["differences_between", "evaluate"]


def evaluate(
    models: Reference | Sequence[Reference] | Mapping[str, Reference | Sequence[Reference]],
    data: str | Path | DataConfig | Source,
    *,
    task: str = "",
    training: TrainingRef | None = None,
    split: str = "test",
    limit: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
    device: str = "cpu",
    batch: int | None = None,
    displays: bool = True,
    variations: Sequence[str] = (),
    progress: Progress | None = None,
    processes: Processes = ALONE,
) -> Results:
    """Measure models on the same samples; baselines and oracles of the task are always rows.

    Args:
        models: Ids, published weights, run directories, ``RUN@step``, model files, or loaded
            predictors. Several trainings of one model become one row as ``"NAME=RUN,RUN"`` or
            ``{NAME: [RUN, RUN]}``.
        data: ``SOURCE:PATH``, a file that zoo wrote, a data section, or an open source.
        task: Needed only where all models are predictors of the caller's own.
        training: Data whose training split classical algorithms are fitted to; a text may also
            name a run. ``None``: what the runs of the table were trained on, where they share it,
            otherwise the training split of ``data``. A row that was fitted to samples that it is
            judged on is marked.
        split: ``test``, ``validation``, ``train`` or ``all``.
        limit: Samples at most; ``None``: all of the split.
        resamples: Of the bootstrap over groups.
        seed: Of the bootstrap.
        device: Where networks compute.
        batch: Samples of one forward pass; ``None``: as many as hold 16 MiB.
        displays: Keep a few samples with their predictions for event displays.
        variations: Of the simulator that ``data`` names; the same events are simulated again with
            each. ``all``: every one that it declares.
        progress: Told (rows done, rows in all), anew for each fit and each variation.
        processes: Those among which the samples are divided; all get the same results.

    Raises:
        DataError: If a network's field is missing, facts differ, or the split is empty.
        UsageError: If models are of different tasks, or named twice, or there is no such
            variation.
    """
    named = by_name(models)
    spec = registry().task(_common_task(named, task))
    source, config = _open(spec.name, data)
    blocks = _blocks(source, config, split)
    varied = choose_variations(source, variations)
    where = str(data) if isinstance(data, str | Path) else config.path or config.source
    if split != "all":
        _refuse_other_splits(named, config, source)
    entries = entries_of(named, spec, source, config, where=where, device=device, batch=batch)
    every = [predictor for entry in entries.values() for predictor in entry.predictors]
    read = frozenset[str]().union(*(predictor.needs for predictor in every))
    require_samples(spec, source, read, where)
    own = judged_training(source, config, where)
    chosen = training_for(spec, named, entries, own, training)
    fitting = Fitting(spec, chosen, Judged(own, blocks, limit), progress)
    entries = fitted_entries(entries, fitting)
    entries = leaks_told(entries, named, config, source.blocks(), limited(blocks, limit))
    available = {name: entry.predictors for name, entry in entries.items() if entry.predictors}

    def measured(source: Source) -> Mapping[str, Table]:
        chosen = _blocks(source, config, split)
        return _measured(
            spec, available, source, chosen, limit=limit, progress=progress, processes=processes
        )

    rows = measured(source)
    metrics = metrics_for(spec, source.facts)
    resampler = Resampler(metrics, resamples=resamples, seed=seed)
    moved = [
        shift
        for variation, changes in varied.items()
        for name, table in measured(varied_source(spec.name, config, changes)).items()
        for shift in shifts(resampler, variation, name, table, rows[name])
    ]
    evaluations = _evaluations(entries, rows, resampler)
    shown = {name: several[0] for name, several in available.items()}
    return Results(
        task=spec.name,
        primary=metrics.primary,
        data=_describe(source, where, split, rows),
        facts=source.facts,
        evaluations=evaluations,
        differences=differences_between(resampler, evaluations, first=list(named)),
        shifts=tuple(moved),
        displays=choose_displays(spec, shown, source, blocks, limit) if displays else None,
        resamples=resamples,
        seed=seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )


def _refuse_other_splits(named: Named, config: DataConfig, source: Source) -> None:
    for ref in (ref for refs in named.values() for ref in refs):
        if isinstance(ref, str | Path):
            refuse_other_split(str(ref), config, source.blocks())


def _evaluations(
    entries: Mapping[str, Entry], rows: Mapping[str, Table], resampler: Resampler
) -> dict[str, Evaluation]:
    return {
        name: Evaluation(
            model=name,
            role=entry.role,
            numbers=numbers_of(resampler, rows[name]) if name in rows else (),
            rows=rows.get(name),
            unavailable=entry.unavailable,
            trainings=entry.trainings,
            fitted_to=entry.fitted_to,
        )
        for name, entry in entries.items()
    }


def _blocks(source: Source, config: DataConfig, split: str) -> Sequence[Block]:
    return choose_split(source.blocks(), split, config.validation, config.test, SPLIT_SEED)


def _measured(
    task: Task,
    available: Mapping[str, tuple[Predictor, ...]],
    source: Source,
    blocks: Sequence[Block],
    *,
    limit: int | None,
    progress: Progress | None,
    processes: Processes,
) -> Mapping[str, Table]:
    """Metric rows by model; each sample is read once for all trainings of all models."""
    flat = {
        f"{name}, training {number + 1}" if len(several) > 1 else name: predictor
        for name, several in available.items()
        for number, predictor in enumerate(several)
    }
    measured = measure_all(
        task, flat, source, blocks, limit=limit, progress=progress, processes=processes
    )
    tables = iter(measured.values())
    return {
        name: join_trainings([next(tables) for _ in several]) for name, several in available.items()
    }


def _common_task(named: Named, task: str) -> str:
    found = {task: "task="} if task else {}
    for name, refs in named.items():
        for ref in refs:
            if isinstance(ref, str | Path):
                found.setdefault(task_of(ref), str(ref))
            elif "/" in (id_ := str(getattr(ref, "model", ""))):
                found.setdefault(id_.partition("/")[0], name)
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


def differences_between(
    resampler: Resampler,
    evaluations: Mapping[str, Evaluation],
    *,
    first: Sequence[str],
    earlier: bool = False,
) -> dict[tuple[str, str], tuple[Difference, ...]]:
    """Paired differences of some models to the rows of the table that come after them.

    Args:
        resampler: Of the task's metrics.
        evaluations: By name, in the order of the table; those without rows are left out.
        first: Names of the models.
        earlier: To the rows that come before them, too.
    """
    rows = {name: one.rows for name, one in evaluations.items() if one.rows is not None}
    order = list(rows)
    found: dict[tuple[str, str], tuple[Difference, ...]] = {}
    for one in (name for name in first if name in rows):
        later = order[order.index(one) + 1 :]
        for other in [*order[: order.index(one)], *later] if earlier else later:
            differences = paired_differences(resampler, rows[one], rows[other])
            verdict = _no_verdict(evaluations[one], evaluations[other])
            if verdict is not None:
                differences = tuple(
                    replace(d, verdict=verdict, no_worse=False) for d in differences
                )
            found[one, other] = differences
    return found


def _no_verdict(*pair: Evaluation) -> Verdict | None:
    """Why neither of two rows wins or loses; ``None``: nothing speaks against it."""
    if any(one.leaked for one in pair):
        return "leaked"
    return "under-trained" if any(one.under_trained for one in pair) else None


def _describe(source: Source, where: str, split: str, rows: Mapping[str, Table]) -> dict[str, Any]:
    some = next(iter(rows.values()), None)
    ids = np.empty(0, np.uint64) if some is None else split_trainings(some)[0].ids
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
