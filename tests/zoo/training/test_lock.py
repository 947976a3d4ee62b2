"""Two trainings in one run directory: the second is refused; a killed one is in nobody's way."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app

PR_SET_CHILD_SUBREAPER = 36  # of prctl(2)
Start = Callable[..., Any]
STEPS = 30


def words(out: Path, *more: str, workers: int = 0) -> list[str]:
    settings = [
        *("data.events=60", "training.batch=8", f"training.steps={STEPS}", "training.log_every=1"),
        *("training.validate_every=10", "training.checkpoint_every=2"),
        f"training.workers={workers}",
    ]
    basis = ["train", "mini-track/pad-net", "--recipe", "quick", "--out", str(out)]
    return [*basis, "--device", "cpu", *[w for s in settings for w in ("--set", s)], *more]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the undisturbed training is, made by the first test."""
    return tmp_path_factory.mktemp("shared") / "run"


@pytest.fixture(autouse=True)
def expected(shared: Path) -> str:
    """The digest of its model. It trains here, so that forked processes have all imports."""
    if not shared.exists():
        done = CliRunner().invoke(app, words(shared))
        assert done.exit_code == 0, done.output
        assert not (shared / "training.lock").exists()
    return digest(shared)


@pytest.fixture
def adopting() -> Iterator[None]:
    """Orphans become children of this process: the kernel does not end those that are stopped."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def digest(out: Path) -> str:
    return hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()


def contents(out: Path) -> dict[str, str]:
    """Of all files."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def wait_for_step(out: Path, process: Any, step: int) -> None:
    deadline = time.monotonic() + 60
    log = out / "metrics.jsonl"
    while not log.exists() or log.read_bytes().count(b'"train"') < step:
        assert time.monotonic() < deadline, process.said
        assert Path(f"/proc/{process.pid}").exists(), process.said
        time.sleep(0.001)


@pytest.fixture
def running(tmp_path: Path, start: Start) -> Iterator[Any]:
    """A training in ``run`` that holds still in the middle."""
    out = tmp_path / "run"
    process = start(*words(out))
    wait_for_step(out, process, 5)
    os.kill(process.pid, signal.SIGSTOP)
    yield process
    os.kill(process.pid, signal.SIGCONT)
    assert process.wait() == 0, process.said


def test_the_second_is_refused_and_changes_nothing(
    tmp_path: Path, start: Start, expected: str, running: Any
) -> None:
    out = tmp_path / "run"
    before = contents(out)
    second = start(*words(out), "--json")
    assert second.wait() == 2, second.said
    error = json.loads(second.said)
    assert error["message"] == "another training is running in this directory"
    assert error["where"] == str(out)
    assert f"wait for process {running.pid} on {socket.gethostname()}" in error["remedy"]
    assert "another --out" in error["remedy"]
    # Other settings are no reason to touch it either.
    other = start(*words(out, "--set", "training.seed=1"))
    assert other.wait() == 2, other.said
    assert contents(out) == before
    os.kill(running.pid, signal.SIGCONT)
    deadline = time.monotonic() + 60
    while not (out / "model.safetensors").exists() or (out / "training.lock").exists():
        assert time.monotonic() < deadline, running.said
        time.sleep(0.01)
    assert digest(out) == expected


def test_all_of_several_processes_are_refused(
    tmp_path: Path, start_ranks: Start, running: Any
) -> None:
    out = tmp_path / "run"
    before = contents(out)
    ranks = start_ranks(2, *words(out))
    assert [rank.wait(30) for rank in ranks] == [2, 2]
    assert f"wait for process {running.pid} on" in " ".join(ranks[0].said.split())
    assert ranks[1].said == ""  # the first has told it
    assert contents(out) == before


@pytest.mark.usefixtures("adopting")
def test_a_killed_training_is_resumed_at_once_whatever_its_workers_do(
    tmp_path: Path, start: Start, expected: str
) -> None:
    out = tmp_path / "run"
    process = start(*words(out, workers=2))
    wait_for_step(out, process, 5)
    workers = process.children()
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # they cannot end by themselves
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    try:
        assert (out / "training.lock").exists()
        resumed = start(*words(out))
        assert resumed.wait() == 0, resumed.said
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
            ended = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
            assert ended == -signal.SIGKILL  # and not before
    assert "resumed at step" in resumed.said
    assert digest(out) == expected
    assert not (out / "training.lock").exists()


def test_a_lock_left_before_the_first_file_is_no_foreign_file(tmp_path: Path, start: Start) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "training.lock").write_text('{"pid": 1, "host": "elsewhere"}\n')
    process = start(*words(out))
    assert process.wait() == 0, process.said


def test_no_lock_is_made_in_a_foreign_folder(tmp_path: Path, start: Start) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    process = start(*words(tmp_path / "thesis"))
    assert process.wait() == 2, process.said
    assert "is not empty and holds no run" in process.said
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["thesis.tex"]


def test_a_finished_training_needs_no_lock(shared: Path, start: Start) -> None:
    lock = shared / "training.lock"
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        process = start(*words(shared))
        assert process.wait() == 0, process.said
    lock.unlink()
    assert "this training is finished" in process.said
