"""Loggers: each line once whatever happens, and a training that they cannot touch."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch

import zoo.registry
from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.config.layers import Resolved, recipe_layer, resolve, set_layer
from zoo.data.workers import quiet_fork
from zoo.errors import Interrupted, NonFiniteError, PluginError, UsageError
from zoo.registry import registry
from zoo.training import train
from zoo.training.parts import find_parts
from zoo.training.reporting import SilentReporter

MODEL = "mini-track/pad-net"
SMALL = (
    *("data.events=60", "training.batch=8", "training.log_every=1"),
    *("training.steps=6", "training.validate_every=3"),
)

STRANGER = '''
import json
import random
import sys
import numpy as np
import torch
from zoo.api import UsageError, hookimpl

@hookimpl
def zoo_api():
    return (1, 0)

@hookimpl
def zoo_loggers():
    names = ("Hides", "Skips", "Draws", "Fails", "Exits")
    return {name.lower(): f"stranger:{name}" for name in names} | {
        "absent": "stranger_library:Absent"}

class Hides:
    """Writes the history anew."""
    def __init__(self, run):
        self.folder = run.path / "hides"
        self.folder.mkdir(exist_ok=True)
        self.made = {"model": run.model, "resumed": run.resumed, "batch":
            run.config["training"]["batch"], "history": len(run.history)}
        self.note(self.made)
        (self.folder / "lines").write_text("".join(json.dumps(row) + "\\n" for row in run.history))
    def note(self, what):
        with (self.folder / "notes").open("a") as stream:
            stream.write(json.dumps(what) + "\\n")
    def row(self, row):
        with (self.folder / "lines").open("a") as stream:
            stream.write(json.dumps(row) + "\\n")
    def close(self, outcome):
        self.note(outcome)

class Skips:
    """Goes on after what it has."""
    def __init__(self, run):
        self.file = run.path / "skips"
        self.file.touch()
        self.shown = len(self.file.read_text().splitlines())
        self.line = 0
        for row in run.history:
            self.row(row)
    def row(self, row):
        self.line += 1
        if self.line > self.shown:
            with self.file.open("a") as stream:
                stream.write(json.dumps(row) + "\\n")
    def close(self, outcome):
        pass

class Draws(Skips):
    """Meddles with what is everybody's."""
    def row(self, row):
        random.random(), np.random.random(), torch.rand(3), torch.manual_seed(0)
        row.clear()

class Fails:
    def __init__(self, run):
        self.calls = run.path / "calls"
    def row(self, row):
        with self.calls.open("a") as stream:
            stream.write("row ")
        if row["step"] == 2:
            raise ConnectionError("the server is gone")
    def close(self, outcome):
        self.calls.write_text("closed")

class Exits:
    def __init__(self, run):
        sys.exit("no key")
'''
LIBRARY = """
from zoo.api import UsageError
raise UsageError("its library is not installed", remedy="pip install 'stranger[absent]'")
"""


class Told(SilentReporter):
    """Keeps messages; sends a signal after a step; may tear the log before."""

    def __init__(self, stop_at: int = -1) -> None:
        self.messages: list[str] = []
        self._stop_at = stop_at

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, step: int, total: int) -> None:
        if step == self._stop_at:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(autouse=True)
def stranger(
    miniatures: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin of somebody else beside the miniatures."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "stranger.py").write_text(STRANGER)
    (folder / "stranger_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
    points = [
        *zoo.registry.entry_points(group="zoo.plugins"),
        EntryPoint("stranger", "stranger", "zoo.plugins"),
    ]
    monkeypatch.setattr(zoo.registry, "entry_points", lambda **_: points)
    registry.cache_clear()


def settings(*loggers: str, more: tuple[str, ...] = ()) -> Resolved:
    parts = find_parts(MODEL)
    chosen = f"training.loggers={json.dumps(loggers)}"
    recipe = recipe_layer(parts.task.recipes, "quick")
    return resolve(parts.config, [recipe, set_layer([*SMALL, chosen, *more])])


def lines(file: Path) -> list[dict[str, Any]]:
    return without_clock([json.loads(line) for line in file.read_text().splitlines()])


def without_clock(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in rows]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the training without loggers lies."""
    return tmp_path_factory.mktemp("quiet") / "run"


@pytest.fixture
def undisturbed(quiet: Path) -> RunDirectory:
    return RunDirectory.open(quiet) if quiet.exists() else train(MODEL, settings(), quiet)


def test_every_line_once_also_after_resumes(undisturbed: RunDirectory, tmp_path: Path) -> None:
    out = tmp_path / "run"
    chosen = settings("hides", "skips")
    for stop_at in (1, 3):
        with pytest.raises(Interrupted):
            train(MODEL, chosen, out, progress=Told(stop_at))
    # A kill: the log and the loggers are further than the last checkpoint, the log torn.
    run = RunDirectory.open(out)
    shutil.copytree(run.checkpoints, tmp_path / "checkpoints")
    with pytest.raises(Interrupted):
        train(MODEL, chosen, out, progress=Told(5))
    shutil.rmtree(run.checkpoints)
    shutil.copytree(tmp_path / "checkpoints", run.checkpoints)
    with run.metrics_log.open("a") as stream:
        stream.write('{"step": 6, "lo')
    train(MODEL, chosen, out, progress=Told())
    expected = without_clock(undisturbed.metrics())
    assert len(expected) == 6 + 2  # training and validation
    assert without_clock(run.metrics()) == expected
    assert lines(out / "hides" / "lines") == expected
    assert lines(out / "skips") == expected
    assert run.model.read_bytes() == undisturbed.model.read_bytes()
    notes = [json.loads(line) for line in (out / "hides" / "notes").read_text().splitlines()]
    assert notes[1::2] == ["interrupted", "interrupted", "interrupted", "finished"]
    made = [(note["resumed"], note["history"]) for note in notes[::2]]
    # The validation of step 3 was put off by the stop: it comes after the resume.
    assert made == [(0, 0), (1, 1), (3, 3), (3, 3)]
    assert notes[0]["model"] == MODEL
    assert notes[0]["batch"] == 8


def test_a_logger_that_is_chosen_late_shows_all(undisturbed: RunDirectory, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        train(MODEL, settings(), out, progress=Told(4))
    train(MODEL, settings("skips"), out)
    assert lines(out / "skips") == without_clock(undisturbed.metrics())


def test_a_failing_logger_is_told_of_once_and_dropped(
    undisturbed: RunDirectory, tmp_path: Path
) -> None:
    told = Told()
    run = train(MODEL, settings("fails", "exits", "skips"), tmp_path / "run", progress=told)
    failures = [text for text in told.messages if "failed" in text]
    assert len(failures) == 2
    assert "'exits' failed (SystemExit: no key)" in failures[0]
    assert "'fails' failed (ConnectionError: the server is gone)" in failures[1]
    assert (run.path / "calls").read_text() == "row row "  # neither a third nor the end
    assert lines(run.path / "skips") == without_clock(undisturbed.metrics())
    assert run.model.read_bytes() == undisturbed.model.read_bytes()


def test_a_logger_changes_nothing(undisturbed: RunDirectory, tmp_path: Path) -> None:
    told = Told()
    run = train(MODEL, settings("draws", "skips"), tmp_path / "run", progress=told)
    assert not [text for text in told.messages if "failed" in text]
    assert run.model.read_bytes() == undisturbed.model.read_bytes()
    assert without_clock(run.metrics()) == without_clock(undisturbed.metrics())
    assert lines(run.path / "skips") == without_clock(undisturbed.metrics())


def test_a_training_that_fails_is_closed_as_failed(tmp_path: Path) -> None:
    diverging = ("optimizers.net.lr=1000", "optimizers.net.kind='sgd'", "training.steps=200")
    with pytest.raises(NonFiniteError):
        train(MODEL, settings("hides", more=diverging), tmp_path / "run")
    notes = (tmp_path / "run" / "hides" / "notes").read_text().splitlines()
    assert json.loads(notes[-1]) == "failed"


def test_what_is_missing_is_told_before_the_training(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UsageError, match="its library is not installed") as missing:
        train(MODEL, settings("absent"), out)
    assert missing.value.remedy == "pip install 'stranger[absent]'"
    with pytest.raises(PluginError, match="no such logger") as unknown:
        train(MODEL, settings("hide"), out)
    assert "did you mean 'hides'?" in unknown.value.remedy
    assert not out.exists()


def test_only_the_first_process_logs(
    undisturbed: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if torch.accelerator.is_available():
        pytest.skip("autograd has a thread for the accelerator, which no fork takes along")
    out = tmp_path / "run"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in (("WORLD_SIZE", 2), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", port)):
        monkeypatch.setenv(name, str(value))
    with quiet_fork():
        children = [_forked(rank, out) for rank in range(2)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    notes = [json.loads(line) for line in (out / "hides" / "notes").read_text().splitlines()]
    assert [note if isinstance(note, str) else note["resumed"] for note in notes] == [0, "finished"]
    shown = (out / "hides" / "lines").read_text()
    assert shown == (out / "metrics.jsonl").read_text()
    rows = [json.loads(line) for line in shown.splitlines()]
    assert [row["step"] for row in rows] == [row["step"] for row in undisturbed.metrics()]
    assert all(row["samples_per_second"] > 0 for row in rows if row["split"] == "train")


def _forked(rank: int, out: Path) -> int:
    child = os.fork()
    if child == 0:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        code = 1
        try:
            train(MODEL, settings("hides"), out)
            code = 0
        finally:
            os._exit(code)
    return child
