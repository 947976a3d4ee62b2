"""One event after all stages: what a table of its particles is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.objects.ends import Points

__all__ = ["Event", "Members", "Said"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """What a model of ``sparse-group`` says of its nodes beside their groups.

    Attributes:
        node: Number of the fragment or particle, (n,).
        primary: Score (n,); ``None``: it does not say.
        pid: Probabilities (n, 6), or ``None``.
        momentum: MeV/c, (n,), or ``None``.
        vertex: Voxels, (n, 3), or ``None``.
    """

    node: Whole
    primary: Array | None = None
    pid: Array | None = None
    momentum: Array | None = None
    vertex: Array | None = None

    def of(self, name: str, numbers: Whole) -> Array | None:
        """A column for nodes with these numbers (m,), NaN where it says nothing of one."""
        column: Array | None = getattr(self, name)
        if column is None:
            return None
        found = np.full((len(numbers), *column.shape[1:]), np.nan)
        order = np.argsort(self.node, kind="stable")
        at = np.searchsorted(self.node[order], numbers)
        at = np.minimum(at, max(len(order) - 1, 0))
        if len(order):
            there = self.node[order[at]] == numbers
            found[there] = column[order[at[there]]]
        return found


_NOTHING = Said(np.zeros(0, np.int64))


@dataclass(frozen=True)
class Event:
    """Voxels with what the stages say of each.

    Attributes:
        place: Numbers along x, y and z, int64 (v, 3).
        deposit: MeV, (v,).
        semantic, fragment, particle, interaction: int64 (v,); -1: of none. Particles and
            interactions count from 0 without gaps, fragments need not.
        points: Predicted ones.
        fragments: What is said of fragments.
        particles: What is said of particles.
    """

    place: Whole
    deposit: Array
    semantic: Whole
    fragment: Whole
    particle: Whole
    interaction: Whole
    points: Points
    fragments: Said = field(default=_NOTHING)
    particles: Said = field(default=_NOTHING)

    def middle(self, rows: NDArray[np.intp] | slice = slice(None)) -> Array:
        """Middles of voxels, (n, 3)."""
        found: Array = self.place[rows].astype(np.float64) + 0.5
        return found


class Members:
    """Which voxels belong to which of some clusters.

    Args:
        number: Cluster of each voxel (v,); below 0: of none.
        count: How many clusters there are, numbered from 0.
    """

    def __init__(self, number: NDArray[Any], count: int) -> None:
        self._order = np.argsort(number, kind="stable")
        self._first = np.searchsorted(number[self._order], np.arange(count + 1))
        self.sizes: Whole = np.diff(self._first)

    def of(self, cluster: int) -> NDArray[np.intp]:
        """Rows of the voxels of one, in their order."""
        return self._order[self._first[cluster] : self._first[cluster + 1]]

    def most(self, values: NDArray[Any], *, known: bool = False) -> Whole:
        """The commonest of some values in each cluster, of equals the least; -1 where none.

        Args:
            values: Of voxels, (v,).
            known: Whether only those from 0 on count.
        """
        found = np.full(len(self.sizes), -1, np.int64)
        for cluster in range(len(self.sizes)):
            own = values[self.of(cluster)]
            some, times = np.unique(own[own >= 0] if known else own, return_counts=True)
            if len(some):
                found[cluster] = some[int(np.argmax(times))]
        return found
