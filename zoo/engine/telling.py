"""Who tells an error that several processes have: process 0, if it has the same.

They compare in the store by which they have met, since after an error no two of them need to be at
the same collective operation. Process 0 may keep that store, so it waits for the others a moment.
"""

from __future__ import annotations

import time
from typing import Protocol

from zoo.errors import ZooError

__all__ = ["Store", "compare", "tells_of_the_lost"]

_PATIENCE = 2.0
"""Seconds. Processes that fail together do so within less; one that fails alone loses them."""


class Store(Protocol):
    """What is used of ``torch.distributed.Store``, which torch does not export with its type."""

    def set(self, key: str, value: str) -> None:
        """Write a value."""
        ...

    def get(self, key: str) -> bytes:
        """Read a value that is there."""
        ...

    def check(self, keys: list[str]) -> bool:
        """Whether all are there."""
        ...


def compare(error: ZooError, store: Store, *, rank: int, size: int) -> None:
    """Find out whether process 0 tells an error as well, and note it in ``error.shared``.

    Args:
        error: What this process ends with.
        store: Where all of them can write.
        rank: Of this process.
        size: How many there are.
    """
    text = str(error)
    try:
        if rank == 0:
            store.set("error", text)
            _wait(store, [f"compared-{other}" for other in range(1, size)])
            return
        error.shared = _wait(store, ["error"]) and store.get("error").decode() == text
        store.set(f"compared-{rank}", "")
    except RuntimeError:  # process 0 has ended, and the store with it
        error.shared = False


def tells_of_the_lost(rank: int, local_rank: int) -> bool:
    """Whether a process says that another one has ended: it may be the first, or a machine."""
    return rank <= 1 or local_rank == 0


def _wait(store: Store, keys: list[str]) -> bool:
    """Whether they are there in time. The store's own wait would print a trace if not."""
    deadline = time.monotonic() + _PATIENCE
    while not store.check(keys):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
