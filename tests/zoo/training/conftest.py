"""The miniature plugins as the only ones that are installed; trainings in forked processes."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
import torch._dynamo  # an optimiser imports it, for 1.5 s: once here, not in every fork

import zoo.registry
from zoo.cli.app import main
from zoo.data.workers import quiet_fork
from zoo.registry import registry

# A process forked later has no autograd if the first gradient came after a pretended device: it
# must be now, while tests are collected (as for the tests of the engine).
torch.ones(1, requires_grad=True).sum().backward()  # type: ignore[no-untyped-call]  # torch's lack

MINIATURES = ("gan", "graph", "light", "points", "track")


@pytest.fixture(autouse=True)
def miniatures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trainings of these tests use ``mini-track`` and ``mini-gan``."""
    points = [
        EntryPoint(f"mini-{name}", f"zoo_miniatures.{name}.plugin", "zoo.plugins")
        for name in MINIATURES
    ]
    monkeypatch.setattr(zoo.registry, "entry_points", lambda **_: points)
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    registry.cache_clear()
    yield
    registry.cache_clear()


@dataclass(frozen=True)
class Command:
    """``zoo WORDS`` in a process group of its own."""

    pid: int
    output: Path

    def wait(self, seconds: float = 60.0) -> int:
        """The exit code; negative: the signal that killed it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"still running after {seconds} s:\n{self.said}")

    @property
    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8")

    def children(self) -> list[int]:
        """Processes that it has started."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in listed.split()]


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start ``zoo WORDS``; ``before()`` runs in its process first."""
    if torch.accelerator.is_available():
        pytest.skip("autograd has a thread for the accelerator, which no fork takes along")
    count = 0

    def started(*words: object, before: Callable[[], object] | None = None) -> Command:
        nonlocal count
        count += 1
        output = tmp_path / f"output-{count}.txt"
        output.touch()
        with quiet_fork():  # torch's threads are idle here
            child = os.fork()
        with suppress(PermissionError, ProcessLookupError):  # whoever is first
            os.setpgid(child, child or 0)
        if not child:
            gc.freeze()  # what is imported here stays: no need to look through it, and to copy it
            _become(["zoo", *map(str, words)], output, before)
        return Command(child, output)

    return started


@pytest.fixture
def start_ranks(start: Start) -> Callable[..., list[Command]]:
    """Start ``zoo WORDS`` on so many processes, as ``torchrun`` would; ``before(rank)`` first."""

    def started(
        size: int, *words: object, before: Callable[[int], object] | None = None
    ) -> list[Command]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])

        def rank(number: int) -> Callable[[], None]:
            def launched() -> None:
                os.environ |= {"RANK": str(number), "LOCAL_RANK": str(number)}
                os.environ |= {"WORLD_SIZE": str(size)}
                os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
                if before is not None:
                    before(number)

            return launched

        return [start(*words, before=rank(number)) for number in range(size)]

    return started


def _become(words: Sequence[str], output: Path, before: Callable[[], object] | None) -> None:
    """Be the command, and never return into pytest."""
    code = 1
    try:
        stream = output.open("w", buffering=1, encoding="utf-8")
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout = sys.stderr = stream
        sys.argv = list(words)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if before is not None:
            before()
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # it must be seen
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)
