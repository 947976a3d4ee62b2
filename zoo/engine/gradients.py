"""Gradient sums of an update in the making: one for each shard and denominator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.engine.distributed import World
from zoo.engine.layout import laid_out

__all__ = ["NORMALISED", "GradientSums"]

NORMALISED = ""
"""The denominator of a gradient that is already divided."""

Gradient = list[Tensor | None]


class GradientSums:
    """Sums over micro-batches, kept apart by shard until the update is complete.

    Args:
        world: The processes; each holds the sums of its own shards.
        parameters: What is differentiated with respect to.
        names: Of the parameters.
    """

    def __init__(self, world: World, parameters: Sequence[Tensor], names: Sequence[str]) -> None:
        self._world, self._parameters, self._names = world, parameters, names
        # Where the order of the sums does not matter, one for all pieces of this process.
        self._each = world.parts if world.ordered else 1
        first = world.rank * self._each
        self._mine = range(first, first + self._each)
        self._sums: dict[int, dict[str, Gradient]] = {shard: {} for shard in self._mine}

    def add(self, shard: int, denominator: str, found: Sequence[Tensor | None]) -> None:
        """Add a gradient of one of this process's shards; ``None``: it does not depend on it.

        It is kept in the order of its parameter's memory: autograd may give one element many times
        over, which cannot be summed in place.
        """
        ordered = [
            None if gradient is None else laid_out(gradient, parameter)
            for gradient, parameter in zip(found, self._parameters, strict=True)
        ]
        sums = self._sums[shard if self._world.ordered else self._world.rank]
        held = sums.get(denominator)
        sums[denominator] = ordered if held is None else list(map(_plus, held, ordered))

    def total(self, counts: Mapping[str, float]) -> Gradient:
        """Sum over denominators, each divided by its count, shards and ranks.

        ``None`` where no loss term on any rank reaches a parameter.
        """
        world = self._world
        mine = [self._divided(sums, counts) for sums in self._sums.values()]
        if world.size == 1 and len(mine) == 1:
            return mine[0]
        used = self._used(mine)
        filled = [self._filled(gradients, used) for gradients in mine]
        if world.ordered:
            summed = world.sum_in_order(filled)
        else:
            summed = filled[0]
            world.sum_tensors(summed)
        found = iter(summed)
        return [next(found) if anywhere else None for anywhere in used]

    def state(self, denominators: Sequence[str]) -> dict[str, Any]:
        """The sums of all ranks, for a checkpoint; whole on rank 0, which writes it.

        Args:
            denominators: Those of this rank; rank 0 knows all.
        """
        world = self._world
        every = world.agreed(sorted(denominators), "denominators", silent=not world.main)
        shards = world.size * self._each
        sums = {
            str(shard): {name: self._sent(shard // self._each, shard, name) for name in every}
            for shard in range(shards)
        }
        return {"shards": shards, "sums": sums}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, exactly so with as many shards as before."""
        shards = self._world.size * self._each
        for shard in self._mine:
            if state["shards"] == shards:
                self._take(shard, state["sums"][str(shard)])
            elif shard == 0:
                for sums in state["sums"].values():
                    self._take(0, sums)

    def _take(self, shard: int, sums: Mapping[str, Mapping[str, Tensor]]) -> None:
        for denominator, named in sums.items():
            found = [
                named[name].to(parameter.device) if name in named else None
                for name, parameter in zip(self._names, self._parameters, strict=True)
            ]
            if named:
                self.add(shard, denominator, found)

    def _sent(self, root: int, shard: int, denominator: str) -> dict[str, Tensor]:
        """One sum, sent from the rank that has it to all."""
        empty: Gradient = [None] * len(self._parameters)
        mine = self._sums.get(shard, {}).get(denominator, empty)
        used = [flag > 0 for flag in self._world.maximum([float(g is not None) for g in mine])]
        tensors = self._filled(mine, used)
        self._world.broadcast_tensors(tensors, root)
        names = [name for name, anywhere in zip(self._names, used, strict=True) if anywhere]
        return dict(zip(names, tensors, strict=True))

    def _divided(
        self, sums: Mapping[str, Sequence[Tensor | None]], counts: Mapping[str, float]
    ) -> Gradient:
        result: Gradient = [None] * len(self._parameters)
        seen: set[int] = set()
        for denominator, gradients in sums.items():
            count = counts[denominator]
            for index, gradient in enumerate(gradients):
                if gradient is not None:
                    # Autograd may give two parameters the same tensor, which clipping in place
                    # would scale twice.
                    share = (
                        gradient if count == 1 and id(gradient) not in seen else gradient / count
                    )
                    seen.add(id(gradient))
                    result[index] = _plus(result[index], share)
        return result

    def _used(self, mine: Sequence[Gradient]) -> list[bool]:
        """Which parameters have a gradient in any shard of any rank."""
        here = [float(any(g is not None for g in column)) for column in zip(*mine, strict=True)]
        return [flag > 0 for flag in self._world.maximum(here)]

    def _filled(self, gradients: Sequence[Tensor | None], used: Sequence[bool]) -> list[Tensor]:
        """Those that are used anywhere; zero where only others have one: all send the same."""
        return [
            torch.zeros_like(parameter) if gradient is None else gradient
            for gradient, parameter, anywhere in zip(gradients, self._parameters, used, strict=True)
            if anywhere
        ]


def _plus(held: Tensor | None, more: Tensor | None) -> Tensor | None:
    if held is None or more is None:
        return more if held is None else held
    return held + more
