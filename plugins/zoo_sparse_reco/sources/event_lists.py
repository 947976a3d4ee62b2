"""Events as a file has them: lists of voxels, points, particles and interactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Ragged
from zoo_sparse_reco.specs import SAMPLE
from zoo_sparse_reco.within_events import offsets_of

__all__ = ["Events", "Rows", "fields_of"]

Array = NDArray[Any]

_DIMS = ("voxel", "point", "particle", "vertex")


@dataclass(frozen=True)
class Rows:
    """One list for each event, one after another.

    Attributes:
        counts: int64 (N,), how long each list is.
        columns: By name, (total, ...).
    """

    counts: NDArray[np.int64]
    columns: Mapping[str, Array]

    @property
    def event(self) -> NDArray[np.int64]:
        """(total,): the number of the event that each entry belongs to."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def first(self) -> NDArray[np.int64]:
        """(N,): where the list of each event begins."""
        begins: NDArray[np.int64] = np.cumsum(self.counts) - self.counts
        return begins

    def take(self, index: Array) -> Rows:
        """Some entries, by a mask or by rising events."""
        counts = np.bincount(self.event[index], minlength=len(self.counts))
        return Rows(counts.astype(np.int64), {n: c[index] for n, c in self.columns.items()})

    def with_columns(self, **columns: Array) -> Rows:
        """The same entries with columns added or replaced."""
        return Rows(self.counts, {**self.columns, **columns})

    def ragged(self, names: frozenset[str]) -> dict[str, Ragged]:
        """Columns of the task, with the dtype that it declares."""
        offsets = offsets_of(self.counts)
        return {
            name: Ragged(np.asarray(column).astype(SAMPLE[name].dtype, copy=False), offsets)
            for name, column in self.columns.items()
            if name in names
        }

    @classmethod
    def none(cls, events: int) -> Rows:
        """Empty lists."""
        return cls(np.zeros(events, np.int64), {})


@dataclass(frozen=True)
class Events:
    """Some events of a file, not yet in order.

    Attributes:
        voxels: ``place`` (n, 3) whole numbers, ``deposit``, and labels by the names of the task, in
            the scheme ``spine``; ``heavy``, where known: a nucleus left the energy.
        points: ``point_x`` and so on, and ``point_pid`` of the particle.
        particles: ``particle_id`` and so on.
        vertices: ``interaction_id`` and ``interaction_vertex``.
    """

    voxels: Rows | None = None
    points: Rows | None = None
    particles: Rows | None = None
    vertices: Rows | None = None


def fields_of(dim: str) -> frozenset[str]:
    """Fields of the task that list voxels, points, particles or vertices."""
    assert dim in _DIMS, dim
    return frozenset(name for name, field in SAMPLE.items() if field.dims[0] == dim)
