"""Rows of an array in an .npz file, without reading the rest of it and without unpickling."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["Member", "npz_members"]

_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip entry: lengths of its name and extra field
_PIECE = 1 << 22  # bytes that are skipped at once


@dataclass(frozen=True, slots=True)
class Member:
    """An array in an .npz file.

    Attributes:
        path: The file.
        name: Of the array.
        shape: Its shape.
        dtype: Its dtype, which holds no objects.
        start: Bytes before its values in the member.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    def read(self, first: int, count: int) -> NDArray[Any]:
        """``count`` values from ``first`` on, in C order, as one axis.

        A stored member is read where they lie; a compressed one is unpacked up to there.

        Raises:
            DataError: It does not have so many, or is damaged.
        """
        size = self.dtype.itemsize
        if first + count > self.values:
            raise DataError(
                f"{self.values} values, asked for {count} from {first}",
                where=f"{self.path}:{self.name}",
                remedy=_REMEDY,
            )
        with _unpacked(self.path, self.name, self.start + first * size) as stream:
            content = stream.read(count * size)
        if len(content) < count * size:
            raise DataError(
                f"{len(content)} of {count * size} bytes",
                where=f"{self.path}:{self.name}",
                remedy=_REMEDY,
            )
        return np.frombuffer(content, self.dtype)

    @property
    def values(self) -> int:
        """How many it has."""
        return math.prod(self.shape)


_REMEDY = "copy the file again and compare its size"


def npz_members(path: Path) -> dict[str, Member]:
    """All arrays of an .npz file; only headers are read.

    Raises:
        DataError: It is no .npz, is damaged, or an array holds objects or is in Fortran order.
    """
    members = {}
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            for name in names:
                with archive.open(name) as stream:
                    member = _header(path, name, stream)
                size = archive.getinfo(name).file_size - member.start
                if size != member.values * member.dtype.itemsize:
                    raise ValueError(f"{name} has {size} bytes, its header tells another number")
                members[name.removesuffix(".npy")] = member
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"no .npz file, or a damaged one ({error})", where=str(path), remedy=_REMEDY
        ) from error
    return members


def _header(path: Path, name: str, stream: IO[bytes]) -> Member:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject or (fortran and len(shape) > 1):
        raise DataError(
            "it holds Python objects, which are never unpickled"
            if dtype.hasobject
            else "it is in Fortran order",
            where=f"{path}:{name}",
            remedy="write numpy.ascontiguousarray of plain numbers with numpy.savez",
        )
    return Member(path, name, shape, dtype, stream.tell())


@contextmanager
def _unpacked(path: Path, name: str, skip: int) -> Iterator[IO[bytes]]:
    """A member's content, past its first ``skip`` bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            if info.compress_type == zipfile.ZIP_STORED:
                with path.open("rb") as stream:
                    stream.seek(info.header_offset)
                    name_size, extra_size = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
                    stream.seek(name_size + extra_size + skip, 1)
                    yield stream
            else:
                with archive.open(info) as packed:
                    while skip > 0:
                        piece = len(packed.read(min(skip, _PIECE)))
                        skip = skip - piece if piece else 0
                    yield packed
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"damaged ({error})", where=f"{path}:{name}", remedy=_REMEDY) from error
