"""One training at a time in a run directory.

The lock is the kernel's (``flock``), which drops it when the process ends, however it ends. The
file tells who holds it, and is removed by its holder; one that a killed process left locks nothing.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import UsageError

__all__ = ["locked"]

_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_PATIENCE = 2.0  # seconds: a killed process, and what it was forking, takes a moment to be gone
_held: set[int] = set()


@contextmanager
def locked(file: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock for this process alone; forked children do not have it.

    Args:
        file: The lock, in the folder that it is for, which is made if need be.
        tell: Is told where the file system has no locks; the work then goes on without.

    Raises:
        UsageError: If another process holds it, or the folder cannot be written.
    """
    descriptor = _acquired(file, tell)
    _held.add(descriptor)
    try:
        yield
    finally:
        if descriptor in _held:  # not in a forked child
            _held.remove(descriptor)
            with suppress(OSError):
                file.unlink()
            os.close(descriptor)


def _acquired(file: Path, tell: Callable[[str], None]) -> int:
    deadline = time.monotonic() + _PATIENCE
    while True:
        descriptor = _opened(file)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() > deadline:
                raise _refusal(file) from None
            time.sleep(0.05)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                os.close(descriptor)
                raise _unwritable(file, error) from error
            tell(
                f"{file.parent}: this file system has no locks ({error.strerror}); start no "
                "second training here"
            )
            return descriptor
        else:
            if _is(descriptor, file):
                _sign(descriptor)
                return descriptor
            os.close(descriptor)  # its holder has just removed it: there may be a new one


def _opened(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise _unwritable(file, error) from error


def _is(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    """Say who it is; a full disk is told where it matters."""
    holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{holder}\n".encode())


def _refusal(file: Path) -> UsageError:
    try:
        holder = json.loads(file.read_bytes())
        who = f"process {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is about to write, or to end
        who = "that process"
    return UsageError(
        "another training is running in this directory",
        where=str(file.parent),
        remedy=f"wait for {who} to end, or choose another --out",
    )


def _unwritable(file: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot be written ({error.strerror or error})",
        where=str(file.parent),
        remedy="make it writable and run the same command again, or choose another --out",
    )


def _let_go() -> None:
    """In a forked child: a worker that outlives its parent must not keep the lock."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
