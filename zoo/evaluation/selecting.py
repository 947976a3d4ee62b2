"""Which snapshot of a training is best, chosen on one sample and reported on another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from zoo.artifacts.model_file import read_model, write_model
from zoo.artifacts.run_directory import RunDirectory
from zoo.config.run import DataConfig
from zoo.contract.codec import Codec
from zoo.contract.figures import BinnedNumber
from zoo.contract.source import Block, Source
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.failures import plugin_code
from zoo.data.reader import read_split
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.errors import DataError, UsageError, suggestion
from zoo.evaluation.bins import numbers_of
from zoo.evaluation.evaluation import evaluate
from zoo.evaluation.paired import Difference, paired_differences
from zoo.evaluation.resampling import Resampler
from zoo.evaluation.results import Results
from zoo.evaluation.rows import Progress, measure_all, metrics_for
from zoo.prediction.compatibility import require_facts, require_fields
from zoo.prediction.leaks import refuse_other_split
from zoo.prediction.network import NetworkPredictor, load_network
from zoo.prediction.sources import open_source
from zoo.registry import registry

__all__ = ["Candidate", "Sample", "Selection", "select"]


@dataclass(frozen=True)
class Sample:
    """A part of some data: on what to choose, or on what to report."""

    data: DataConfig
    split: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One snapshot on the sample that chooses.

    Attributes:
        name: ``RUN@step``, or ``RUN`` for the model that the training kept.
        number: The number that ranks, with its interval.
        difference: Paired, this one minus the best; ``None`` for the best.
    """

    name: str
    number: BinnedNumber
    difference: Difference | None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """A ranking, and the best candidate on a sample that had no part in it.

    Attributes:
        ranked: Best first.
        report: Evaluation of the best, and of the model that the training kept if that is another.
        file: The model file that was written; ``None``: none.
    """

    ranked: tuple[Candidate, ...]
    report: Results
    file: Path | None

    @property
    def best(self) -> Candidate:
        """The first of the ranking."""
        return self.ranked[0]


def select(
    run: Path,
    *,
    choose: Sample,
    report: Sample,
    by: str = "",
    out: Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Selection:
    """Rank the snapshots of a run by any number of its task's metrics.

    What the codec tunes after a training (a threshold) is tuned for each snapshot on the sample
    that chooses, as the training itself does.

    Args:
        run: A run with snapshots.
        choose: The sample that ranks.
        report: Another sample, on which the best is measured.
        by: The number; empty: the primary one.
        out: Write the best with its tuned constants to this model file.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        device: Where networks compute.
        progress: Told (rows done, rows in all) while the candidates are measured.

    Raises:
        UsageError: If there are no snapshots, no such number, or both samples are one.
        DataError: If the two samples share an event, or do not suit the run.
    """
    directory = RunDirectory.open(run)
    candidates = _candidates(directory, device)
    task = registry().task(next(iter(candidates.values())).model.partition("/")[0])
    source, blocks = _opened(task, run, choose)
    _require_apart(task, run, blocks, report)
    metrics = metrics_for(task, source.facts)
    for name, predictor in candidates.items():
        require_fields(name, predictor, source, choose.data.path or choose.data.source)
        require_facts(name, predictor, source.facts, choose.data.path or choose.data.source)
        _tune(predictor, source, blocks)
    rows = measure_all(task, candidates, source, blocks, progress=progress)
    resampler = Resampler(metrics, resamples=resamples, seed=seed)
    ranked = _ranked(resampler, rows, by or metrics.primary)
    best = ranked[0].name
    shown = {best: candidates[best]}
    if str(run) in candidates:
        shown.setdefault(str(run), candidates[str(run)])
    reported = evaluate(
        cast("Mapping[str, NetworkPredictor]", shown),
        report.data,
        split=report.split,
        resamples=resamples,
        seed=seed,
        displays=False,
        progress=progress,
    )
    if out is not None:
        _write(directory, best, candidates[best].codec, ranked[0], out)
    return Selection(ranked=ranked, report=reported, file=out)


def _candidates(run: RunDirectory, device: str) -> dict[str, NetworkPredictor]:
    """Every snapshot, and the model that the training kept, by the name that addresses it."""
    if not run.snapshots():
        raise UsageError(
            "has no snapshots to select from",
            where=str(run.path),
            remedy="train with --set training.snapshot_every=STEPS",
        )
    names = {f"{run.path}@{step}": run.snapshot(step) for step in run.snapshots()}
    if run.model.is_file():
        names[str(run.path)] = run.model
    return {name: load_network(path, device=device) for name, path in names.items()}


def _opened(task: Task, run: Path, sample: Sample) -> tuple[Source, list[Block]]:
    source = open_source(task.name, sample.data)
    if sample.split != "all":
        refuse_other_split(str(run), sample.data, source.blocks())
    data = sample.data
    chosen = choose_split(source.blocks(), sample.split, data.validation, data.test, SPLIT_SEED)
    return source, list(chosen)


def _require_apart(task: Task, run: Path, blocks: list[Block], report: Sample) -> None:
    """What chose a snapshot must not report on it: groups are events, whatever file holds them."""
    _, others = _opened(task, run, report)
    shared = {block.group for block in blocks} & {block.group for block in others}
    if shared:
        raise DataError(
            f"{len(shared)} events would both choose and report",
            where=report.data.path or report.data.source,
            remedy="report on another split, or on other data",
        )


def _tune(predictor: NetworkPredictor, source: Source, blocks: list[Block]) -> None:
    codec = predictor.codec
    fields = codec.needs | codec.targets | codec.decodes

    def pairs() -> Iterator[tuple[Table, Table]]:
        for samples in read_split(source, blocks, fields):
            yield samples, predictor.predict(samples)

    with plugin_code(f"{type(codec).__name__}.tune"):
        constants = codec.tune(pairs())
    if constants:
        predictor.codec = type(codec)(codec.config, codec.facts, {**codec.constants, **constants})


def _ranked(resampler: Resampler, rows: Mapping[str, Table], by: str) -> tuple[Candidate, ...]:
    numbers = {
        name: {n.number.name: n for n in numbers_of(resampler, table) if not n.column}
        for name, table in rows.items()
    }
    known = next(iter(numbers.values()))
    if by not in known:
        raise UsageError("no such number", where=f"--by {by}", remedy=suggestion(by, known))
    order = sorted(rows, key=lambda name: _worth(numbers[name][by]))
    best = rows[order[0]]
    return tuple(
        Candidate(
            name=name,
            number=numbers[name][by],
            difference=None if name == order[0] else _difference(resampler, rows[name], best, by),
        )
        for name in order
    )


def _worth(binned: BinnedNumber) -> float:
    """Smaller is better; an undefined number comes last."""
    value = binned.number.value
    if not np.isfinite(value):
        return float("inf")
    return {"lower": value, "higher": -value, "zero": abs(value)}[binned.number.better]


def _difference(resampler: Resampler, rows: Table, best: Table, by: str) -> Difference:
    return next(d for d in paired_differences(resampler, rows, best) if d.name == by)


def _write(run: RunDirectory, name: str, codec: Codec, chosen: Candidate, out: Path) -> None:
    step = None if name == str(run.path) else int(name.rpartition("@")[2])
    record = read_model(run.model_at(step))
    number = chosen.number.number
    write_model(
        out,
        replace(
            record,
            constants=codec.constants,
            metrics={number.name: number.value},
            lineage={**record.lineage, "selected_by": number.name},
        ),
    )
