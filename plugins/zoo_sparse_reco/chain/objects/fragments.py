"""The table of fragments of one event, and which fragment each particle begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.chain.joining import numbered
from zoo_sparse_reco.chain.objects.axes import direction_at
from zoo_sparse_reco.chain.objects.ends import extremes
from zoo_sparse_reco.chain.objects.event import Event, Members

__all__ = ["Fragments", "fragments_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Fragments:
    """Fragments of an event.

    Attributes:
        number: Fragment of each voxel, from 0 without gaps, (v,); -1: of none.
        members: Their voxels.
        particle: Of each fragment, (f,); -1: of none.
        primary: Score of each, (f,): NaN where no model says one.
    """

    number: Whole
    members: Members
    particle: Whole
    primary: Array

    def beginning(self, particle: int) -> NDArray[np.intp]:
        """Voxels of the fragment that a particle begins with; of none: no voxels.

        The one of the best score, of equal ones the largest.
        """
        own = np.flatnonzero(self.particle == particle)
        if not len(own):
            return np.zeros(0, np.intp)
        score = np.nan_to_num(self.primary[own], nan=0.0)
        best = own[np.lexsort((self.members.sizes[own], score))[-1]]
        return self.members.of(int(best))

    def columns(self, event: Event) -> dict[str, NDArray[Any]]:
        """Those of ``fragments/...``; a start is the extreme away from the rest of the particle."""
        middle = event.middle()
        count = len(self.particle)
        start, direction = np.full((count, 3), np.nan), np.full((count, 3), np.nan)
        for one in range(count):
            own = middle[self.members.of(one)]
            start[one] = _start(own, middle, event.particle, int(self.particle[one]))
            direction[one] = direction_at(own, start[one])
        inside = self.number >= 0
        energy = np.bincount(self.number[inside], event.deposit[inside], minlength=count)
        return {
            "fragments/particle": self.particle,
            "fragments/semantic": self.members.most(event.semantic),
            "fragments/voxels": self.members.sizes,
            "fragments/energy": energy,
            "fragments/start": start,
            "fragments/direction": direction,
            "fragments/primary": self.primary,
        }


def fragments_of(event: Event) -> Fragments:
    """Fragments of an event, numbered anew without gaps in the order of their numbers."""
    number = numbered(event.fragment).astype(np.int64)
    given = np.unique(event.fragment[event.fragment >= 0])
    members = Members(number, len(given))
    said = event.fragments.of("primary", given)
    primary = np.full(len(given), np.nan) if said is None else said
    return Fragments(number, members, members.most(event.particle), primary)


def _start(own: Array, middle: Array, particle: Whole, of: int) -> Array:
    low, high = extremes(own)
    rest = middle[particle == of] if of >= 0 else own
    if len(rest) <= len(own):
        return low
    away = (rest.sum(axis=0) - own.sum(axis=0)) / (len(rest) - len(own))
    return low if np.linalg.norm(low - away) >= np.linalg.norm(high - away) else high
