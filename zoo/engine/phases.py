"""Which optimizer each update drives, as the learner says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from zoo.contract.learning import LearnerProtocol
from zoo.errors import ConfigError, suggestion

__all__ = ["count_phases", "require_phase"]


def count_phases(
    learner: LearnerProtocol, total: int, optimizers: Mapping[str, Any]
) -> Counter[str]:
    """Updates of each phase in a whole training, which schedules need before it begins.

    Exact where the phase is a function of the step; where it depends on the learner's buffers
    too, what their first values give.

    Raises:
        ConfigError: If a phase has no optimizer.
    """
    if len(optimizers) == 1:
        only = next(iter(optimizers))
        require_phase(learner.phase(0), optimizers)
        return Counter({only: total})
    counts = Counter(learner.phase(step) for step in range(total))
    for phase in counts:
        require_phase(phase, optimizers)
    return counts


def require_phase(phase: str, optimizers: Mapping[str, Any]) -> None:
    """Check that a phase has an optimizer.

    Raises:
        ConfigError: If it has none.
    """
    if phase not in optimizers:
        raise ConfigError(
            f"the learner's phase '{phase}' has no optimizer",
            where="optimizers",
            remedy=f"set optimizers.{phase}; {suggestion(phase, optimizers)}",
        )
