"""What the loop leaves to those who know the task and the run directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from zoo.contract.codec import Batch
from zoo.engine.distributed import World

__all__ = ["NO_ROWS", "Hooks", "Verdict"]

NO_ROWS = Batch({}, {}, np.empty(0, np.uint64))
"""What a process has of a micro-batch with fewer samples than processes."""


@dataclass(frozen=True)
class Verdict:
    """What a validation found.

    Attributes:
        value: What decides, lower is better.
        numbers: All that is remembered with the selected model.
    """

    value: float
    numbers: Mapping[str, Any]


class Hooks(Protocol):
    """What the loop leaves to those who know the task and the run directory."""

    validates: bool

    def batches(self, first: int) -> Iterator[Batch | None]:
        """Encoded shards of this rank, from micro-batch ``first`` on; ``None``: no rows."""
        ...

    def first_micro_batches(
        self, first: int, count: int, *, world: World, rows: int | None
    ) -> Sequence[Sequence[Batch]]:
        """Each of these micro-batches as this world cuts it into shards for this rank.

        Args:
            first: Number of the first.
            count: How many.
            world: May be another than that of the training.
            rows: Samples that are taken of each, over all ranks; ``None``: all.
        """
        ...

    def validate(self, step: int, seconds: float, stop: Callable[[], bool]) -> Verdict | None:
        """Judge the networks as they are; ``None`` if ``stop`` said so on the way."""
        ...

    def snapshot(self, step: int) -> None:
        """Keep the networks as they are."""
        ...

    def log(self, row: Mapping[str, Any]) -> None:
        """Append to the log of the run."""
        ...

    def sync_log(self) -> None:
        """Have what was logged on disk: a checkpoint must not outlive its lines."""
        ...

    def rewind(self, step: int, *, validated: bool) -> None:
        """Forget what was logged after this step, or at its validation if that comes again."""
        ...

    def progress(self, step: int, total: int) -> None:
        """Show how far the training is."""
        ...

    def message(self, text: str) -> None:
        """Tell the user."""
        ...

    def non_finite(self, record: Mapping[str, Any], batches: Sequence[Batch]) -> None:
        """Keep what is known of a non-finite update, and the shards of its last micro-batch."""
        ...
