"""Arrays of an .npz file, some rows at a time, without unpickling."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["NpzArrays"]

_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip entry: lengths of its name and extra field
_WHOLE = 64 * 2**20  # bytes of an array in Fortran order that is read to get some rows
_REMEDY = "copy the file again and compare its size"


@dataclass(frozen=True, slots=True)
class _Member:
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    header: int  # bytes before its values

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class NpzArrays:
    """All arrays of a file; only their headers are read at first.

    Of a compressed array the unpacking goes on where it was: rows in their order cost as much as
    the whole array, rows before the last ones begin anew.

    Args:
        path: The file.

    Raises:
        DataError: It is missing, truncated or no .npz, or an array holds Python objects.
    """

    def __init__(self, path: Path) -> None:
        self._streams: tuple[int, dict[str, IO[bytes]]] = (os.getpid(), {})
        self.path = path
        if not path.is_file():
            raise DataError("no such file", where=str(path), remedy="check the path")
        try:
            with zipfile.ZipFile(path) as archive:
                self._members = {
                    info.filename.removesuffix(".npy"): self._member(archive, info)
                    for info in archive.infolist()
                    if info.filename.endswith(".npy")
                }
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
            raise self._damage("", error) from error

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def shape(self, name: str) -> tuple[int, ...]:
        """Of an array.

        Raises:
            DataError: There is none of that name.
        """
        return self._found(name).shape

    def read(self, name: str, first: int = 0, last: int | None = None) -> NDArray[Any]:
        """Rows ``first`` to ``last`` along the first axis; of a number, the number.

        Raises:
            DataError: There is no such array, or it is damaged.
        """
        member = self._found(name)
        rows = slice(first, last)
        if member.fortran and len(member.shape) > 1:
            if member.size > _WHOLE:
                raise DataError(
                    "a large array in Fortran order has no rows that can be read alone",
                    where=f"{self.path}:{name}",
                    remedy="write numpy.ascontiguousarray of it",
                )
            whole = self._bytes(name, member, 0, member.size)
            return np.frombuffer(whole, member.dtype).reshape(member.shape, order="F")[rows]
        if not member.shape:
            content = self._bytes(name, member, 0, member.size)
            return np.frombuffer(content, member.dtype).reshape(())
        start, stop, _ = rows.indices(member.shape[0])
        row = math.prod(member.shape[1:]) * member.dtype.itemsize
        content = self._bytes(name, member, start * row, max(stop - start, 0) * row)
        return np.frombuffer(content, member.dtype).reshape(-1, *member.shape[1:])

    def close(self) -> None:
        """Close what is open of the file; it opens again when it is read."""
        for stream in self._streams[1].values():
            stream.close()
        self._streams = (os.getpid(), {})

    def __del__(self) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_streams": (0, {})}

    def _found(self, name: str) -> _Member:
        if name not in self._members:
            raise DataError(
                "no such array",
                where=f"{self.path}:{name}",
                remedy=f"the file has {', '.join(sorted(self._members)) or 'none'}",
            )
        return self._members[name]

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
        with archive.open(info) as stream:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read(stream)
            member = _Member(info, shape, dtype, fortran, stream.tell())
        if dtype.hasobject:
            raise DataError(
                "it holds Python objects, which are never unpickled",
                where=f"{self.path}:{info.filename.removesuffix('.npy')}",
                remedy="write arrays of plain numbers with numpy.savez",
            )
        if info.file_size - member.header != member.size:
            raise ValueError(f"{info.filename} has another size than its header tells")
        return member

    def _bytes(self, name: str, member: _Member, start: int, count: int) -> bytes:
        try:
            if member.info.compress_type == zipfile.ZIP_STORED:
                content = self._stored(member, start, count)
            else:
                stream = self._unpacked(name, member)
                stream.seek(member.header + start)
                content = stream.read(count)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise self._damage(name, error) from error
        if len(content) < count:
            raise self._damage(name, f"{len(content)} of {count} bytes")
        return content

    def _stored(self, member: _Member, start: int, count: int) -> bytes:
        with self.path.open("rb") as stream:
            stream.seek(member.info.header_offset)
            name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
            stream.seek(name + extra + member.header + start, os.SEEK_CUR)
            return stream.read(count)

    def _unpacked(self, name: str, member: _Member) -> IO[bytes]:
        """Kept; one per process, since a fork must not share a file's position."""
        if self._streams[0] != os.getpid():
            self.close()
        streams = self._streams[1]
        if name not in streams:
            archive = zipfile.ZipFile(self.path)  # closed with its stream
            streams[name] = archive.open(member.info)
        return streams[name]

    def _damage(self, name: str, what: object) -> DataError:
        where = f"{self.path}:{name}" if name else str(self.path)
        return DataError(
            f"truncated, damaged or no .npz file ({what})", where=where, remedy=_REMEDY
        )
