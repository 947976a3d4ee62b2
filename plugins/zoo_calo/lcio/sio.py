"""Records and blocks of SIO, the container of LCIO.

A record is ``header length, 0xabadcafe, options, data length, unpacked length, name`` and its data;
bit 0 of the options says that they are compressed with zlib. Data of a record are blocks:
``length, 0xdeadbeef, version, name`` and the payload. Lengths are told before anything is read, so
each is compared with what there is.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zoo.api import DataError
from zoo_calo.lcio.xdr import REMEDY, Cursor, Version, packed_text, padded

__all__ = ["Block", "Place", "blocks_of", "packed_block", "packed_record", "places", "read_record"]

_RECORD, _BLOCK = 0xABADCAFE, 0xDEADBEEF
_COMPRESSED = 1
_HEAD = struct.Struct(">6I")
_LONGEST_NAME = 256
_MOST_BYTES = 2**29  # of one record; an event of a full detector has some 10 MB
_RATIO = 1040  # more cannot come out of a byte that zlib packed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies.

    Attributes:
        name: Of the record.
        at: Its first byte.
        data: First byte of its data.
        size: Bytes of its data, as they are stored.
        unpacked: Bytes of its data.
        compressed: Whether they are packed.
    """

    name: str
    at: int
    data: int
    size: int
    unpacked: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A block, not decoded.

    Attributes:
        name: Of the block: of an event, the collection's.
        version: Of the LCIO that wrote it.
        payload: Its content.
        where: Names it in errors.
        first: Where the content begins in the record's data.
    """

    name: str
    version: Version
    payload: bytes
    where: str = ""
    first: int = 0

    def cursor(self) -> Cursor:
        """At its beginning."""
        return Cursor(self.payload, self.where, self.first)


def places(stream: IO[bytes], path: Path) -> Iterator[Place]:
    """All records of a file; only their headers are read.

    Raises:
        DataError: The file is truncated, or no LCIO file.
    """
    end = stream.seek(0, 2)
    at = 0
    while at < end:
        stream.seek(at)
        place = _place(stream.read(_HEAD.size + _LONGEST_NAME), at, end, path)
        yield place
        at = padded(place.data + place.size)


def _place(head: bytes, at: int, end: int, path: Path) -> Place:
    if len(head) < _HEAD.size:
        raise _damaged(f"{len(head)} bytes instead of a record", path, at)
    length, marker, options, size, unpacked, name = _HEAD.unpack_from(head)
    if marker != _RECORD:
        what = f"0x{marker:08x} instead of the mark of a record, 0xabadcafe"
        raise _damaged(what if at else f"no LCIO file: {what}", path, at)
    if name > _LONGEST_NAME or length != _HEAD.size + padded(name):
        raise _damaged(f"a header of {length} bytes with a name of {name}", path, at)
    if at + length + size > end:
        raise _damaged(f"a record of {size} bytes, and the file ends after {end}", path, at)
    compressed = bool(options & _COMPRESSED)
    most = min(_RATIO * size + 64, _MOST_BYTES) if compressed else size
    if unpacked > most or (not compressed and unpacked != size):
        raise _damaged(f"a record of {size} bytes that hold {unpacked}", path, at)
    text = head[_HEAD.size : _HEAD.size + name].decode("latin-1")
    return Place(text, at, at + length, size, unpacked, compressed)


def read_record(stream: IO[bytes], place: Place, path: Path) -> bytes:
    """Data of a record, unpacked.

    Raises:
        DataError: They are damaged, or not as long as told.
    """
    stream.seek(place.data)
    stored = stream.read(place.size)
    if not place.compressed:
        return stored
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(stored, place.unpacked + 1)
    except zlib.error as error:
        raise _damaged(f"a record that zlib refuses ({error})", path, place.at) from error
    if len(data) != place.unpacked or not unpacker.eof:
        raise _damaged(f"a record that unpacks to other than {place.unpacked}", path, place.at)
    return data


def blocks_of(data: bytes, where: str) -> Iterator[Block]:
    """Blocks of a record's data.

    Raises:
        DataError: They are damaged.
    """
    cursor = Cursor(data, where)
    while cursor.left:
        start = cursor.at
        length, marker, version = (cursor.unsigned("a block") for _ in range(3))
        if marker != _BLOCK:
            raise cursor.fault(f"0x{marker:08x} instead of the mark of a block, 0xdeadbeef")
        name = cursor.text("the name of a block")
        payload = cursor.take(length - (cursor.at - start), f"block '{name}'")
        yield Block(
            name,
            (version >> 16, version & 0xFFFF),
            bytes(payload),
            f"{where}, block '{name}'",
            cursor.at - len(payload),
        )


def packed_block(block: Block) -> bytes:
    """A block as it stands in a record."""
    name = packed_text(block.name)
    length = 12 + len(name) + len(block.payload)
    version = block.version[0] << 16 | block.version[1]
    return struct.pack(">3I", length, _BLOCK, version) + name + block.payload


def packed_record(name: str, blocks: list[Block], level: int | None = 6) -> bytes:
    """A record as it stands in a file.

    Args:
        name: Of the record.
        blocks: Its data.
        level: Of zlib; ``None``: not compressed.
    """
    data = b"".join(packed_block(block) for block in blocks)
    stored = data if level is None else zlib.compress(data, level)
    told = packed_text(name)
    head = _HEAD.pack(
        _HEAD.size - 4 + len(told),
        _RECORD,
        int(level is not None),
        len(stored),
        len(data),
        len(name),
    )
    return (head + told[4:] + stored).ljust(padded(len(head) + len(told) - 4 + len(stored)), b"\0")


def _damaged(problem: str, path: Path, at: int) -> DataError:
    return DataError(f"damaged at byte {at}: {problem}", where=str(path), remedy=REMEDY)
