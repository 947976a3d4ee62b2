"""Resident memory of this process and its high-water mark, from Linux's ``/proc``."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from pathlib import Path

__all__ = ["high_water", "is_known", "reset_high_water", "resident", "trim"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""proc(5): writing 5 to ``clear_refs`` resets the peak resident set size."""


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


def _field(name: str) -> int:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024  # the kernel's "kB" are KiB
    raise ValueError(f"{_STATUS} has no {name}")
