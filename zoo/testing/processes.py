"""Trainings in processes of their own, which can be killed and can be several.

They come from a fork server: a process that has imported torch and done nothing with it, so that
each starts in a moment and has no threads of this one. Where there is none they are started anew.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, cast

from zoo.config.base import Config
from zoo.config.layers import Layer, resolve
from zoo.contract.refs import resolve as resolve_reference
from zoo.errors import PluginError, ZooError
from zoo.registry import registry

__all__ = ["KILLED", "Training", "together", "train_there"]

KILLED = 137
"""Exit code of a process that was killed: what a shell shows for SIGKILL."""

_SECONDS = 600.0

_IMPORTED = ("__main__", "torch", "torch._dynamo", "zoo.training.run", "zoo.data.store")
"""What a training imports, an optimizer on its first step included: once, not in each process."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a process is to train.

    Attributes:
        model: Its id.
        layers: Of the configuration.
        out: The run directory.
        die_at: The step after which the process is gone, without a last word; 0: it ends by itself.
        environ: Variables that it has.
    """

    model: str
    layers: Sequence[Layer]
    out: Path
    die_at: int = 0
    environ: Mapping[str, str] = field(default_factory=dict)


def train_there(training: Training) -> list[str]:
    """Train in another process; returns what it tells on the way.

    Raises:
        ZooError: What the training raised there.
        PluginError: If it ended otherwise.
    """
    return _ended([training])[0]


def together(training: Training, size: int) -> list[str]:
    """Train on so many processes at once; returns what the first tells on the way.

    Raises:
        ZooError: As for :func:`train_there`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    several = []
    for rank in range(size):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        several.append(_with(training, {**training.environ, **shared, **own}))
    return _ended(several)[0]


def _with(training: Training, environ: Mapping[str, str]) -> Training:
    return Training(**{**vars(training), "environ": environ})


def _ended(trainings: Sequence[Training]) -> list[list[str]]:
    context = _context()
    trainings = [_with(training, {**os.environ, **training.environ}) for training in trainings]
    files = [t.out.with_name(f"{t.out.name}.{i}.json") for i, t in enumerate(trainings)]
    started = []
    for training, file in zip(trainings, files, strict=True):
        file.unlink(missing_ok=True)
        process = context.Process(  # type: ignore[attr-defined]  # every context has it
            target=_train, args=(training, file), daemon=True
        )
        process.start()
        started.append(process)
    try:
        for process in started:
            process.join(_SECONDS)
    finally:
        for process in started:
            if process.is_alive():
                process.kill()
                process.join()
    return [
        _told(training, process.exitcode, file)
        for training, process, file in zip(trainings, started, files, strict=True)
    ]


def _told(training: Training, code: int | None, file: Path) -> list[str]:
    if training.die_at and code == KILLED:
        return []
    if not file.exists():
        raise PluginError(
            f"the process of a training ended with exit code {code}",
            where=training.model,
            remedy=f"see what `zoo train {training.model}` tells",
        )
    told = json.loads(file.read_text(encoding="utf-8"))
    if told["error"] is not None:
        raise ZooError.from_dict(told["error"])
    return cast("list[str]", told["messages"])


@cache
def _context() -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_IMPORTED, __name__])
    return context


def _train(training: Training, file: Path) -> None:
    """What the other process does."""
    from zoo.training.reporting import SilentReporter
    from zoo.training.run import train

    os.environ.clear()  # the fork server has those of its own start
    os.environ.update(training.environ)
    messages: list[str] = []

    class Reporter(SilentReporter):
        def message(self, text: str) -> None:
            messages.append(text)

        def progress(self, step: int, total: int) -> None:
            if training.die_at and step == training.die_at:
                os._exit(KILLED)

    error: dict[str, Any] | None = None
    try:
        config = cast("type[Config]", resolve_reference(registry().model(training.model)[1].config))
        train(training.model, resolve(config, training.layers), training.out, progress=Reporter())
    except ZooError as found:
        error = found.as_dict()
    except Exception as found:  # noqa: BLE001  # it crosses to the other process as text
        last = traceback.extract_tb(found.__traceback__)[-1]
        text = f"{type(found).__name__}: {found} ({Path(last.filename).name}, line {last.lineno})"
        error = PluginError(text, where=training.model).as_dict()
    file.write_text(json.dumps({"error": error, "messages": messages}), encoding="utf-8")
