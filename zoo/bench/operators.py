"""Which operator holds the peak: the high-water mark of resident memory around each one.

This sees what operators allocate for themselves (the columns of a convolution by matrix product,
oneDNN's scratch pads), which torch's own profiler does not.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from zoo import memory
from zoo.bench.results import Operator

__all__ = ["peak_operator"]

_REMARKS = frozenset({"profiler"})
"""Namespaces of operators that compute nothing."""


def peak_operator(call: Callable[[], object], networks: Mapping[str, nn.Module]) -> Operator | None:
    """The operator in which resident memory is highest during a call.

    Args:
        call: Runs twice more, slowly; forward, backward and optimiser alike.
        networks: Name -> module whose parts are named; an empty name adds nothing to the path.

    Returns:
        The operator; ``None`` if the system does not tell memory, or no operator ran.
    """
    if not memory.is_known():
        return None
    with _HighestMark([]):
        call()  # the first dispatch mode of a process has torch import much of itself
    gc.collect()
    memory.trim()
    before = memory.resident()
    with _modules_followed(networks) as inside, _HighestMark(inside) as highest:
        call()
    if highest.name is None:
        return None
    return Operator(
        name=highest.name,
        shapes=highest.shapes,
        module=highest.module,
        added=max(0, highest.mark - before),
    )


class _HighestMark(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own lack
    """Remembers the operator after which the mark was highest."""

    def __init__(self, inside: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own lack
        self.inside = inside
        self.mark = -1
        self.name: str | None = None
        self.shapes: tuple[tuple[int, ...], ...] = ()
        self.module = ""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        """Run an operator between two looks at the mark."""
        memory.trim()  # what earlier operators have freed must not count
        memory.reset_high_water()
        result: object = func(*args, **(kwargs or {}))
        mark = memory.high_water()
        if mark > self.mark and func.namespace not in _REMARKS:
            self.mark = mark
            self.name = str(func).removesuffix(".default")
            leaves = pytree.tree_leaves((args, kwargs))
            self.shapes = tuple(tuple(leaf.shape) for leaf in leaves if isinstance(leaf, Tensor))
            self.module = self.inside[-1] if self.inside else ""
        return result


@contextmanager
def _modules_followed(networks: Mapping[str, nn.Module]) -> Iterator[list[str]]:
    """A list that holds, while a module runs forward, the names of it and of those around it."""
    inside: list[str] = []
    with ExitStack() as hooks:
        for network, root in networks.items():
            for path, module in root.named_modules():
                name = ".".join(part for part in (network, path) if part)
                _follow(module, name, inside, hooks)
        yield inside


def _follow(module: nn.Module, name: str, inside: list[str], hooks: ExitStack) -> None:
    def enter(*_: object) -> None:
        inside.append(name)

    def leave(*_: object) -> None:
        inside.pop()

    for handle in (
        module.register_forward_pre_hook(enter, prepend=True),
        module.register_forward_hook(leave, always_call=True),
    ):
        hooks.callback(handle.remove)
