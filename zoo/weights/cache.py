"""The content-addressed cache: one file per digest, read-only, whole or not there.

::

    sha256/ab/abcd...   the files; md5/ likewise, of archives that publish nothing better
    partial/            what a transfer has so far; goes on when the command is given again
    locks/              one lock per digest: of many processes one fetches
    checked/            when a large file was last found to be whole
    data/               data sets by name, as links into the cache

What is in a cache is not believed: a file is hashed before use. Up to :data:`ALWAYS` bytes that is
done every time. A larger one is hashed in whole when it comes, and again when size, time of
change or inode are not those of that moment; ``verify`` hashes always.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from zoo.errors import UsageError, ZooError
from zoo.files import sync, write_atomically
from zoo.weights.names import Digest

__all__ = ["ALWAYS", "Cache", "Where", "fault_of", "hash_file", "this_cache", "unwritable"]

ALWAYS = 64 * 2**20
"""Bytes; a file up to here is hashed at every use, which takes at most a tenth of a second."""

Where: TypeAlias = Literal["cached", "shared"]
_BLOCK = 2**20


@dataclass(frozen=True)
class Cache:
    """A cache of our own, and others that are only read.

    Attributes:
        own: Its folder, made on first use.
        shared: Folders of the same layout that are never written to, in the order of search.
        offline: Whether the network must not be used.
    """

    own: Path
    shared: tuple[Path, ...] = ()
    offline: bool = False

    def place(self, digest: Digest) -> Path:
        """Where a file is in our own cache, whether it is there or not."""
        return _place(self.own, digest)

    def partial(self, digest: Digest) -> Path:
        """What has come of it."""
        return self.own / "partial" / f"{digest.algorithm}-{digest.text}"

    def lock(self, digest: Digest) -> Path:
        """Who fetches it holds this lock."""
        return self.own / "locks" / f"{digest.algorithm}-{digest.text}"

    def data(self, id_: str, version: str) -> Path:
        """The folder in which a data set has names."""
        return self.own.joinpath("data", *id_.split("/"), version)

    def holders(self, digest: Digest) -> Iterator[tuple[Where, Path]]:
        """Where a file of this digest lies, our own cache first; not checked."""
        if _is_file(self.place(digest)):
            yield "cached", self.place(digest)
        for folder in self.shared:
            if _is_file(_place(folder, digest)):
                yield "shared", _place(folder, digest)

    def fault(self, path: Path, digest: Digest, size: int, *, always: bool = False) -> str:
        """What is wrong with a file's bytes; empty: nothing.

        Args:
            path: The file.
            digest: What it must be.
            size: Bytes it must have.
            always: Hash a large file too, whenever that was done before.
        """
        if size <= ALWAYS:
            return fault_of(path, digest, size)
        note = self.own / "checked" / f"{digest.algorithm}-{digest.text}.json"
        if not always and _read(note).get(str(path)) == _stamp(path):
            return ""
        fault = fault_of(path, digest, size)
        seen = _read(note)
        seen.pop(str(path), None)
        with suppress(ZooError):  # a cache that cannot be written is hashed every time
            stamp = {} if fault else {str(path): _stamp(path)}
            write_atomically(note, json.dumps(seen | stamp))
        return fault

    def keep(self, partial: Path, digest: Digest) -> Path:
        """Move a whole file to its place, for good.

        Raises:
            UsageError: If the cache cannot be written.
        """
        place = self.place(digest)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            sync(partial)
            partial.chmod(0o444)
            partial.replace(place)
            sync(place.parent)
        except OSError as error:
            raise unwritable(place, error) from error
        return place


def this_cache(environ: Mapping[str, str] = os.environ) -> Cache:
    """The cache that the environment names.

    ``ZOO_CACHE`` is our own folder (default: that of the platform, e.g. ``~/.cache/zoo``),
    ``ZOO_CACHE_RO`` folders parted by ``:`` that are only read, ``ZOO_OFFLINE=1`` forbids the
    network.

    Raises:
        UsageError: If ``ZOO_CACHE_RO`` holds a relative path.
    """
    shared = [Path(text) for text in environ.get("ZOO_CACHE_RO", "").split(os.pathsep) if text]
    for folder in shared:
        if not folder.is_absolute():
            raise UsageError(
                "a shared cache is named by its whole path",
                where=f"ZOO_CACHE_RO={folder}",
                remedy="write /cvmfs/... or the like",
            )
    offline = environ.get("ZOO_OFFLINE", "") not in ("", "0")
    return Cache(_own(environ).absolute(), tuple(shared), offline)


def hash_file(path: Path, algorithm: str) -> str:
    """The digest of a file's bytes; only regular files are opened.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as stream:
        total = hashlib.new(algorithm, usedforsecurity=False)
        while block := stream.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def fault_of(path: Path, digest: Digest, size: int) -> str:
    """What is wrong with a file's bytes; empty: nothing."""
    try:
        found = path.stat().st_size
        if found != size:
            return f"it has {found} bytes instead of {size}"
        told = hash_file(path, digest.algorithm)
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    if told != digest.text:
        return f"its {digest.algorithm} is {told[:12]}... instead of {digest.text[:12]}..."
    return ""


def unwritable(path: Path, error: OSError) -> UsageError:
    """The cache cannot be written."""
    return UsageError(
        f"cannot be written ({error.strerror or error})",
        where=str(path),
        remedy="free space, or set ZOO_CACHE to another folder; nothing half-written is used",
    )


def _own(environ: Mapping[str, str]) -> Path:
    if environ.get("ZOO_CACHE"):
        return Path(environ["ZOO_CACHE"])
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "zoo"
    base = Path("Library", "Caches") if sys.platform == "darwin" else Path(".cache")
    return Path.home() / base / "zoo"


def _place(folder: Path, digest: Digest) -> Path:
    return folder / digest.algorithm / digest.text[:2] / digest.text


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a shared cache may be gone, or closed to us
        return False


def _stamp(path: Path) -> list[int]:
    """What changes when anybody writes to a file; the time of change cannot be set by hand."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read(note: Path) -> dict[str, Any]:
    try:
        content = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
