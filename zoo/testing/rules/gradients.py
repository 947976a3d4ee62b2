"""R06: every parameter is learnt."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.testing.rule import Violation
from zoo.testing.subjects import ModelSubject

__all__ = ["gradients"]


def gradients(subject: ModelSubject) -> str:
    """Train some updates, and look which parameters never had a gradient."""
    practice = subject.practice
    if practice.undriven:
        raise Violation(
            f"no optimizer drives {_few(practice.undriven)}",
            "name the network in optimizers.NAME.networks of the recipe, or freeze it",
        )
    if practice.waiting:
        raise Violation(
            f"no update of {practice.steps} is of the phase {_few(practice.waiting)}",
            "have `Learner.phase` name it, or set a shorter cycle or more training.steps in the "
            "check file",
        )
    for phase, names in practice.unreached.items():
        if names:
            raise Violation(
                f"{_few(names)} never had a gradient other than zero in the phase '{phase}' of "
                f"{practice.steps} updates"
            )
    return f"{practice.steps} updates of {', '.join(practice.phases)}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"'{name}'" for name in names[:3]) + more
