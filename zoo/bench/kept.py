"""What autograd keeps for the backward pass: counted exactly, whatever the allocator does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

__all__ = ["kept_for_backward"]

T = TypeVar("T")


def kept_for_backward(call: Callable[[], T], networks: Iterable[nn.Module]) -> tuple[T, int]:
    """Run a training step once, and count.

    Args:
        call: Forward and backward.
        networks: Their parameters and buffers are there anyway and do not count.

    Returns:
        What ``call`` returns, and the most bytes of storage that were kept at one time. Tensors
        that share a storage count once.
    """
    tally = _Tally(networks)
    with saved_tensors_hooks(tally.keep, _Kept.tensor_of):
        result = call()
    return result, tally.most


class _Tally:
    """Storages that are kept now, and the most bytes so far."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        self.owned = {
            _storage(tensor)
            for network in networks
            for tensor in (*network.parameters(), *network.buffers())
        }
        self.holders: Counter[int] = Counter()
        self.now = 0
        self.most = 0

    def keep(self, tensor: Tensor) -> _Kept:
        return _Kept(tensor, self)

    def add(self, tensor: Tensor) -> None:
        storage = _storage(tensor)
        if storage in self.owned:
            return
        self.holders[storage] += 1
        if self.holders[storage] == 1:
            self.now += tensor.untyped_storage().nbytes()
            self.most = max(self.most, self.now)

    def drop(self, tensor: Tensor) -> None:
        storage = _storage(tensor)
        if storage in self.owned:
            return
        self.holders[storage] -= 1
        if self.holders[storage] == 0:
            self.now -= tensor.untyped_storage().nbytes()


class _Kept:
    """A tensor for as long as autograd keeps it."""

    def __init__(self, tensor: Tensor, tally: _Tally) -> None:
        # Detached, an output does not keep itself alive; autograd joins it to its graph again.
        self.tensor = tensor.detach()
        self.tally = tally
        tally.add(self.tensor)

    def tensor_of(self) -> Tensor:
        return self.tensor

    def __del__(self) -> None:
        self.tally.drop(self.tensor)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
