"""Running statistics of the networks where a micro-batch is cut into shards.

A normalisation updates its buffers in every forward pass. They must not depend on which process
did the last one, nor on how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from zoo.engine.distributed import World

__all__ = ["RunningStatistics"]


class RunningStatistics:
    """Context manager around one micro-batch; afterwards all ranks have equal buffers.

    Usually those of rank 0, as in ``DistributedDataParallel``. In a reproducible training each
    shard starts with the same buffers, and what they become is averaged over the shards that had
    samples (integers, which count, are those of the first of them).
    """

    def __init__(self, networks: Mapping[str, nn.Module], world: World) -> None:
        self._world = world
        self._buffers = (
            [buffer for net in networks.values() for buffer in net.buffers()]
            if world.size > 1 or world.ordered
            else []
        )
        self._before: list[Tensor] = []
        self._after: list[list[Tensor]] = []
        self._filled: list[float] = []

    def __enter__(self) -> Self:
        if self._buffers and self._world.ordered:
            self._before = _copies(self._buffers)
        return self

    @contextmanager
    def of_shard(self, *, rows: int) -> Iterator[None]:
        """Around the forward pass of one shard of this process, which has so many samples."""
        yield
        if self._before:
            self._after.append(_copies(self._buffers))
            self._filled.append(float(rows > 0))
            _copy(self._before, self._buffers)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None or not self._buffers:
            return
        if self._world.ordered:
            self._average()
        else:
            self._world.broadcast_tensors(self._buffers)

    @torch.no_grad()
    def _average(self) -> None:
        changed = [
            float(any(not torch.equal(before, shard[i]) for shard in self._after))
            for i, before in enumerate(self._before)
        ]
        flags = self._world.maximum(changed)
        chosen = [i for i, flag in enumerate(flags) if flag]
        if not chosen:
            return
        factors = self._factors()
        shards = [
            [_times(shard[i], share, first) for i in chosen]
            for shard, (share, first) in zip(self._after, factors, strict=True)
        ]
        _copy(self._world.sum_in_order(shards), [self._buffers[i] for i in chosen])

    def _factors(self) -> list[tuple[float, bool]]:
        """Of each shard here: its share of the mean, and whether it is the first with samples."""
        world = self._world
        here = dict(zip(world.mine, self._filled, strict=True))
        row = [here.get(shard, 0.0) for shard in range(world.size * world.parts)]
        filled = world.sum(row)
        first = filled.index(1.0)
        return [(here[shard] / sum(filled), shard == first) for shard in world.mine]


def _times(value: Tensor, share: float, first: bool) -> Tensor:
    if value.is_floating_point():
        return value * share
    return value if first else torch.zeros_like(value)


def _copies(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def _copy(values: list[Tensor], targets: list[Tensor]) -> None:
    for value, target in zip(values, targets, strict=True):
        target.copy_(value)
