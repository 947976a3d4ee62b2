"""Time and memory of stages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["StageMeter", "added"]

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): the peak resident set size begins anew


class StageMeter:
    """Adds up time and keeps the largest resident memory of each stage.

    Memory is that of the whole process while a stage works, 0 where the system does not tell it.
    """

    def __init__(self) -> None:
        self.told: dict[str, dict[str, float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage, for the time of a ``with``."""
        with suppress(OSError):
            _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        began, worked = time.perf_counter(), time.process_time()
        yield
        mine = {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - worked,
            "peak_mib": _peak_mib(),
        }
        self.told = added([self.told, {name: mine}])


def added(several: list[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Of the same stages in several parts: times summed, the largest memory."""
    found: dict[str, dict[str, float]] = {}
    for told in several:
        for name, one in told.items():
            into = found.setdefault(name, dict.fromkeys(one, 0.0))
            for key, value in one.items():
                into[key] = max(into[key], value) if key == "peak_mib" else into[key] + value
    return found


def _peak_mib() -> float:
    lines: list[Any] = []
    with suppress(OSError):
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
