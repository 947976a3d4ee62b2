"""Learning rates as pure functions of an optimizer's own update count."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from zoo.config.run import ScheduleConfig

__all__ = ["Plateau", "Progress", "schedule_factor"]


@dataclass(frozen=True)
class Progress:
    """Where one optimizer stands.

    Attributes:
        update: Its updates so far.
        total: Its updates in the whole training.
        epoch: Passes completed over the training split.
        per_epoch: Its updates in one pass.
    """

    update: int
    total: int
    epoch: int
    per_epoch: float


def schedule_factor(schedule: ScheduleConfig, at: Progress) -> float:
    """What the learning rate is multiplied with in the update to come.

    After the warm-up, with ``n`` updates (or epochs) since its end and ``p`` the fraction of the
    remaining updates that is done: ``linear`` 1 - (1 - final) p; ``cosine`` final + (1 - final)
    (1 + cos(pi p)) / 2 (Loshchilov & Hutter, arXiv:1608.03983, eq. 5); ``step`` factor^floor(n /
    every); ``exponential`` factor^n. ``plateau`` is :class:`Plateau`.
    """
    in_epochs = schedule.unit == "epoch"
    warmup = schedule.warmup * (at.per_epoch if in_epochs else 1)
    if at.update < warmup:
        return min(1.0, (at.update + 1) / warmup)
    since = at.epoch - schedule.warmup if in_epochs else at.update - schedule.warmup
    done = min(1.0, (at.update - warmup) / max(1.0, at.total - warmup))
    match schedule.kind:
        case "linear":
            return 1 - (1 - schedule.final) * done
        case "cosine":
            return schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * done)) / 2
        case "step":
            return float(schedule.factor ** (since // schedule.every))
        case "exponential":
            return float(schedule.factor**since)
        case "constant" | "plateau":
            return 1.0


@dataclass
class Plateau:
    """Drops the rate when the validation has not improved ``patience`` times in a row."""

    factor: float = 1.0
    best: float | None = None
    waited: int = 0

    def observe(self, value: float, schedule: ScheduleConfig) -> None:
        """Take one validation value, lower is better; does nothing for other kinds."""
        if schedule.kind != "plateau":
            return
        if self.best is None or value < self.best:
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited > schedule.patience:
            self.factor, self.waited = self.factor * schedule.factor, 0

    def state(self) -> dict[str, float | int | None]:
        """JSON for a checkpoint; ``Plateau(**state)`` restores it."""
        return asdict(self)
