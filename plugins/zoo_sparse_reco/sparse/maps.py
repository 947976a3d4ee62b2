"""Kernel maps: which voxels a convolution connects, made once per batch and used by all layers.

Each map has two forms. The *pairs* of rows that each offset of the kernel connects are found on
first use and kept: CPUs use them. The *table* has a row per output voxel and a column per offset:
exported graphs use it, for it needs no list of unknown length, and GPUs, for every output is then
written once, by one thread, in a fixed order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["DownMap", "KernelMap", "LevelMaps", "NeighbourMap", "Pairs", "UpMap", "level_maps"]

_ROWS_AT_ONCE = 8192
"""Voxels whose pairs of all offsets come one after another: their features fit into a cache."""

_BITS = 62
"""Offsets that one int64 has room for."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows of input and output voxels that each offset connects.

    Attributes:
        steps: (offset, (P,) input rows, (P,) output rows) int64, the pairs of some voxels offset by
            offset, then those of more voxels; no output row is twice in one of them.
        outputs: How many output voxels there are.
        centre: Offset that connects every voxel with itself and is not among the steps; -1: none.
    """

    steps: tuple[tuple[int, Tensor, Tensor], ...]
    outputs: int
    centre: int = -1


class KernelMap(ABC):
    """What a convolution connects. Rows are int32, -1: none.

    Attributes:
        triton: Whether GPUs may use the Triton kernel, where there is one.
    """

    triton: bool = True

    @cached_property
    def order(self) -> Tensor:
        """(outputs,) rows in the order that the Triton kernel takes them."""
        return _by_offsets(self.table)

    @cached_property
    def reverse_order(self) -> Tensor:
        """(inputs,) rows in the order that it takes them for gradients."""
        return _by_offsets(self.reverse)

    @property
    @abstractmethod
    def table(self) -> Tensor:
        """(outputs, offsets): row of the input voxel at each offset from an output voxel."""

    @property
    @abstractmethod
    def reverse(self) -> Tensor:
        """(inputs, offsets): row of the output voxel that takes an input voxel at each offset."""

    @property
    @abstractmethod
    def pairs(self) -> Pairs:
        """The same as lists."""


class NeighbourMap(KernelMap):
    """Of a submanifold convolution.

    Args:
        table: (N, offsets).
        triton: See :class:`KernelMap`.
    """

    def __init__(self, table: Tensor, *, triton: bool = True) -> None:
        self._table, self.triton = table, triton

    @property
    def table(self) -> Tensor:
        """(outputs, offsets) rows of inputs."""
        return self._table

    @cached_property
    def reverse(self) -> Tensor:
        """(inputs, offsets) rows of outputs."""
        return self._table.flip(1)

    @property
    def reverse_order(self) -> Tensor:
        """Rows that have equal offsets have equal opposite ones."""
        return self.order

    @cached_property
    def pairs(self) -> Pairs:
        """The same as lists; made on first use."""
        count, offsets = self._table.shape
        middle = offsets // 2
        steps: list[tuple[int, Tensor, Tensor]] = []
        for first in range(0, count, _ROWS_AT_ONCE):
            # Opposite offsets connect the same pairs the other way round.
            half = self._table[first : first + _ROWS_AT_ONCE, :middle].t().contiguous()
            there = half >= 0
            flat = there.view(-1).nonzero().squeeze(1)
            others = half.view(-1).index_select(0, flat).long()
            rows = flat % half.shape[1] + first
            for offset, here, other in _cut(there.sum(1).tolist(), rows, others):
                steps.append((offset, other, here))
                steps.append((offsets - 1 - offset, here, other))
        return Pairs(tuple(steps), count, centre=middle)


class DownMap(KernelMap):
    """Of a strided convolution, from a level to the next coarser one.

    Args:
        children: (M, slots).
        parent: (N,).
        slot: (N,).
        triton: See :class:`KernelMap`.
    """

    def __init__(
        self, children: Tensor, parent: Tensor, slot: Tensor, *, triton: bool = True
    ) -> None:
        self.children, self.parent, self.slot, self.triton = children, parent, slot, triton

    @property
    def table(self) -> Tensor:
        """(outputs, offsets) rows of inputs."""
        return self.children

    @cached_property
    def reverse(self) -> Tensor:
        """(inputs, offsets) rows of outputs."""
        slots = torch.arange(self.children.shape[1], dtype=torch.int32, device=self.slot.device)
        return torch.where(self.slot[:, None] == slots, self.parent[:, None], -1)

    @cached_property
    def pairs(self) -> Pairs:
        """The same as lists; made on first use."""
        slots = self.children.shape[1]
        steps: list[tuple[int, Tensor, Tensor]] = []
        for first in range(0, len(self.slot), _ROWS_AT_ONCE):
            slot = self.slot[first : first + _ROWS_AT_ONCE]
            order = torch.argsort(slot, stable=True) + first
            lengths = torch.bincount(slot, minlength=slots).tolist()
            steps += _cut(lengths, order, self.parent.index_select(0, order).long())
        return Pairs(tuple(steps), self.children.shape[0])


class UpMap(KernelMap):
    """Of a transposed convolution: a strided one the other way round."""

    def __init__(self, down: DownMap) -> None:
        self.down, self.triton = down, down.triton

    @property
    def table(self) -> Tensor:
        """(outputs, offsets) rows of inputs."""
        return self.down.reverse

    @property
    def reverse(self) -> Tensor:
        """(inputs, offsets) rows of outputs."""
        return self.down.children

    @property
    def order(self) -> Tensor:
        """(outputs,) as the strided one has it for gradients."""
        return self.down.reverse_order

    @property
    def reverse_order(self) -> Tensor:
        """(inputs,) as the strided one has it."""
        return self.down.order

    @cached_property
    def pairs(self) -> Pairs:
        """The same as lists; made on first use."""
        steps = tuple((slot, coarse, fine) for slot, fine, coarse in self.down.pairs.steps)
        return Pairs(steps, self.down.parent.shape[0])


@dataclass(frozen=True, eq=False)
class LevelMaps:
    """Maps of one level.

    Attributes:
        neighbours: Of submanifold convolutions on it.
        down: From it to the next coarser level; of the coarsest ``None``.
        up: From that to it.
    """

    neighbours: NeighbourMap
    down: DownMap | None = None
    up: UpMap | None = None


def level_maps(tables: Mapping[str, Tensor], *, triton: bool = True) -> tuple[LevelMaps, ...]:
    """Maps of all levels, the finest first.

    Make them once per forward pass and hand them to all layers: what they find is kept in them.

    Args:
        tables: What :func:`zoo_sparse_reco.sparse.tables.flatten_levels` made, as tensors, perhaps
            among other inputs.
        triton: Whether GPUs may use the Triton kernel, where there is one.
    """
    levels: list[LevelMaps] = []
    while f"neighbours_{len(levels)}" in tables:
        index = len(levels)
        neighbours = NeighbourMap(tables[f"neighbours_{index}"], triton=triton)
        if f"parent_{index}" not in tables:
            levels.append(LevelMaps(neighbours))
            break
        down = DownMap(
            tables[f"children_{index + 1}"],
            tables[f"parent_{index}"],
            tables[f"slot_{index}"],
            triton=triton,
        )
        levels.append(LevelMaps(neighbours, down, UpMap(down)))
    return tuple(levels)


def _by_offsets(table: Tensor) -> Tensor:
    """An order (outputs,) int32 of the rows in which those with equal offsets are neighbours."""
    some = table[:, :_BITS] >= 0
    bits = 2 ** torch.arange(some.shape[1], device=table.device)
    return torch.argsort((some * bits).sum(1), stable=True).int()


def _cut(lengths: list[int], one: Tensor, other: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Both tensors cut by offset, without those that connect nothing."""
    cuts = zip(torch.split(one, lengths), torch.split(other, lengths), strict=True)
    for offset, (mine, theirs) in enumerate(cuts):
        if len(mine):
            yield offset, mine, theirs
