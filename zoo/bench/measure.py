"""One process's measurement of one case."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, Protocol

from zoo import memory
from zoo.bench.results import Measured
from zoo.bench.work import Work

__all__ = ["measure"]


def measure(work: Work, repeats: int, *, inspect: bool = True, device: str = "cpu") -> Measured:
    """Time and memory of a prepared call.

    The first call tells the memory; if it compiles, the second. After all that warm up,
    ``repeats`` calls are timed. Looking at operators, which slows a call down, comes last.

    Args:
        work: What to call.
        repeats: Timed calls.
        inspect: Whether to find the operator that holds the peak, and count multiply-adds.
        device: ``cpu``, or a CUDA device, whose own memory is told.
    """
    meter: Meter = _Cuda(device) if device.startswith("cuda") else _Host()
    if work.compiles:
        work.call()
    gc.collect()
    meter.begin()
    start = time.perf_counter()
    result = work.call()
    meter.wait()
    first = time.perf_counter() - start
    added, peak = meter.end()
    work.check(result)
    del result
    for _ in range(work.warm_up - 1):
        work.call()
    wall, cpu = _timed(work.call, meter.wait, repeats)
    return Measured(
        wall=wall,
        cpu=cpu,
        first=first,
        added=added,
        peak=peak,
        inputs=work.inputs,
        operator=work.operator() if inspect else None,
        multiply_adds=work.multiply_adds() if inspect else None,
        parameters=work.parameters(),
        kept=work.kept() if inspect else None,
    )


def _timed(
    call: Callable[[], object], wait: Callable[[], None], repeats: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    wall, cpu = [], []
    for _ in range(repeats):
        started, worked = time.perf_counter(), time.process_time()
        call()
        wait()
        cpu.append(time.process_time() - worked)
        wall.append(time.perf_counter() - started)
    return tuple(wall), tuple(cpu)


class Meter(Protocol):
    """Memory of one call."""

    def begin(self) -> None:
        """Just before the call."""
        ...

    def wait(self) -> None:
        """Until the call's work is done."""
        ...

    def end(self) -> tuple[int | None, int | None]:
        """Peak above the memory at the beginning, and peak, bytes; ``None``: not known."""
        ...


class _Host:
    """Resident memory of the process."""

    def __init__(self) -> None:
        self.known = memory.is_known()
        self.before = 0

    def begin(self) -> None:
        memory.trim()
        if self.known:
            memory.reset_high_water()
            self.before = memory.resident()

    def end(self) -> tuple[int | None, int | None]:
        if not self.known:
            return None, None
        peak = memory.high_water()
        return max(0, peak - self.before), peak

    def wait(self) -> None:
        """A call on the CPU returns when it is done."""


class _Cuda:
    """Memory that torch's allocator holds on a device."""

    def __init__(self, device: str) -> None:
        import torch

        self.cuda: Any = torch.cuda
        self.device = torch.device(device)
        self.before = 0

    def begin(self) -> None:
        self.cuda.synchronize(self.device)
        self.cuda.reset_peak_memory_stats(self.device)
        self.before = self.cuda.memory_allocated(self.device)

    def end(self) -> tuple[int | None, int | None]:
        peak = int(self.cuda.max_memory_allocated(self.device))
        return peak - self.before, peak

    def wait(self) -> None:
        self.cuda.synchronize(self.device)
