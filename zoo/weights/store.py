"""From a digest to a file on this machine: beside the card, in a cache, or by its mirrors in turn.

Of many processes that want one file, one fetches it: each digest has a lock (by filelock, which
torch brings; the kernel drops it when the process ends, however it ends).
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import IO, Literal, TypeAlias

from zoo.errors import WeightsError
from zoo.weights.cache import Cache, Where, fault_of, unwritable
from zoo.weights.names import Digest, Mirror
from zoo.weights.transfer import SLOW, Cut, Patience, Refused, patience, transfer

__all__ = ["Held", "Progress", "Tell", "Wanted", "held", "obtain", "unpublished"]

Progress: TypeAlias = Callable[[int, int], None]
"""Is told bytes that are there, bytes in all."""
Tell: TypeAlias = Callable[[str], None]
"""Is told one sentence for people."""

_CUTS = 100  # a server that drops after each few bytes is left after so many
_BLOCK = 2**20


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file that a card names.

    Attributes:
        what: The card's id and version, and the file where there are several; for people.
        digest: What its bytes are known by.
        size: Bytes.
        mirrors: Where it may be.
        beside: The folder of the card.
        check: Raises a :class:`~zoo.errors.WeightsError` where a file's bytes are those of the
            card and are not what it says.
    """

    what: str
    digest: Digest
    size: int
    mirrors: Sequence[Mirror] = ()
    beside: Traversable | None = None
    check: Callable[[Path], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Held:
    """A file on this machine.

    Attributes:
        where: ``package``: beside its card; ``cached``, ``shared``: in a cache.
        path: The file.
    """

    where: Where | Literal["package"]
    path: Path


def held(wanted: Wanted, cache: Cache) -> Iterator[Held]:
    """Where a file lies, in the order of use; its bytes are not looked at."""
    for mirror in wanted.mirrors:
        found = _resource(wanted, mirror)
        if found is not None:
            yield Held("package", found)
    for where, path in cache.holders(wanted.digest):
        yield Held(where, path)


def obtain(
    wanted: Wanted,
    cache: Cache,
    *,
    tell: Tell,
    progress: Progress,
    limits: Patience | None = None,
) -> Held:
    """A file that is on this machine in the end, with the right bytes.

    Args:
        wanted: Which.
        cache: Where it may be, and where it goes.
        tell: Is told what is wrong with copies and mirrors that are left aside.
        progress: Of a transfer.
        limits: How long a server is waited for; ``None``: as the environment says.

    Raises:
        WeightsError: If no mirror gives it, or it is not what the card says; with the reason of
            each mirror. No file is kept then.
        UsageError: If the cache cannot be written, or the disk is full.
    """
    limits = limits or patience()
    found = _usable(wanted, cache, tell)
    if found is not None:
        return found
    with _alone(wanted, cache, tell):
        found = _usable(wanted, cache, lambda _: None)
        if found is not None:  # another process has fetched it meanwhile
            return found
        with suppress(OSError):  # what is there is damaged
            cache.place(wanted.digest).unlink(missing_ok=True)
        return _fetched(wanted, cache, limits, tell, progress)


def _usable(wanted: Wanted, cache: Cache, tell: Tell) -> Held | None:
    for candidate in held(wanted, cache):
        fault = cache.fault(candidate.path, wanted.digest, wanted.size)
        if fault:
            tell(f"{candidate.path} is damaged and not used: {fault}")
            continue
        wanted.check(candidate.path)
        return candidate
    return None


@contextmanager
def _alone(wanted: Wanted, cache: Cache, tell: Tell) -> Iterator[None]:
    """One process at a time; the others wait."""
    from filelock import FileLock, Timeout

    path = cache.lock(wanted.digest)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            tell(f"another process fetches {wanted.what}: waiting for it")
            lock.acquire()
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def _fetched(
    wanted: Wanted, cache: Cache, limits: Patience, tell: Tell, progress: Progress
) -> Held:
    """By its mirrors in turn."""
    part = cache.partial(wanted.digest)
    reasons: list[str] = []
    for mirror in wanted.mirrors:
        if mirror.url and cache.offline:
            reasons.append(f"{mirror.text}: ZOO_OFFLINE is set")
            continue
        try:
            _require_room(part, wanted.size)
            _from_mirror(mirror, wanted, part, limits, progress)
        except (Refused, Cut) as reason:
            reasons.append(f"{mirror.text}: {reason}")
            tell(f"{wanted.what} cannot be had from {mirror.text}: {reason}")
            continue
        except OSError as error:
            raise unwritable(part, error) from error
        _require_valid(wanted, part)
        return Held("cached", cache.keep(part, wanted.digest))
    raise _nowhere(wanted, cache, reasons)


def _from_mirror(
    mirror: Mirror, wanted: Wanted, part: Path, limits: Patience, progress: Progress
) -> None:
    """The whole file with the right bytes, or a reason why not.

    What another mirror or another day has left is gone on with. Should the whole be wrong then,
    it is fetched once more from its beginning.
    """
    began = _size(part)
    for there in (began, 0) if began else (0,):
        if not there:
            part.unlink(missing_ok=True)
        if mirror.url:
            _patiently(mirror.url, part, wanted.size, limits, progress)
        else:
            _copy(mirror, wanted.beside, part, wanted.size)
        fault = fault_of(part, wanted.digest, wanted.size)
        if not fault:
            return
        part.unlink(missing_ok=True)
    raise Refused(fault)


def _patiently(url: str, part: Path, size: int, limits: Patience, progress: Progress) -> None:
    """Attempts that go on where the last one was cut, as long as they bring more than drops."""
    vain = 0
    for _ in range(_CUTS):
        before, start = _size(part), time.monotonic()
        try:
            transfer(url, part, size, limits, progress)
        except Cut as cut:
            came = _size(part) - before
            fruitful = came > 0 and came >= SLOW * (time.monotonic() - start)
            vain = 0 if fruitful else vain + 1
            if vain >= limits.attempts:
                raise
            time.sleep(max(cut.wait, limits.pause * 2**vain / 2))
        else:
            return
    raise Refused(f"it was cut off {_CUTS} times")


def _copy(mirror: Mirror, beside: Traversable | None, part: Path, size: int) -> None:
    """From a disk or a package; at most what the card says, whatever is there."""
    place: Path | Traversable | None = mirror.path
    if place is None and beside is not None:
        place = beside.joinpath(*mirror.resource.split("/"))
    try:
        if place is None or not place.is_file():  # not a pipe, not a device
            raise Refused("there is no such file")
        source = place.open("rb")
    except OSError as error:
        raise Refused(f"it cannot be read ({error.strerror or error})") from error
    with source, part.open("wb") as target:
        left = size + 1
        while left and (block := _read(source, min(left, _BLOCK))):
            target.write(block)
            left -= len(block)


def _read(source: IO[bytes], count: int) -> bytes:
    """What cannot be read is the mirror's fault; what cannot be written, the cache's."""
    try:
        return source.read(count)
    except OSError as error:
        raise Refused(f"it cannot be read ({error.strerror or error})") from error


def _require_valid(wanted: Wanted, part: Path) -> None:
    """The bytes are those of the card; whether they are what it says is another matter."""
    try:
        wanted.check(part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _require_room(part: Path, size: int) -> None:
    """Fail before a long transfer and not at its end."""
    part.parent.mkdir(parents=True, exist_ok=True)
    missing = size - _size(part)
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise OSError(
            errno.ENOSPC, f"No space left on device: {missing} bytes are needed, {free} are free"
        )


def _resource(wanted: Wanted, mirror: Mirror) -> Path | None:
    """A file beside the card; ``None`` where the package is no folder of a disk."""
    if not mirror.resource or wanted.beside is None:
        return None
    found = wanted.beside.joinpath(*mirror.resource.split("/"))
    return found if isinstance(found, Path) and found.is_file() else None


def _nowhere(wanted: Wanted, cache: Cache, reasons: Sequence[str]) -> WeightsError:
    listed = "".join(f"\n- {reason}" for reason in reasons)
    if cache.offline:
        return WeightsError(
            f"it is not on this machine{':' if listed else ''}{listed}",
            where=wanted.what,
            remedy="unset ZOO_OFFLINE, or name a cache that has it in ZOO_CACHE_RO",
        )
    if not reasons:
        return WeightsError(
            "it is in no cache, and its card names no mirror",
            where=wanted.what,
            remedy="name a cache that has it in ZOO_CACHE_RO, or ask the plugin's author",
        )
    return WeightsError(
        f"no mirror gives it:{listed}",
        where=wanted.what,
        remedy="try again later, set ZOO_CACHE_RO to a cache that has it, or ask its author",
    )


def unpublished(what: str, reason: str) -> WeightsError:
    """There is no file."""
    because = f": {reason}" if reason else ""
    return WeightsError(
        f"is NOT PUBLISHED{because}",
        where=what,
        remedy="train it by the command of its card (`zoo weights info`), or name another version",
    )
