"""Commands that several processes of ``torchrun`` or ``srun`` run together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zoo.data.processes import launched

if TYPE_CHECKING:
    from zoo.data.processes import Processes

__all__ = ["joined"]


@contextmanager
def joined(device: str) -> Iterator[tuple[Processes, str]]:
    """The processes of this command, and the device of this one. One alone needs no torch."""
    alone = launched()
    if alone.size == 1:
        yield alone, device
        return
    from zoo.engine.distributed import joined as join

    with join(device) as world:
        yield world, str(world.device)
