"""Batches on their way to a GPU: copied while it computes the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.contract.codec import Batch
from zoo.engine.tensors import to_tensors

__all__ = ["Transfer"]


@dataclass(frozen=True)
class _Begun:
    """A copy that was begun: of what, to what, and what tells that it is done."""

    batch: Batch
    moved: Batch
    tensors: list[Tensor]
    done: torch.cuda.Event


class Transfer:
    """Moves encoded batches to the device.

    To a GPU the copy of a batch begins one batch before it is needed, from pinned memory and on a
    stream of its own, so that neither computation nor reading waits for it. On a CPU there is
    nothing to copy: tensors share the memory of the arrays.

    Args:
        device: Where to.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = _stream(device) if device.type == "cuda" else None
        self._begun: dict[int, _Begun] = {}

    def ahead(self, batches: Iterator[Batch | None]) -> Iterator[Batch | None]:
        """The same batches in the same order; on a GPU the next is asked for before it is due."""
        if self._stream is None:
            yield from batches
            return
        waiting: deque[Batch | None] = deque()
        for batch in batches:
            if batch is not None:
                self._begin(batch, self._stream)
            waiting.append(batch)
            if len(waiting) > 1:
                yield waiting.popleft()
        yield from waiting

    def take(self, batch: Batch) -> Batch:
        """The batch as tensors on the device, see :func:`to_tensors`."""
        begun = self._begun.pop(id(batch), None)
        if begun is None:
            return to_tensors(batch, self._device)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_event(begun.done)
        for tensor in begun.tensors:
            tensor.record_stream(computing)  # or its memory could be given to the next copy
        return begun.moved

    def _begin(self, batch: Batch, stream: torch.cuda.Stream) -> None:
        tensors: list[Tensor] = []

        def move(tensor: Tensor) -> Tensor:
            tensors.append(tensor.pin_memory().to(self._device, non_blocking=True))
            return tensors[-1]

        with torch.cuda.stream(stream):
            moved = to_tensors(batch, self._device, move)
            self._begun[id(batch)] = _Begun(batch, moved, tensors, stream.record_event())


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own lack
