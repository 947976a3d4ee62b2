"""R08 and R09: trainings that are killed, and on two processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.files import file_digest
from zoo.testing.processes import Training, together, train_there
from zoo.testing.rule import NotApplicable, Violation
from zoo.testing.subjects import ModelSubject
from zoo.training.run import train

__all__ = ["kill_and_resume", "two_processes"]

_EXACT = {"engine": {"reproducible": True, "shards": 2}}


def kill_and_resume(subject: ModelSubject) -> str:
    """Train with a process that is gone between two checkpoints, and compare with one that is not.

    The process that resumes is a new one: nothing that a module remembers is taken along.
    """
    config = subject.resolved().config.training
    every, total = config.checkpoint_every, config.steps or 0
    if not 0 < every < total - 1:
        raise NotApplicable("it needs training.steps above training.checkpoint_every + 1")
    whole = subject.run
    killed = subject.folder / "killed"
    training = Training(model=subject.name, layers=subject.settings(), out=killed)
    train_there(replace(training, die_at=every + 1))
    messages = train_there(training)
    runs = [whole, RunDirectory.open(killed)]
    if not any(f"resumed at step {every}" in message for message in messages):
        raise Violation(f"the training did not resume from its checkpoint at step {every}")
    _require_same(runs, f"killed after step {every + 1} of {total}")
    return f"killed after step {every + 1} of {total}: the same model file and log"


def two_processes(subject: ModelSubject) -> str:
    """Compare the first gradient of two processes with that of one, then bits."""
    short = subject.settings({"training": {"steps": 2}, "data": {"validation": 0.0}})
    plain = Training(model=subject.name, layers=short, out=subject.folder / "two")
    uncompared = [told for told in together(plain, 2) if "was not compared" in told]
    outs = [subject.folder / f"exact-{size}" for size in (1, 2)]
    train(subject.name, subject.resolved(_EXACT), outs[0])
    layers = subject.settings(_EXACT)
    together(Training(model=subject.name, layers=layers, out=outs[1]), 2)
    _require_same(
        [RunDirectory.open(out) for out in outs], "a reproducible training on two processes"
    )
    return "; ".join(["the first gradient, and the bits of a reproducible training", *uncompared])


def _require_same(runs: Sequence[RunDirectory], what: str) -> None:
    if _rows(runs[0]) != _rows(runs[1]):
        raise Violation(f"{what}: the log differs: {_first(runs)}")
    if file_digest(runs[0].model) != file_digest(runs[1].model):
        raise Violation(f"{what}: the model file differs")


def _rows(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]


def _first(runs: Sequence[RunDirectory]) -> str:
    """Where two logs part."""
    one, other = map(_rows, runs)
    for mine, theirs in zip(one, other, strict=False):
        for name in {**mine, **theirs}:  # in the order of the log
            if mine.get(name) != theirs.get(name):
                place = f"step {mine['step']}, {mine['split']}"
                return f"{place}: {name} is {theirs.get(name)}, not {mine.get(name)}"
    return f"it has {len(other)} lines, not {len(one)}"
