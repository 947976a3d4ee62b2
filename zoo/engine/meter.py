"""How fast a training is, how long it waits for data, and how much memory it took."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from zoo.contract.codec import Batch
from zoo.engine.distributed import World

__all__ = ["Meter", "peak_memory"]

_STATUS = Path("/proc/self/status")


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
        longest, waited, memory = self._world.maximum(
            [seconds, self._waited / seconds, peak_memory(self._world.device)]
        )
        self._restart()
        return {
            "samples_per_second": samples / longest,
            "data_wait": waited,
            "peak_memory": int(memory),
        }

    def _restart(self) -> None:
        self._begun, self._waited, self._samples = self._clock(), 0.0, 0


def peak_memory(device: torch.device) -> int:
    """Largest memory of this process so far, bytes.

    On a GPU that of torch's tensors there (``torch.cuda.max_memory_allocated``), else the resident
    memory (``VmHWM``), without that of worker processes.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024  # the kernel's kB are KiB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
