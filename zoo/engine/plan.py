"""Which micro-batches make each update: a pure function of the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zoo.config.run import TrainingConfig

__all__ = ["Updates"]


@dataclass(frozen=True)
class Updates:
    """Groups the micro-batches of a training into updates; an update never spans two epochs.

    Attributes:
        micro_per_epoch: Micro-batches of one pass over the training split, at least one.
        accumulate: Micro-batches of an update, or all of an epoch.
    """

    micro_per_epoch: int
    accumulate: int | Literal["epoch"] = 1

    @property
    def _per_update(self) -> int:
        return self.micro_per_epoch if self.accumulate == "epoch" else self.accumulate

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass; the last may have fewer micro-batches."""
        return -(-self.micro_per_epoch // self._per_update)

    def steps(self, training: TrainingConfig) -> int:
        """Updates of the whole training."""
        if training.steps is not None:
            return training.steps
        return (training.epochs or 0) * self.steps_per_epoch

    def epoch(self, step: int) -> int:
        """Passes completed before update ``step``."""
        return step // self.steps_per_epoch

    def first(self, step: int) -> int:
        """Number of the first micro-batch of update ``step``, counted over all epochs."""
        epoch, within = divmod(step, self.steps_per_epoch)
        return epoch * self.micro_per_epoch + within * self._per_update

    def micro_count(self, step: int) -> int:
        """Micro-batches of update ``step``."""
        return self.first(step + 1) - self.first(step)
