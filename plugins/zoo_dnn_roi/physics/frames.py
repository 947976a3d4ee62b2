"""Reader of Wire-Cell frame files: archives of npy members, one per array.

The members of frame IDENT are ``frame_TAG_IDENT.npy`` (channels, ticks), with ``channels_``,
``tickinfo_`` and perhaps ``summary_TAG_IDENT.npy``, and ``chanmask_LABEL_IDENT.npy``
(WireCell/wire-cell-toolkit, sio/FrameFileSink). Nothing is unpickled or written to disk, and an
array is allocated only after its declared size agrees with that of its member.
"""

from __future__ import annotations

import bz2
import gzip
import re
import tarfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.api import DataError
from zoo_dnn_roi.physics.runs import FloatArray

__all__ = ["Frame", "TaggedTraces", "read_frames"]

_MEMBER = re.compile(r"(frame|channels|tickinfo|summary|chanmask)_(.+)_(\d+)\.npy")
_RANK = {"frame": 2, "channels": 1, "tickinfo": 1, "summary": 1, "chanmask": 2}
_MAX_MEMBERS = 4096
_BLOCK = 512  # of a tar archive, bytes

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
    path: str | Path, tags: Collection[str] | None = None, *, max_bytes: int = 1 << 32
) -> list[Frame]:
    """Read the frames of a ``.tar``, ``.tar.gz`` or ``.tar.bz2`` file.

    Args:
        path: The archive; its compression is recognised by content.
        tags: Tags to read; the arrays of others are passed over. None: all.
        max_bytes: Largest unpacked size accepted for all members together.

    Returns:
        The frames in ascending order of ``ident``.

    Raises:
        DataError: The file is missing, damaged or larger than allowed; a member is missing, or
            is not the array that its name says; or a wanted tag is absent.
    """
    path = Path(path)
    try:
        arrays = _read_members(path, tags, max_bytes)
    except FileNotFoundError:
        raise DataError("no such file", where=str(path), remedy="check the path") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"the archive is damaged, truncated or no tar archive: {error}",
            where=str(path),
            remedy="copy or download the file again and compare its size",
        ) from error
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


def _read_members(path: Path, tags: Collection[str] | None, max_bytes: int) -> dict[_Key, _Array]:
    arrays: dict[_Key, _Array] = {}
    unpacked = end = 0
    with _open(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
        for number, member in enumerate(archive):
            where = f"{path}:{member.name}"
            unpacked += member.size
            if number >= _MAX_MEMBERS or unpacked > max_bytes:
                raise DataError(
                    f"more than {_MAX_MEMBERS} members or {max_bytes} bytes unpacked",
                    where=where,
                    remedy="raise max_bytes if the file is from a source you trust",
                )
            end = member.offset_data + -(-member.size // _BLOCK) * _BLOCK
            match = _MEMBER.fullmatch(Path(member.name).name)
            if match is None or not member.isreg():
                continue
            kind, tag, ident = match[1], match[2], int(match[3])
            if tags is not None and kind != "chanmask" and tag not in tags:
                continue
            content = archive.extractfile(member)
            if content is not None:
                arrays[ident, kind, tag] = _read_array(content, member.size, _RANK[kind], where)
        # tarfile takes a file that ends between two members for a whole one.
        stream.seek(end)
        if stream.read(_BLOCK) != bytes(_BLOCK):
            raise EOFError("no end mark after the last member")
    return arrays


def _open(path: Path) -> IO[bytes]:
    """Open the archive unpacked, by the first bytes of the file."""
    with path.open("rb") as file:
        magic = file.read(3)
    if magic == b"BZh":
        return bz2.open(path, "rb")
    if magic[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _read_array(content: IO[bytes], size: int, rank: int, where: str) -> _Array:
    """Read one npy array whose header agrees with the size of its member."""
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
    data = bytearray(count * dtype.itemsize)
    _fill(memoryview(data), content, where)
    array: _Array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape, order="F" if fortran else "C")


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
