"""A file under HDF5 that survives a full disk.

HDF5 cannot close a file that it cannot write: it prints errors, and the process may crash when it
ends. So the first refused write is remembered here instead, and what HDF5 writes from then on is
kept in memory, until the caller asks for the error and gives the file up.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

__all__ = ["Sink"]


class Sink(io.RawIOBase):
    """A new file for ``h5py.File(sink, "w")``.

    Args:
        path: The file; it is created or emptied.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._at = self._end = 0
        self._refused: list[tuple[int, bytes]] = []
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the error of the first write that failed.

        Raises:
            OSError: As the system told it.
        """
        if self._error is not None:
            raise self._error

    def write(self, data: memoryview) -> int:  # type: ignore[override]  # h5py passes nothing else
        """All of the data at the place of the last :meth:`seek`."""
        size, at = len(data), self._at
        try:
            self._write(data)
        except OSError as error:
            self._error = self._error or error
            self._refused.append((at, bytes(data)))
        self._at = at + size
        self._end = max(self._end, self._at)
        return size

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # likewise
        """Fill the buffer; what no disk took is there too, beyond the end is zero."""
        found = os.pread(self._descriptor, len(buffer), self._at)
        buffer[:] = found.ljust(len(buffer), b"\0")
        for start, data in self._refused:
            first, last = max(start, self._at), min(start + len(data), self._at + len(buffer))
            if first < last:
                buffer[first - self._at : last - self._at] = data[first - start : last - start]
        self._at += len(buffer)
        return len(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The next place to read or write."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Set the length; holes take no space."""
        self._end = self._at if size is None else size
        try:
            os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            self._error = self._error or error
        return self._end

    def close(self) -> None:
        """Close the file; errors of this last step count too."""
        if not self.closed:
            try:
                os.close(self._descriptor)
            except OSError as error:
                self._error = self._error or error
        super().close()

    def _write(self, data: memoryview) -> None:
        if self._error is not None:
            raise self._error
        done = 0
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], self._at + done)
