"""Rows of a table before they are measured: what predicts each, and what it was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.config.run import DataConfig
from zoo.contract.predictor import Predictor
from zoo.contract.source import Block, Source
from zoo.contract.task import Model, Task
from zoo.errors import UsageError
from zoo.evaluation.naming import Named, Reference
from zoo.evaluation.provenance import provenance
from zoo.prediction.classical import require_predictor
from zoo.prediction.compatibility import missing_fields, require_facts, require_fields
from zoo.prediction.domain import domain_of
from zoo.prediction.fitting import Fitting, MissingFieldsError
from zoo.prediction.leaks import judged_in_training
from zoo.prediction.loading import load
from zoo.prediction.training_data import (
    Training,
    TrainingRef,
    choose_training,
    named_training,
)
from zoo.registry import registry

__all__ = ["Entry", "entries_of", "fitted_entries", "leaks_told", "training_for"]


@dataclass(frozen=True)
class Entry:
    """A row of the table: what predicts it, one per training, or the reason why nothing can."""

    role: str
    predictors: tuple[Predictor, ...] = ()
    unavailable: str = ""
    trainings: tuple[Mapping[str, Any], ...] = ()
    fitted_to: Mapping[str, Any] = field(default_factory=dict)


def entries_of(
    named: Named,
    task: Task,
    source: Source,
    config: DataConfig,
    *,
    where: str,
    device: str,
    batch: int | None,
) -> dict[str, Entry]:
    """The named rows, then the task's baselines, then its oracles.

    Args:
        named: Row name -> references.
        task: Brings baselines and oracles.
        source: What they will be judged on.
        config: The section that names it.
        where: Its name, for messages.
        device: Where networks compute.
        batch: Samples of one forward pass; ``None``: as many as hold 16 MiB.

    Raises:
        DataError: If a network's field is missing, or facts differ.
        UsageError: If a row joins trainings of different models.
        ZooError: As for :func:`~zoo.prediction.loading.load`.
    """
    known = registry().models_of(task.name)
    entries: dict[str, Entry] = {}
    for name, refs in named.items():
        ref = refs[0]
        if isinstance(ref, str) and ref in known and known[ref].predictor is not None:
            if len(refs) > 1:
                raise UsageError(
                    "a classical algorithm has no trainings", where=name, remedy=f"name {ref} alone"
                )
            entries[name] = _classical(ref, known[ref], source)
        else:
            network = _network(name, refs, source, where, device=device, batch=batch)
            entries[name] = _with_domains(network, task, source, config)
    for oracle in (False, True):
        for name, spec in known.items():
            wanted = spec.oracle if oracle else spec.baseline and not spec.oracle
            if wanted and name not in entries:
                entries[name] = _classical(name, spec, source)
    return entries


def _network(
    name: str,
    refs: Sequence[Reference],
    source: Source,
    where: str,
    *,
    device: str,
    batch: int | None,
) -> Entry:
    predictors = tuple(_loaded(ref, device, batch) for ref in refs)
    ids = list(dict.fromkeys(str(getattr(one, "model", "")) for one in predictors))
    if len(ids) > 1:
        raise UsageError(
            f"trainings of different models: {', '.join(ids)}",
            where=name,
            remedy="give each model a name of its own",
        )
    for predictor in predictors:
        require_fields(name, predictor, source, where)
        require_facts(name, predictor, source.facts, where)
    about = tuple(provenance(*pair) for pair in zip(refs, predictors, strict=True))
    return Entry("model", predictors, trainings=about)


def _with_domains(entry: Entry, task: Task, source: Source, config: DataConfig) -> Entry:
    """Networks of published weights tell whether these samples are what they were trained on."""
    told = [domain_of(predictor, task, source, config) for predictor in entry.predictors]
    pairs = zip(entry.trainings, told, strict=True)
    trainings = tuple({**about, **({"weights": one} if one else {})} for about, one in pairs)
    return replace(entry, trainings=trainings)


def _loaded(model: Reference, device: str, batch: int | None) -> Predictor:
    if isinstance(model, str | Path):
        return load(model, device=device, batch=batch)
    return require_predictor(model, type(model).__name__)


def _classical(name: str, spec: Model, source: Source) -> Entry:
    role = "oracle" if spec.oracle else "baseline" if spec.baseline else "model"
    missing = missing_fields(source, spec.needs)
    if missing:
        reason = f"not available: needs {', '.join(sorted(missing))}"
        return Entry(role, unavailable=reason)
    return Entry(role, (load(name, facts=source.facts),))


def training_for(
    task: Task,
    named: Named,
    entries: Mapping[str, Entry],
    judged: Training,
    training: TrainingRef | None,
) -> Callable[[], Training]:
    """What gives the data to fit to: named ones are opened at once, others when they are needed.

    Args:
        task: Whose samples they are.
        named: Row name -> references.
        entries: Their rows, which know what networks were trained on.
        judged: What is judged.
        training: What the user names; ``None``: nothing.
    """
    if training is not None:
        found = named_training(task, training, judged)
        return lambda: found
    refs = [ref for several in named.values() for ref in several if isinstance(ref, str | Path)]
    runs = [str(ref) for ref in refs if RunDirectory.is_run(parse_run(str(ref))[0])]
    lineages = [
        training.get("lineage", {}) for entry in entries.values() for training in entry.trainings
    ]
    return lambda: choose_training(task, runs, lineages, judged)


def fitted_entries(entries: Mapping[str, Entry], fitting: Fitting) -> dict[str, Entry]:
    """The same rows after their fit; one of the task's own whose data lack a field says so."""
    fitted = {}
    for name, entry in entries.items():
        found = entry
        for predictor in entry.predictors:
            try:
                found = replace(found, fitted_to=fitting.fit(predictor) or found.fitted_to)
            except MissingFieldsError as error:
                if entry.role == "model":
                    raise
                found = Entry(entry.role, unavailable=f"not available: {error.message}")
        fitted[name] = found
    return fitted


def leaks_told(
    entries: Mapping[str, Entry],
    named: Named,
    data: DataConfig,
    blocks: Sequence[Block],
    judged: Sequence[tuple[Block, slice]],
) -> dict[str, Entry]:
    """The same rows, where runs tell how many of the judged samples they were trained on."""

    def told(entry: Entry, refs: Sequence[Reference]) -> Entry:
        counts = [judged_in_training(str(ref), data, blocks, judged) for ref in refs]
        pairs = zip(entry.trainings, counts, strict=True)
        return replace(entry, trainings=tuple({**about, "judged": count} for about, count in pairs))

    return {
        name: told(entry, named[name]) if name in named and entry.trainings else entry
        for name, entry in entries.items()
    }
