"""Resident memory of this process and its high-water mark, from Linux's ``/proc``."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path

__all__ = [
    "give_back_large_blocks",
    "high_water",
    "is_known",
    "reset_high_water",
    "resident",
    "trim",
]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""proc(5): writing 5 to ``clear_refs`` resets the peak resident set size."""

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of mallopt(3)
_LARGE = 256 * 2**10


def is_known() -> bool:
    """Whether this system tells and resets the mark."""
    try:
        reset_high_water()
        high_water()
    except (OSError, ValueError):
        return False
    return True


def reset_high_water() -> None:
    """Lower the mark to what is resident now.

    Raises:
        OSError: If the system does not let us.
    """
    _CLEAR.write_text(_RESET_PEAK, encoding="ascii")


def high_water() -> int:
    """Largest resident memory since the last reset, bytes.

    Raises:
        OSError, ValueError: If the system does not tell.
    """
    return _field("VmHWM")


def resident() -> int:
    """Resident memory, bytes; raises as :func:`high_water`."""
    return _field("VmRSS")


def trim() -> None:
    """Have glibc give freed memory back, so that what is resident is in use."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def give_back_large_blocks() -> None:
    """Have freed tensors above 256 KiB go back to the system at once, from now on.

    glibc otherwise raises that limit to 32 MiB by and by, and what a process once needed for
    activations stays with it, in pieces that the next ones may not fit into. It costs the faults of
    fresh pages. Other C libraries are left as they are.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
    trim()


def _field(name: str) -> int:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024  # the kernel's "kB" are KiB
    raise ValueError(f"{_STATUS} has no {name}")
