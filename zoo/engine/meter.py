"""How fast a training is, how long it waits for data, and how much memory it took."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch

from zoo import memory
from zoo.contract.codec import Batch
from zoo.engine.distributed import World

__all__ = ["Meter", "memory_now", "peak_memory", "peak_since", "reset_peak"]

_earlier = 0
"""The largest peak before the last reset, bytes."""


class Meter:
    """Measures one window after the other; a window ends when it is read.

    Args:
        world: The processes that train together.
        clock: Seconds, from any origin.
    """

    def __init__(self, world: World, clock: Callable[[], float] = time.monotonic) -> None:
        self._world, self._clock = world, clock
        self._restart()

    def watched(self, batches: Iterator[Batch | None]) -> Iterator[Batch | None]:
        """The same batches; whoever takes one is seen to wait for it."""
        self._restart()
        while True:
            asked = self._clock()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self._waited += self._clock() - asked
            self._samples += 0 if batch is None else len(batch.ids)
            yield batch

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens meanwhile, a validation say, takes none of the window's time."""
        stopped = self._clock()
        try:
            yield
        finally:
            self._begun += self._clock() - stopped

    def read(self) -> dict[str, float]:
        """End the window; all ranks do so together, and get the same.

        Returns:
            ``samples_per_second`` of all ranks; ``data_wait``, the share of the window's time that
            the rank which waited longest spent waiting for batches; ``peak_memory``, bytes of the
            largest process since it started.
        """
        seconds = max(self._clock() - self._begun, 1e-9)
        samples = self._world.sum([self._samples])[0]
        longest, waited, largest = self._world.maximum(
            [seconds, self._waited / seconds, peak_memory(self._world.device)]
        )
        self._restart()
        return {
            "samples_per_second": samples / longest,
            "data_wait": waited,
            "peak_memory": int(largest),
        }

    def _restart(self) -> None:
        self._begun, self._waited, self._samples = self._clock(), 0.0, 0


def peak_memory(device: torch.device) -> int:
    """Largest memory of this process so far, bytes.

    On a GPU that of torch's tensors there (``torch.cuda.max_memory_allocated``), else the resident
    memory (``VmHWM``), without that of worker processes.
    """
    return max(_earlier, peak_since(device))


def reset_peak(device: torch.device) -> None:
    """Let :func:`peak_since` begin anew; where the system cannot, it goes on from before."""
    global _earlier  # noqa: PLW0603  # one per process, as what it measures
    _earlier = peak_memory(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            memory.reset_high_water()


def peak_since(device: torch.device) -> int:
    """As :func:`peak_memory`, since the last :func:`reset_peak`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        return memory.high_water()
    except (OSError, ValueError):  # no Linux
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def memory_now(device: torch.device) -> int:
    """Memory of this process now, bytes; where the system does not tell, its peak."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    try:
        return memory.resident()
    except (OSError, ValueError):
        return peak_since(device)
