"""Trainings without torch's compiler, which few ask for.

Torch's optimizers import its compiler to tell it to leave them alone: two fifths of the time that a
small training takes, and 160 MB. Where nothing is compiled, nobody needs to be told. Where a later
torch tells it in another way, these functions change nothing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.autograd.profiler import record_function

__all__ = ["step", "without_compiler"]

_MARKED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
_CACHE = "__dynamo_disable"  # where torch keeps what it calls instead of a marked function


@contextmanager
def without_compiler() -> Iterator[None]:
    """Functions that torch marks as not to be compiled stand for themselves."""
    methods = [getattr(torch.optim.Optimizer, name) for name in _MARKED]
    marked = [getattr(method, "__wrapped__", None) for method in methods]  # torch._compile
    spared = [one for one in marked if one is not None and not hasattr(one, _CACHE)]
    if _compiler_is_there():
        spared = []
    for function in spared:
        setattr(function, _CACHE, function)
    try:
        yield
    finally:
        for function in spared:
            delattr(function, _CACHE)


def step(rule: torch.optim.Optimizer) -> None:
    """``rule.step()`` of one without hooks that is not differentiated."""
    if _compiler_is_there():
        rule.step()
        return
    with torch.no_grad(), record_function(f"Optimizer.step#{type(rule).__name__}.step"):
        inspect.unwrap(type(rule).step)(rule)


def _compiler_is_there() -> bool:
    return "torch._dynamo" in sys.modules
