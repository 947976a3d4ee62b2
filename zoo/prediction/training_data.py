"""Which data the classical algorithms of a table are fitted to.

A table compares what was made from the same data: where its runs share their training data, those
are what the algorithms see, split as in the training. Data that are named go before them. Else the
algorithms see the training split of the judged data, which may hold what is judged:
:mod:`zoo.prediction.fitting` counts it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from zoo.artifacts.canonical import digest
from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.config.layers import validate
from zoo.config.run import NOT_SAMPLES, DataConfig
from zoo.contract.source import Source
from zoo.contract.task import Task
from zoo.data.reader import source_name
from zoo.data.splits import SPLIT_SEED, split_blocks, split_digest
from zoo.errors import DataError, UsageError, ZooError
from zoo.prediction.compatibility import differing_facts
from zoo.prediction.sources import open_source, parse_data

__all__ = [
    "Origin",
    "Training",
    "TrainingRef",
    "choose_training",
    "judged_training",
    "named_training",
]

Origin = Literal["named", "runs", "judged"]
TrainingRef: TypeAlias = str | Path | DataConfig | Source


@dataclass(frozen=True)
class Training:
    """Samples whose training split an algorithm is fitted to.

    Attributes:
        source: Holds them.
        config: Gives the shares of the split.
        name: What people call the data.
        origin: ``named`` by the user, those of the ``runs``, or the ``judged`` data.
        note: Why they are not those of the runs; empty where nothing is to be said.
    """

    source: Source
    config: DataConfig
    name: str
    origin: Origin
    note: str = ""


def named_training(task: Task, named: TrainingRef, judged: Training) -> Training:
    """Data that the user names.

    Args:
        task: Whose samples they are.
        named: ``SOURCE:PATH``, a file that zoo wrote, a run (the data of its training), a data
            section, or an open source.
        judged: What is judged; a text is split in the same shares.

    Raises:
        DataError: If they are of another detector, or a run's data have changed.
        UsageError: If a simulator is named without its number of events.
        ZooError: As for :func:`~zoo.prediction.sources.open_source`.
    """
    if isinstance(named, str | Path):
        training = _named_text(task, str(named), judged)
    elif isinstance(named, DataConfig):
        training = _opened(task, named, "named", judged)
    else:
        training = Training(named, judged.config, source_name(named), "named")
    for fact, one, other in differing_facts(training.source.facts, judged.source.facts):
        raise DataError(
            f"the fact '{fact}' is not that of the judged data: {one}, not {other}",
            where=training.name,
            remedy="fit to data of the same detector",
        )
    return training


def choose_training(
    task: Task, runs: Sequence[str], lineages: Sequence[Mapping[str, Any]], judged: Training
) -> Training:
    """The data of the runs, where all share them; otherwise the judged ones, and why.

    Args:
        task: Whose samples they are.
        runs: Runs and snapshots of the table, as the user named them.
        lineages: Of all its networks: a model file may be trained on other data than the runs.
        judged: What is judged.
    """
    if not runs:
        return judged
    try:
        records = [_record(run) for run in runs]
        splits = {record["split"] for record in records}
        splits |= {str(lineage["split"]) for lineage in lineages if lineage.get("split")}
        if len(splits) > 1 or any(not _same_section(records[0], one) for one in records[1:]):
            return _because(judged, "the networks were trained on different data")
        training = _data_of(task, runs[0], "runs", judged)
    except ZooError as error:
        reason = f"{error.message} ({error.where})" if error.where else error.message
        return _because(judged, f"the data of the runs cannot be used: {reason}")
    differing = next(differing_facts(training.source.facts, judged.source.facts), None)
    if differing is not None:
        return _because(judged, f"the runs' data are of another detector ('{differing[0]}')")
    return training


def judged_training(source: Source, config: DataConfig, name: str) -> Training:
    """The judged data themselves."""
    return Training(source, config, name or source_name(source), "judged")


def _because(judged: Training, note: str) -> Training:
    return Training(judged.source, judged.config, judged.name, judged.origin, note)


def _named_text(task: Task, text: str, judged: Training) -> Training:
    if RunDirectory.is_run(parse_run(text)[0]):
        return _data_of(task, text, "named", judged)
    config = parse_data(text)
    spec = task.sources.get(config.source)
    if spec is not None and spec.kind == "simulator":
        raise UsageError(
            "the number of events is missing",
            where=text,
            remedy=f"`zoo data simulate {task.name} --data {config.source} --events N --out F.h5` "
            "writes a file to fit to",
        )
    shares = {"validation": judged.config.validation, "test": judged.config.test}
    return _opened(task, config.model_copy(update=shares), "named", judged)


def _data_of(task: Task, ref: str, origin: Origin, judged: Training) -> Training:
    """What a run was trained on, if it is still that."""
    record = _record(ref)
    config = validate(DataConfig, record["source"], "data")
    training = _opened(task, config, origin, judged)
    blocks = training.source.blocks()
    split = split_digest(split_blocks(blocks, config.validation, config.test, SPLIT_SEED))
    if split != record["split"] or digest(training.source.facts) != record["facts"]:
        raise DataError(
            "the data have changed since the run was trained on them",
            where=training.name,
            remedy="restore them, or name other data to fit to",
        )
    return training


def _opened(task: Task, config: DataConfig, origin: Origin, judged: Training) -> Training:
    name = config.path or config.source
    if _section(config) == _section(judged.config) and name:
        return Training(judged.source, config, name, origin)
    return Training(open_source(task.name, config), config, name, origin)


def _record(ref: str) -> dict[str, Any]:
    run = RunDirectory.open(parse_run(ref)[0])
    return run.read_json(run.data, ("source", "split", "facts"))


def _same_section(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    sections = [validate(DataConfig, record["source"], "data") for record in (one, other)]
    return _section(sections[0]) == _section(sections[1])


def _section(config: DataConfig) -> dict[str, Any]:
    """What decides the samples, whatever the shares of their split and their order."""
    section = config.model_dump(mode="json", exclude=set(NOT_SAMPLES))
    source = section["source"] or "hdf5"
    return {**section, "source": source, "path": str(Path(config.path).resolve())}
