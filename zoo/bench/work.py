"""One case as a function to call: what of zoo or of a program is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.bench.case import Case
from zoo.bench.results import Kept, Operator

__all__ = ["Work", "prepare", "unknown"]


def unknown() -> None:
    """What stands for a number that nobody can tell."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one case does again and again.

    Attributes:
        call: One inference or one training step. Everything before it is done.
        inputs: Name -> shape of what it works on.
        check: What its first result must satisfy; raises.
        parameters: Counted after the measurement; ``None``: not known.
        multiply_adds: Likewise.
        operator: Finds the operator that holds the peak, likewise.
        kept: Counts what autograd keeps, likewise.
        compiles: Whether the first call compiles, so that the second tells the memory.
        warm_up: Calls before those that are timed. TorchScript optimises in its first three.
    """

    call: Callable[[], object]
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    check: Callable[[Any], None] = lambda _: None
    parameters: Callable[[], int | None] = unknown
    multiply_adds: Callable[[], int | None] = unknown
    operator: Callable[[], Operator | None] = unknown
    kept: Callable[[], Kept | None] = unknown
    compiles: bool = False
    warm_up: int = 1


def prepare(case: Case) -> Work:
    """Load what a case measures. Torch is imported only where it computes.

    Raises:
        NotAvailable: If it turns out that the case cannot be measured.
        ZooError: If an input is wrong.
    """
    if case.program:
        from zoo.bench.programs import program_work

        return program_work(case)
    if case.subject.kind == "classical":
        from zoo.bench.algorithms import classical_work

        return classical_work(case)
    from zoo.bench.inference import inference_work
    from zoo.bench.step import training_work

    return training_work(case) if case.conditions.mode == "training" else inference_work(case)
