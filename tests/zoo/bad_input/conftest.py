"""Commands that must fail well, in this process or on a small or read-only disk of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app

MODEL = "mini-track/pad-net"
TRACKS = 60
_ON_DISK = Path(__file__).with_name("on_disk.py")
Step = Mapping[str, Any]
"""A name and the words of a command."""


@dataclass(frozen=True)
class Done:
    """An ended command."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def failed(
        self, code: int, *, where: object, says: str = "", remedy: str = ""
    ) -> Mapping[str, Any]:
        """Check that it told what, where and the remedy, and no traceback; return the error.

        Args:
            code: Its exit code.
            where: A part of the place: file, field, setting or id.
            says: A part of the message.
            remedy: A part of the remedy.
        """
        assert self.code == code, f"{self.stdout}\n{self.stderr}"
        for text in (self.stdout, self.stderr):
            assert "Traceback" not in text
        error = self.json
        assert set(error) == {"error", "exit_code", "message", "where", "remedy"}
        assert error["exit_code"] == code
        assert str(where) in error["where"], error
        assert error["message"]
        assert says in error["message"], error
        assert error["remedy"]
        assert remedy in error["remedy"], error
        return error


def zoo(*words: object) -> Done:
    """Run ``zoo WORDS --json`` in this process."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"], prog_name="zoo")
    return Done(done.exit_code, done.stdout, done.stderr)


def sets(*settings: str) -> list[str]:
    """``--set`` before each."""
    return [word for setting in settings for word in ("--set", setting)]


Zoo = Callable[..., Done]
Train = Callable[..., Done]


@pytest.fixture(name="zoo", scope="session")
def _zoo() -> Zoo:
    return zoo


@pytest.fixture(scope="session")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of simulated tracks."""
    out = tmp_path_factory.mktemp("data") / "tracks.h5"
    simulate = ("data", "simulate", "mini-track", "--data", "tracks", "--events", TRACKS)
    assert zoo(*simulate, "--out", out, "--workers", 1).code == 0
    return out


@pytest.fixture(scope="session")
def run(tracks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training; tests must leave it as it is."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert zoo("train", MODEL, "--data", tracks, "--out", out, *sets("training.steps=2")).code == 0
    return out


@pytest.fixture
def train(tracks: Path, tmp_path: Path) -> Train:
    """``zoo train`` of a step on the tracks into ``tmp_path / "new"``, with further words."""

    def call(*words: object, data: object = tracks, model: str = MODEL) -> Done:
        basis = ("train", model, "--data", data, "--out", tmp_path / "new", "--device", "cpu")
        return zoo(*basis, *words)

    return call


@dataclass(frozen=True)
class Disk:
    """A disk in memory, mounted for one script in a mount namespace that only scripts see."""

    folder: Path
    logs: Path
    server: subprocess.Popen[str]

    def zoo(self, name: str, *words: object) -> Step:
        """A step that runs ``zoo WORDS --json``."""
        return {"name": name, "words": [*map(str, words), "--json"]}

    def run(self, *steps: Step | str, size: str) -> dict[str, Done]:
        """Mount, run shell lines (``$DISK`` is the folder) and commands; how the latter ended.

        The commands share a process, which must end well and silently: HDF5 crashes late.
        """
        mount = f"mount -t tmpfs -o size={size} tmpfs $DISK"
        listed = [{"shell": step} if isinstance(step, str) else step for step in (mount, *steps)]
        told = json.dumps({"disk": str(self.folder), "steps": listed})
        (self.logs / "steps.json").write_text(told)
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(f"{self.logs}\n")
        self.server.stdin.flush()
        status = self.server.stdout.readline().strip()
        assert (status, (self.logs / "said.txt").read_text()) == ("0", "")
        ended = json.loads((self.logs / "done.json").read_bytes())
        return {name: Done(*parts) for name, parts in ended.items()}


@pytest.fixture(scope="session")
def _may_mount() -> None:
    """Root may mount a disk of its own, unless a container forbids it."""
    try:
        attempt = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/mnt"]
        done = subprocess.run(attempt, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a disk of its own needs unshare (util-linux)")
    if done.returncode:
        pytest.skip(f"a disk of its own needs the right to mount: {done.stderr.strip()}")


@pytest.fixture(scope="session")
def _server(_may_mount: None) -> Iterator[subprocess.Popen[str]]:
    """Runs the scripts; the disks that it mounts are its own and end with it."""
    with subprocess.Popen(
        ["unshare", "--mount", sys.executable, str(_ON_DISK)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        yield server
        os.killpg(server.pid, signal.SIGKILL)  # a script that hangs, too


@pytest.fixture
def disk(tmp_path: Path, _server: subprocess.Popen[str]) -> Disk:
    """A small disk."""
    folder, logs = tmp_path / "disk", tmp_path / "logs"
    folder.mkdir()
    logs.mkdir()
    return Disk(folder, logs, _server)
