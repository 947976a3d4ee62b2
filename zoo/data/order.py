"""The order of samples in an epoch: a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo.data.keys import combine

__all__ = ["MicroBatch", "Plan", "epoch_order"]

_BLOCKS, _ROWS = 1, 2  # tags: blocks and rows are shuffled independently


def epoch_order(
    seed: int, epoch: int, rows_per_block: Sequence[int], window: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shuffle blocks, then rows inside each window of ``window`` consecutive shuffled blocks.

    So a reader that holds ``window`` blocks reads each block once per epoch. Sorting hashed
    numbers, rather than numpy's ``permutation``, keeps the order the same for every numpy.

    Returns:
        ``(rows,)`` int64 indices of blocks and of rows within them; every row once.
    """
    sizes = np.asarray(rows_per_block, np.int64)
    shuffled = np.argsort(combine(seed, epoch, _BLOCKS, np.arange(len(sizes))), kind="stable")
    block = np.repeat(shuffled, sizes[shuffled])
    row = _ramps(sizes[shuffled])
    windows = np.repeat(np.arange(len(sizes)) // max(window, 1), sizes[shuffled])
    order = np.lexsort((combine(seed, epoch, _ROWS, block, row), windows))
    return block[order], row[order]


@dataclass(frozen=True)
class MicroBatch:
    """Rows that one process encodes and forwards together.

    Attributes:
        number: Counts from the start of the training, over all epochs.
        epoch: The epoch it belongs to.
        block, row: ``(n,)`` int64: index of the block, row within it.
    """

    number: int
    epoch: int
    block: NDArray[np.int64]
    row: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """All micro-batches of a training, addressed by number: to resume is to go on counting.

    Attributes:
        rows_per_block: Rows of each block.
        batch: Rows of a micro-batch, over all ranks together.
        seed: Of the shuffle.
        window: Blocks whose rows are shuffled together.
        shuffle: Whether epochs differ; ``False``: blocks and rows as they lie.
        drop_last: Whether an epoch's last, smaller micro-batch is left out.
        rank, world: This process takes rows ``rank::world`` of each micro-batch.
        parts: Into how many it divides what it takes: shards of a reproducible training, or pieces.
        most: Rows of a micro-batch that are taken, over all ranks; ``None``: all.
    """

    rows_per_block: tuple[int, ...]
    batch: int
    seed: int = 0
    window: int = 16
    shuffle: bool = True
    drop_last: bool = False
    rank: int = 0
    world: int = 1
    parts: int = 1
    most: int | None = None
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", sum(self.rows_per_block))

    @property
    def per_epoch(self) -> int:
        """Micro-batches in an epoch; an epoch smaller than one batch still has one."""
        full, rest = divmod(self.rows, self.batch)
        return full if full and self.drop_last else full + bool(rest)

    @property
    def smallest(self) -> int:
        """Rows of the smallest micro-batch of an epoch, over all ranks."""
        return self.rows % self.batch or min(self.batch, self.rows)

    def micro_batch(self, number: int) -> MicroBatch:
        """The micro-batch of that number; it may hold no row for a rank beyond its size.

        With several parts they are what is numbered: ``parts`` numbers for each micro-batch.
        """
        micro, part = divmod(number, self.parts)
        epoch, within = divmod(micro, self.per_epoch)
        block, row = _order(self, epoch)
        begin = within * self.batch
        end = begin + (self.batch if self.most is None else min(self.batch, self.most))
        first = begin + self.rank * self.parts + part
        mine = slice(first, end, self.world * self.parts)
        return MicroBatch(number, epoch, block[mine], row[mine])


@lru_cache(maxsize=2)  # the epoch that runs; workers ahead of it are in the next
def _order(plan: Plan, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if plan.shuffle:
        return epoch_order(plan.seed, epoch, plan.rows_per_block, plan.window)
    sizes = np.asarray(plan.rows_per_block, np.int64)
    return np.repeat(np.arange(len(sizes)), sizes), _ramps(sizes)


def _ramps(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """``0..n-1`` for each size ``n``, joined."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - sizes, sizes)
