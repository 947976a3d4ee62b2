"""Files: written aside and renamed, so that a reader never sees half of one; digests."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import DataError, UsageError

__all__ = ["atomic_path", "file_digest", "sync", "write_atomically"]


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path in the target's folder, synced and renamed to it on success.

    On any error, a full disk included, the previous file stays as it was.

    Raises:
        UsageError: If the folder cannot be written, or the disk is full.
    """
    temporary = _temporary(target)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(target)
        sync(target.parent)
    except OSError as error:
        raise _refusal(target, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(target: Path, content: bytes | str) -> None:
    """Write a whole file, or leave what was there.

    Raises:
        UsageError: As for :func:`atomic_path`.
    """
    with atomic_path(target) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def file_digest(path: Path) -> str:
    """sha256 of a file as 64 hexadecimal digits.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=str(path), remedy="check the path"
        ) from error


def sync(path: Path) -> None:
    """Make durable what was written to a file; of a folder, a rename or a new file in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise _refusal(target, error) from error
    os.fchmod(descriptor, 0o644)
    os.close(descriptor)
    return Path(name)


def _refusal(target: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot be written ({error.strerror or error})",
        where=str(target),
        remedy="free space or choose another place with --out; nothing was lost",
    )
