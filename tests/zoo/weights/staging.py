"""Where attacks are played: a server, a cache, processes that are killed, disks of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.data.workers import quiet_fork
from zoo.errors import ZooError
from zoo.weights.cache import Cache
from zoo.weights.transfer import Patience

__all__ = ["NET", "Attack", "Play", "Stage", "Told", "ended", "forked", "may_mount", "on_disk"]

NET = "/net.safetensors"
"""Where servers have the file."""


@dataclass
class Stage:
    """What an attack plays on.

    Attributes:
        toys: Model files and cards.
        cache: An empty cache.
        server: A server on 127.0.0.1.
        other: Another host: another port is another origin.
        folder: For files.
    """

    toys: Any
    cache: Cache
    server: Any
    other: Any
    folder: Path

    @property
    def url(self) -> str:
        """Where the server has the file."""
        return str(self.server.url(NET))

    def pull(
        self, answer: Any, content: bytes | None = None, limits: Patience | None = None
    ) -> str:
        """Have the server answer so, and ask it; the card has the digest of ``content``."""
        self.server.answers[NET] = answer
        self.toys.limits = limits or self.toys.limits
        path = self.toys.obtain(self.cache, self.url, content=content)
        assert path.read_bytes() == self.toys.content
        return "; ".join(self.toys.told) or "served"

    def pull_itself(self, content: bytes) -> str:
        """A file that has the card's digest, and is not what the card says."""
        return self.pull(content, content)

    def kept(self) -> list[str]:
        """Files that the cache offers."""
        return [path for path in self.toys.left_in(self.cache.own) if path.startswith("sha256/")]


Play = Callable[[Stage], str]


@dataclass(frozen=True)
class Told:
    """How an attack ends.

    Attributes:
        code: Exit code of the command.
        text: The message; of what is overcome, what is told on the way.
    """

    code: int
    text: str


@dataclass(frozen=True)
class Attack:
    """One row.

    Attributes:
        what: What happens.
        play: Plays it; returns what is told if zoo overcomes it, raises the error if not.
        mounts: Whether it needs a disk of its own.
    """

    what: str
    play: Play
    mounts: bool = False

    def told(self, stage: Stage) -> Told:
        """Play it; places of this machine are left out of what is told.

        Raises:
            AssertionError: If anything was executed, or kept that is not the file of the card.
        """
        code = 0
        try:
            text = self.play(stage)
        except ZooError as error:
            code, text = error.exit_code, error.message if error.remedy else "no remedy"
        assert code == 0 or not stage.kept()
        assert not (stage.folder / "executed").exists()
        return Told(code, _anywhere(text, stage))


def forked(work: Callable[[], object]) -> int:
    """A process that ends with 0 if ``work`` ends."""
    with quiet_fork():
        child = os.fork()
    if not child:
        code = 99
        with suppress(BaseException):
            work()
            code = 0
        os._exit(code)
    return child


def ended(child: int) -> int:
    """Its exit code; negative: the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def may_mount() -> str:
    """Why this process cannot have disks of its own; empty: it can."""
    attempt = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/mnt"]
    try:
        done = subprocess.run(attempt, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no unshare(1)"
    return done.stderr.strip() if done.returncode else ""


def on_disk(folder: Path, *steps: dict[str, Any]) -> list[dict[str, Any]]:
    """Steps of ``on_small_disk.py``, in a process that may mount."""
    script = Path(__file__).with_name("on_small_disk.py")
    (folder / "steps.json").write_text(json.dumps(steps))
    command = ["unshare", "--mount", sys.executable, str(script), str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads((folder / "done.json").read_bytes())
    return found


def _anywhere(text: str, stage: Stage) -> str:
    """Without folders, ports, digests and sizes of this run; one line."""
    text = text.replace(str(stage.folder), "FOLDER").replace("\n- ", " ")
    text = re.sub(r"sha256/[0-9a-f]{2}/", "sha256/../", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    text = re.sub(r"\b[0-9a-f]{12,64}\b", "DIGEST", text)
    text = re.sub(r"\d+ bytes in [\d.]+ s", "N bytes in T s", text)
    for more in (0, 4, -1):
        text = re.sub(
            rf"\b{len(stage.toys.content) + more}\b", f"SIZE{more:+}" if more else "SIZE", text
        )
    return " ".join(text.replace("DIGEST...", "DIGEST").split())
