"""What the C library does with memory that is freed."""

from __future__ import annotations

import ctypes
from contextlib import suppress

__all__ = ["give_back_large_blocks"]

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of mallopt(3)
_LARGE = 256 * 2**10


def give_back_large_blocks() -> None:
    """Have freed tensors above 256 KiB go back to the system at once, from now on.

    glibc otherwise raises that limit to 32 MiB by and by, and what a process once needed for
    activations stays with it, in pieces that the next ones may not fit into. It costs the faults of
    fresh pages. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.malloc_trim(0)
