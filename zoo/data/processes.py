"""Who shares a piece of work: this process alone, or those that were launched together.

Without torch, which only several processes need to find one another (``zoo.engine.distributed``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from zoo.errors import UsageError

__all__ = ["ALONE", "Launched", "Processes", "launched"]


class Processes(Protocol):
    """Processes that divide a piece of work."""

    @property
    def rank(self) -> int:
        """Number of this one."""
        ...

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    @property
    def main(self) -> bool:
        """Whether this one writes and prints."""
        ...

    def gather(self, content: bytes) -> list[bytes]:
        """What every process has, in their order."""
        ...


@dataclass(frozen=True)
class Launched:
    """What the launcher told this process.

    Attributes:
        rank: Number of this process.
        size: How many there are.
        local_rank: Its number on its machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def main(self) -> bool:
        """Whether this one writes and prints."""
        return self.rank == 0

    def gather(self, content: bytes) -> list[bytes]:
        """Of a single process its own."""
        assert self.size == 1, "several processes have a process group"
        return [content]


ALONE = Launched()
"""One process."""


def launched(environ: Mapping[str, str] = os.environ) -> Launched:
    """Rank and size from ``torchrun`` (RANK, WORLD_SIZE) or ``srun`` (SLURM_PROCID, ...).

    Raises:
        UsageError: If the variables contradict one another.
    """
    if "WORLD_SIZE" in environ:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    elif int(environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:  # set by srun alone, not by sbatch
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID")
    else:
        return ALONE
    rank, size, local = (int(environ.get(name, "0")) for name in names)
    if not 0 <= rank < size:
        raise UsageError(
            f"{names[0]} is {rank}, {names[1]} is {size}", remedy="start with torchrun or srun"
        )
    return Launched(rank, size, local)
