"""Multiply-adds of a computation: counted operator by operator, on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

__all__ = ["multiply_adds"]


def multiply_adds(call: Callable[[], object]) -> int:
    """Multiply-adds of convolutions, matrix products and attention in a call.

    Half of what the formulas of ``torch.utils.flop_counter`` give, forward and backward alike;
    normalisation, activations, sums and other element-wise work are not in it. (Its own
    ``FlopCounterMode`` hooks into modules, which breaks second derivatives.) On the device ``meta``
    nothing is computed, and the count is the same.
    """
    counter = _Counter()
    with counter:
        call()
    return counter.flops // 2


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own lack
    """Adds up the operations of every operator that torch has a formula for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own lack
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        """Run an operator and count it."""
        result: object = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += int(formula(*args, **(kwargs or {}), out_val=result))
        return result
