"""Numbers and text as LCIO writes them: big-endian, in units of four bytes, all lengths checked."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = ["REMEDY", "Cursor", "Version", "packed_text", "padded"]

Version = tuple[int, int]
"""(major, minor) of the LCIO that wrote a block."""

REMEDY = "copy the file again and compare its size; what LCIO's own tools read is read here too"


def padded(length: int) -> int:
    """The next multiple of four."""
    return (length + 3) & ~3


def packed_text(text: str) -> bytes:
    """Length and bytes of a text, with zeros up to the next unit. Every byte is one character."""
    content = text.encode("latin-1")
    return struct.pack(">I", len(content)) + content.ljust(padded(len(content)), b"\0")


class Cursor:
    """Reads one piece of bytes from its beginning to its end, never beyond.

    Args:
        content: The bytes.
        where: Names them in errors: file and block.
        first: Where they begin in the file, or in the record where that is compressed.
    """

    def __init__(self, content: bytes | memoryview, where: str, first: int = 0) -> None:
        self._content = memoryview(content)
        self._where = where
        self._first = first
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self._content) - self.at

    def take(self, size: int, what: str) -> memoryview:
        """The next bytes.

        Raises:
            DataError: There are not so many.
        """
        if not 0 <= size <= self.left:
            raise self.fault(f"{what} of {size} bytes, and {self.left} are left")
        self.at += size
        return self._content[self.at - size : self.at]

    def fault(self, problem: str) -> DataError:
        """The error for what is wrong at this place."""
        return DataError(
            f"damaged at byte {self._first + self.at}: {problem}", where=self._where, remedy=REMEDY
        )

    def count(self, smallest: int, what: str) -> int:
        """A number of things, each of which takes at least so many bytes.

        Raises:
            DataError: It is negative, or so many cannot follow.
        """
        found = self.integer(what)
        if not 0 <= found * smallest <= self.left:
            raise self.fault(f"{found} {what}, and {self.left} bytes are left")
        return found

    def integer(self, what: str = "an integer") -> int:
        """int32."""
        return int(struct.unpack(">i", self.take(4, what))[0])

    def unsigned(self, what: str = "an integer") -> int:
        """uint32."""
        return int(struct.unpack(">I", self.take(4, what))[0])

    def long(self, what: str = "an integer") -> int:
        """int64."""
        return int(struct.unpack(">q", self.take(8, what))[0])

    def array(self, dtype: str, count: int, what: str) -> NDArray[np.generic]:
        """Numbers of a big-endian numpy dtype, copied."""
        kind = np.dtype(dtype)
        return np.frombuffer(self.take(count * kind.itemsize, what), kind).copy()

    def text(self, what: str = "a text") -> str:
        """A text."""
        length = self.unsigned(what)
        return bytes(self.take(padded(length), what)[:length]).decode("latin-1")
