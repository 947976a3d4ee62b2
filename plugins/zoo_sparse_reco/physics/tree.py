"""The tree of an event's particles as it grows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.particles import Nodes, Role

__all__ = ["Tree"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_ROOM = 1024


class Tree:
    """Nodes of many events, numbered as they come; children come after their parents.

    Attributes:
        unseen: float64 (events,), MeV that neither deposit nor leave: neutrinos, nuclei, neutrons.
        lost: float64 (events,), MeV that leave the grid.
        freed: float64 (events,), MeV that rest masses bring in, beside what primaries have.
    """

    def __init__(self, events: int) -> None:
        self.unseen, self.lost = np.zeros(events), np.zeros(events)
        self.freed = np.zeros(events)
        self._parts: list[Nodes] = []
        self._count = 0
        self._event, self._interaction = np.zeros(_ROOM, np.int64), np.zeros(_ROOM, np.int64)
        self._group = np.zeros(_ROOM, np.int64)
        self._ends: list[tuple[Whole, Array]] = []

    def add(
        self,
        *,
        parent: Whole,
        pid: Whole,
        role: Role,
        kinetic: Array,
        direction: Array,
        start: Array,
        event: Whole | None = None,
        interaction: Whole | None = None,
        grouped: bool = False,
        nuclear: bool = False,
        primary: bool = False,
    ) -> Whole:
        """Remember particles and return their nodes.

        Args:
            parent: (n,); -1: none.
            pid: (n,), kinds.
            role: Of all of them.
            kinetic: (n,), MeV.
            direction: (n, 3).
            start: (n, 3), cm.
            event: (n,); ``None``: those of their parents.
            interaction: Likewise.
            grouped: Whether they belong to the groups of their parents.
            nuclear: Whether a nucleus or a neutron made them.
            primary: Whether they come from a vertex.
        """
        count = len(parent)
        node = self._count + np.arange(count)
        event = self._event[parent] if event is None else event
        interaction = self._interaction[parent] if interaction is None else interaction
        group = self._group[parent] if grouped else node
        self._grow(count)
        self._event[node], self._interaction[node], self._group[node] = event, interaction, group
        self._count += count
        self._parts.append(
            Nodes(
                event,
                interaction,
                parent,
                group,
                pid,
                np.full(count, int(role)),
                np.full(count, nuclear),
                np.full(count, primary),
                kinetic,
                direction,
                start,
                start,
            )
        )
        return node

    def ended(self, node: Whole, end: Array) -> None:
        """Nodes (n,) that end at (n, 3), cm."""
        self._ends.append((node, end))

    def by_event(self, event: Whole, energy: Array) -> Array:
        """Energies (n,) of events (n,) added up, (events,)."""
        return np.bincount(event, weights=energy, minlength=len(self.lost)).astype(np.float64)

    def nodes(self) -> Nodes:
        """All nodes."""
        joined = Nodes.joined(self._parts)
        end = joined.end.copy()
        for node, place in self._ends:
            end[node] = place
        return replace(joined, end=end)

    def _grow(self, count: int) -> None:
        short = self._count + count - len(self._event)
        if short > 0:
            more = np.zeros(max(short, len(self._event)), np.int64)
            for name in ("_event", "_interaction", "_group"):
                setattr(self, name, np.concatenate([getattr(self, name), more]))
