"""R08 and R09: trainings that are killed, and on two processes."""

from __future__ import annotations

from typing import Any

from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.files import file_digest
from zoo.testing.processes import Training, together, train_there
from zoo.testing.rule import NotApplicable, Violation
from zoo.testing.subjects import ModelSubject

__all__ = ["kill_and_resume", "two_processes"]

_EXACT = {"engine": {"reproducible": True, "shards": 2}}


def kill_and_resume(subject: ModelSubject) -> str:
    """Train undisturbed, and with a process that is gone twice: before a checkpoint and after."""
    total = _steps(subject)
    if total < 3:
        raise NotApplicable("a training of fewer than three steps: set training.steps to 6")
    layers = subject.settings({"training": {"checkpoint_every": 2}})
    whole = subject.folder / "undisturbed"
    train_there(Training(model=subject.name, layers=layers, out=whole))
    killed = subject.folder / "killed"
    deaths = (1, 3)
    for step in deaths:
        train_there(Training(model=subject.name, layers=layers, out=killed, die_at=step))
    messages = train_there(Training(model=subject.name, layers=layers, out=killed))
    runs = [RunDirectory.open(path) for path in (whole, killed)]
    if _rows(runs[0]) != _rows(runs[1]):
        raise Violation(f"killed after steps 1 and 3, the log differs: {_first(runs)}")
    if file_digest(runs[0].model) != file_digest(runs[1].model):
        raise Violation("killed after steps 1 and 3, the model file differs")
    if not any("resumed at step 2" in message for message in messages):
        raise Violation("the training did not resume from its checkpoint at step 2")
    return f"{total} steps, killed after 1 and 3: the same model file and log"


def two_processes(subject: ModelSubject) -> str:
    """Compare the first gradient of two processes with that of one, then bits."""
    plain = subject.folder / "two"
    short = subject.settings({"training": {"validate_every": 0}, "engine": {"audit": True}})
    messages = together(Training(model=subject.name, layers=short, out=plain), 2)
    uncompared = [message for message in messages if "was not compared" in message]
    layers = subject.settings(_EXACT)
    outs = [subject.folder / f"exact-{size}" for size in (1, 2)]
    train_there(Training(model=subject.name, layers=layers, out=outs[0]))
    together(Training(model=subject.name, layers=layers, out=outs[1]), 2)
    runs = [RunDirectory.open(out) for out in outs]
    if _rows(runs[0]) != _rows(runs[1]):
        raise Violation(f"a reproducible training has another log on two: {_first(runs)}")
    if file_digest(runs[0].model) != file_digest(runs[1].model):
        raise Violation("a reproducible training has another model file on two processes")
    return "; ".join(["the first gradient, and the bits of a reproducible training", *uncompared])


def _steps(subject: ModelSubject) -> int:
    training = subject.resolved().config.training
    return training.steps or 6


def _rows(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]


def _first(runs: list[RunDirectory]) -> str:
    """Where two logs part."""
    one, other = map(_rows, runs)
    for mine, theirs in zip(one, other, strict=False):
        for name in mine.keys() | theirs.keys():
            if mine.get(name) != theirs.get(name):
                place = f"step {mine['step']}, {mine['split']}"
                return f"{place}: {name} is {theirs.get(name)}, not {mine.get(name)}"
    return f"it has {len(other)} lines, not {len(one)}"
