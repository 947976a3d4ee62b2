"""The lock: who has it, who is refused, and what is left when its holder is gone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.artifacts import lock
from zoo.artifacts.lock import locked
from zoo.data.workers import quiet_fork
from zoo.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / "training.lock"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.1)


def silent(text: str) -> None:
    raise AssertionError(text)


def forked(work: Callable[[], object]) -> int:
    with quiet_fork():
        child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def wait_for(file: Path) -> None:
    while not (file.exists() and file.read_text()):
        time.sleep(0.005)


def test_the_second_is_told_who_has_it_and_the_third_gets_it(file: Path) -> None:
    with locked(file, silent):
        with pytest.raises(UsageError, match="another training is running") as caught:
            locked(file, silent).__enter__()
        assert json.loads(file.read_text()) == {"pid": os.getpid(), "host": socket.gethostname()}
    assert caught.value.where == str(file.parent)
    assert f"process {os.getpid()} on {socket.gethostname()}" in caught.value.remedy
    assert "another --out" in caught.value.remedy
    assert caught.value.exit_code == 2
    assert not file.exists()
    with locked(file, silent):
        assert file.exists()


def test_a_killed_holder_leaves_nothing_that_locks(file: Path) -> None:
    def hold() -> None:
        with locked(file, silent):
            time.sleep(60)

    holder = forked(hold)
    wait_for(file)
    with pytest.raises(UsageError, match="another training") as caught:
        locked(file, silent).__enter__()
    assert f"process {holder} on" in caught.value.remedy
    os.kill(holder, signal.SIGKILL)
    assert ended(holder) == -signal.SIGKILL
    assert file.exists()
    with locked(file, silent):
        assert json.loads(file.read_text())["pid"] == os.getpid()


def test_a_forked_child_neither_keeps_nor_ends_it(file: Path) -> None:
    with locked(file, silent):

        def sleep() -> None:
            time.sleep(60)

        def leave() -> None:
            holding.__exit__(None, None, None)

        sleeper = forked(sleep)
    with (holding := locked(file, silent)):  # though the child lives
        assert ended(forked(leave)) == 0
        assert file.exists()
        with pytest.raises(UsageError, match="another training"):
            locked(file, silent).__enter__()
    os.kill(sleeper, signal.SIGKILL)
    ended(sleeper)


def test_only_one_of_many_has_it_while_they_remove_and_make_it(file: Path) -> None:
    """Each appends twice while it holds the lock: the pairs must not be torn apart."""
    log = file.with_name("log")

    def work() -> None:
        for _ in range(20):
            with locked(file, silent), log.open("a") as stream:
                for _ in range(2):
                    stream.write(f"{os.getpid()}\n")
                    stream.flush()
                    time.sleep(0.0005)

    lock._PATIENCE = 60.0  # the fixture sets it back
    children = [forked(work) for _ in range(4)]
    assert [ended(child) for child in children] == [0] * 4
    lines = log.read_text().split()
    assert len(lines) == 4 * 20 * 2
    assert lines[::2] == lines[1::2]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_holder_that_has_not_said_who_it_is(file: Path, content: str) -> None:
    with locked(file, silent):
        file.write_text(content)
        with pytest.raises(UsageError, match="another training") as caught:
            locked(file, silent).__enter__()
    assert "wait for that process to end" in caught.value.remedy


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks_is_told_once(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    said: list[str] = []
    with locked(file, said.append):
        assert len(said) == 1
    assert f"{file.parent}: this file system has no locks" in said[0]
    assert os.strerror(code) in said[0]


def test_other_failures_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(UsageError, match="Input/output error"):
        locked(file, silent).__enter__()
    (file.parent.parent / "file").touch()
    with pytest.raises(UsageError, match="cannot be written") as caught:
        locked(file.parent.parent / "file" / "training.lock", silent).__enter__()
    assert "--out" in caught.value.remedy
