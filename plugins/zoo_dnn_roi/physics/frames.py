"""Reader of Wire-Cell frame files: archives of npy members, one per array.

The members of frame IDENT are ``frame_TAG_IDENT.npy`` (channels, ticks), with ``channels_``,
``tickinfo_`` and perhaps ``summary_TAG_IDENT.npy``, and ``chanmask_LABEL_IDENT.npy``
(WireCell/wire-cell-toolkit, sio/FrameFileSink). Nothing is unpickled or written to disk, and an
array is allocated only after its declared size agrees with that of its member. Archives are tar
files, plain or compressed, and zip files (``.npz``).
"""

from __future__ import annotations

import bz2
import gzip
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_dnn_roi.physics.runs import FloatArray

__all__ = [
    "MEMBER",
    "Frame",
    "TaggedTraces",
    "frame_shapes",
    "read_frames",
    "read_members",
]

MEMBER = re.compile(r"(frame|channels|tickinfo|summary|chanmask)_(.+)_(\d+)\.npy")
"""Name of a member: kind, tag, number of the frame."""

_RANK = {"frame": 2, "channels": 1, "tickinfo": 1, "summary": 1, "chanmask": 2}
_MAX_MEMBERS = 4096
_BLOCK = 512  # of a tar archive, bytes

# An unknown compression of a zip member is a NotImplementedError.
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, NotImplementedError)

_Array = NDArray[np.generic]
_Key = tuple[int, str, str]  # ident, kind, tag


@dataclass(frozen=True, slots=True, eq=False)
class TaggedTraces:
    """The waveforms of one tag of a frame.

    Attributes:
        waveforms: float32 (channels, ticks); electrons per tick after signal processing. May be
            Fortran-ordered, as Wire-Cell writes it.
        channels: int64 (channels,), channel of each row, in no promised order.
        time_ns: Time of tick 0 of the readout, ns.
        tick_ns: Sampling period, ns.
        first_tick: Tick of the first column.
        summary: float64 (channels,), one number a channel (after signal processing the RMS used
            for its ROIs, electrons), or None.
    """

    waveforms: FloatArray
    channels: NDArray[np.int64]
    time_ns: float
    tick_ns: float
    first_tick: float
    summary: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One readout.

    Attributes:
        ident: Wire-Cell's number of the frame.
        traces: The tagged traces.
        masks: Label -> int64 (ranges, 3): channel, first masked tick, one past the last.
    """

    ident: int
    traces: Mapping[str, TaggedTraces]
    masks: Mapping[str, NDArray[np.int64]]


def read_frames(
    path: str | Path,
    tags: Collection[str] | None = None,
    *,
    idents: Collection[int] | None = None,
    max_bytes: int = 1 << 32,
) -> list[Frame]:
    """Read the frames of a ``.tar``, ``.tar.gz``, ``.tar.bz2`` or ``.npz`` file.

    Args:
        path: The archive; its compression is recognised by content.
        tags: Tags to read; the arrays of others are passed over. None: all.
        idents: Numbers of the frames to read, likewise.
        max_bytes: Largest unpacked size accepted for all members together.

    Returns:
        The frames in ascending order of ``ident``.

    Raises:
        DataError: The file is missing, damaged or larger than allowed; a member is missing, or
            is not the array that its name says; or a wanted tag is absent.
    """
    path = Path(path)

    def wanted(name: str) -> bool:
        ident, kind, tag = _key(name)
        return (idents is None or ident in idents) and (
            tags is None or kind == "chanmask" or tag in tags
        )

    arrays = {_key(name): array for name, array in read_members(path, wanted, max_bytes=max_bytes)}
    frames = [_frame(path, ident, arrays) for ident in sorted({key[0] for key in arrays})]
    found = {tag for frame in frames for tag in frame.traces}
    missing = set(tags or ()) - found
    if missing or not frames:
        raise DataError(
            f"no frame with tag {', '.join(sorted(missing))}" if missing else "no frame inside",
            where=str(path),
            remedy=f"its tags are: {', '.join(sorted(found)) or 'none'}",
        )
    return frames


def read_members(
    path: Path, wanted: Callable[[str], bool] = lambda _: True, *, max_bytes: int = 1 << 32
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Names and arrays of an archive in the order of the file, one at a time, as they are stored.

    Args:
        path: The archive.
        wanted: Chooses by name; members that are no part of a frame are passed over.
        max_bytes: Largest unpacked size accepted for all members together.

    Raises:
        DataError: As for :func:`read_frames`, or two members have one name.
    """
    with _damage(path):
        for name, size, content in _members(path, max_bytes):
            if wanted(name):
                yield name, _read_array(content, size, _RANK[_key(name)[1]], f"{path}:{name}")


def frame_shapes(path: Path, *, max_bytes: int = 1 << 32) -> dict[tuple[int, str], tuple[int, ...]]:
    """(ident, tag) -> (channels, ticks) of all frames; no array is read.

    Raises:
        DataError: As for :func:`read_frames`.
    """
    with _damage(path):
        return {
            (_key(name)[0], _key(name)[2]): _header(content, size, 2, f"{path}:{name}")[0]
            for name, size, content in _members(path, max_bytes)
            if _key(name)[1] == "frame"
        }


def _key(name: str) -> _Key:
    match = MEMBER.fullmatch(name)
    assert match is not None  # nothing else leaves _members
    return int(match[3]), match[1], match[2]


def _members(path: Path, max_bytes: int) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name without folders, size and content of the members that are part of a frame."""
    seen: set[str] = set()
    unpacked = 0
    for number, (stored, size, content) in enumerate(_archive(path)):
        unpacked += size
        if number >= _MAX_MEMBERS or unpacked > max_bytes:
            raise DataError(
                f"more than {_MAX_MEMBERS} members or {max_bytes} bytes unpacked",
                where=f"{path}:{stored}",
                remedy="raise max_bytes if the file is from a source you trust",
            )
        name = Path(stored).name
        if content is None or MEMBER.fullmatch(name) is None:
            continue
        if name in seen:
            raise _wrong("a second member of this name", f"{path}:{stored}")
        seen.add(name)
        yield name, size, content


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError("no such file", where=str(path), remedy="check the path") from None
    except _DAMAGE as error:
        raise DataError(
            f"the archive is damaged, truncated or no archive: {error}",
            where=str(path),
            remedy="copy or download the file again and compare its size",
        ) from error


def _archive(path: Path) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    """All members in order: name, size, and content where it is a plain file."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"PK":
        yield from _zipped(path)
        return
    end = 0
    with _open(path, magic) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for member in archive:
            end = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
            yield (
                member.name,
                member.size,
                archive.extractfile(member) if member.isreg() else None,
            )
        # tarfile takes a file that ends between two members for a whole one.
        stream.seek(end)
        if stream.read(_BLOCK) != bytes(_BLOCK):
            raise EOFError("no end mark after the last member")


def _zipped(path: Path) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or info.flag_bits & 1:  # a folder, or encrypted
                yield info.filename, info.file_size, None
                continue
            with archive.open(info) as content:
                yield info.filename, info.file_size, content


def _open(path: Path, magic: bytes) -> IO[bytes]:
    """Open the archive unpacked, by the first bytes of the file."""
    if magic[:3] == b"BZh":
        return bz2.open(path, "rb")
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _read_array(content: IO[bytes], size: int, rank: int, where: str) -> _Array:
    """Read one npy array whose header agrees with the size of its member."""
    shape, fortran, dtype = _header(content, size, rank, where)
    data = bytearray(size - content.tell())
    _fill(memoryview(data), content, where)
    array: _Array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _header(
    content: IO[bytes], size: int, rank: int, where: str
) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, Fortran order and type of an array that fills its member."""
    try:
        version = npy.read_magic(content)
        if version not in {(1, 0), (2, 0)}:
            raise ValueError(f"npy version {version}")
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(content)
    except ValueError as error:
        raise _wrong(f"not an npy array: {error}", where) from error
    if dtype.kind not in "iuf" or len(shape) != rank:
        raise _wrong(f"a rank-{rank} array of numbers expected, found {dtype} {shape}", where)
    count = 1
    for extent in shape:
        count *= extent
    if min(shape) < 0 or content.tell() + count * dtype.itemsize != size:
        raise _wrong(f"{dtype} {shape} does not fill a member of {size} bytes", where)
    return shape, fortran, dtype


def _fill(target: memoryview, content: IO[bytes], where: str) -> None:
    """Read in pieces straight into the array: no second copy of it is ever held."""
    done, piece = 0, 1 << 20
    while done < len(target):
        data = content.read(min(piece, len(target) - done))
        if not data:
            raise _wrong(f"ends after {done} of {len(target)} bytes", where)
        target[done : done + len(data)] = data
        done += len(data)


def _frame(path: Path, ident: int, arrays: Mapping[_Key, _Array]) -> Frame:
    tags = [tag for number, kind, tag in arrays if number == ident and kind == "frame"]
    masks = {
        tag: _mask(array, f"{path}:chanmask_{tag}_{ident}.npy")
        for (number, kind, tag), array in arrays.items()
        if number == ident and kind == "chanmask"
    }
    return Frame(ident, {tag: _traces(path, ident, tag, arrays) for tag in tags}, masks)


def _mask(array: _Array, where: str) -> NDArray[np.int64]:
    if array.shape[1] != 3:
        raise _wrong(
            f"rows of (channel, first tick, stop tick) expected, found {array.shape}", where
        )
    return array.astype(np.int64)


def _traces(path: Path, ident: int, tag: str, arrays: Mapping[_Key, _Array]) -> TaggedTraces:
    def member(kind: str, length: int) -> _Array:
        where = f"{path}:{kind}_{tag}_{ident}.npy"
        array = arrays.get((ident, kind, tag))
        if array is None:
            raise _wrong(f"missing, although frame_{tag}_{ident}.npy is there", where)
        if len(array) != length:
            raise _wrong(f"{length} values expected, found {len(array)}", where)
        return array

    waveforms = arrays[ident, "frame", tag]
    rows = len(waveforms)
    time, period, first = member("tickinfo", 3).astype(np.float64).tolist()
    channels = member("channels", rows).astype(np.int64)
    summary = None
    if (ident, "summary", tag) in arrays:
        summary = member("summary", rows).astype(np.float64)
    wide = waveforms.astype(np.float32, copy=False)
    return TaggedTraces(wide, channels, time, period, first, summary)


def _wrong(message: str, where: str) -> DataError:
    remedy = "write the file with Wire-Cell's FrameFileSink, or copy it again"
    return DataError(message, where=where, remedy=remedy)
