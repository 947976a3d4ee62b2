"""Particles at the vertices of events: multi-particle vertices and rain.

Multi-particle vertices are places where several particles start at once, as of a neutrino; rain is
single particles anywhere. Both start anywhere in the grid, in any direction, as in PILArNet
(C. Adams, K. Terao, T. Wongjirad, arXiv:2006.01993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import generator, uniform
from zoo_sparse_reco.physics.decays import two_photons
from zoo_sparse_reco.physics.draws import child_keys
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.tree import Tree

__all__ = ["NEUTRAL_PION", "Interactions", "Kind", "Primaries", "primaries", "vertices"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

NEUTRAL_PION = 7
"""A neutral pion among the kinds of primaries: two photons leave its vertex."""

_PIONS = 171  # tag


@dataclass(frozen=True)
class Kind:
    """One kind of primary particle.

    Attributes:
        pid: :class:`~zoo_sparse_reco.physics.labels.Pid`, or :data:`NEUTRAL_PION`.
        weight: How often, relative to others.
        most: At one vertex.
        least_mev: Least kinetic energy.
        most_mev: Largest.
    """

    pid: int
    weight: float
    most: int
    least_mev: float
    most_mev: float


@dataclass(frozen=True)
class Interactions:
    """How many vertices an event has, and what starts there.

    Attributes:
        count: Least and largest number of vertices.
        particles: Least and largest number of particles at one.
        kinds: What they are.
    """

    count: tuple[int, int]
    particles: tuple[int, int]
    kinds: Sequence[Kind]


@dataclass(frozen=True)
class Primaries:
    """Primaries of all events, one row each.

    Attributes:
        event: int64 (n,).
        interaction: int64 (n,), within the event.
        number: int64 (n,), within the event.
        kind: int64 (n,), :class:`~zoo_sparse_reco.physics.labels.Pid` or :data:`NEUTRAL_PION`.
        charge: int64 (n,).
        kinetic: float64 (n,), MeV.
        place: float64 (n, 3), cm.
        direction: float64 (n, 3).
    """

    event: Whole
    interaction: Whole
    number: Whole
    kind: Whole
    charge: Whole
    kinetic: Array
    place: Array
    direction: Array


def vertices(
    keys: NDArray[np.uint64], sorts: Sequence[Interactions], box_cm: Array
) -> tuple[list[Array], Primaries]:
    """Vertices of events (list of (n, 3), cm) and what starts there."""
    places, rows = [], []
    for event, key in enumerate(keys):
        rng = generator(key)
        here: list[Array] = []
        for sort in sorts:
            for _ in range(rng.integers(sort.count[0], sort.count[1], endpoint=True)):
                place = rng.random(3) * box_cm
                for kind in _kinds(sort, rng):
                    kinetic = kind.least_mev + (kind.most_mev - kind.least_mev) * rng.random()
                    cosine, turn, sign = rng.random(3)
                    rows.append(
                        (event, len(here), kind.pid, sign < 0.5, kinetic, *place, cosine, turn)
                    )
                here.append(place)
        places.append(np.array(here).reshape(-1, 3))
    return places, _drawn(np.array(rows, np.float64).reshape(-1, 10))


def primaries(keys: NDArray[np.uint64], drawn: Primaries, tree: Tree) -> Particles:
    """Particles to be transported, whose nodes are in ``tree``; neutral pions are two photons."""
    key = child_keys(keys[drawn.event], drawn.number)
    neutral = drawn.kind == NEUTRAL_PION
    energies, ways = two_photons(drawn.kinetic, drawn.direction, uniform(key, 2, tag=_PIONS))
    rows = np.concatenate([np.arange(len(key)), np.flatnonzero(neutral)])
    half = np.concatenate([np.zeros(len(key), np.int64), np.ones(neutral.sum(), np.int64)])
    order = np.lexsort((half, rows))
    rows, half = rows[order], half[order]
    pion = neutral[rows]
    pid = np.where(pion, int(Pid.PHOTON), drawn.kind[rows])
    made = Particles(
        pid,
        drawn.charge[rows],
        np.where(pion, energies[rows, half], drawn.kinetic[rows]),
        drawn.place[rows],
        np.where(pion[:, None], ways[rows, half], drawn.direction[rows]),
        child_keys(key[rows], half),
        np.zeros(len(rows), np.int64),
        drawn.event[rows],
    )
    node = np.zeros(len(rows), np.int64)
    shower = (pid == Pid.PHOTON) | (pid == Pid.ELECTRON)
    for role, which in ((Role.SHOWER, shower), (Role.TRACK, ~shower)):
        node[which] = tree.add(
            parent=np.full(which.sum(), -1),
            pid=pid[which],
            role=role,
            kinetic=made.kinetic[which],
            direction=made.direction[which],
            start=made.place[which],
            event=made.event[which],
            interaction=drawn.interaction[rows[which]],
            primary=True,
        )
    return Particles(
        made.pid,
        made.charge,
        made.kinetic,
        made.place,
        made.direction,
        made.key,
        node,
        made.event,
    )


def _kinds(sort: Interactions, rng: np.random.Generator) -> list[Kind]:
    """Kinds of the particles of one vertex: drawn by weight, each at most as often as it may."""
    number = int(rng.integers(sort.particles[0], sort.particles[1], endpoint=True))
    left = [kind.most for kind in sort.kinds]
    found: list[Kind] = []
    for _ in range(number):
        weights = np.array(
            [kind.weight if room else 0.0 for kind, room in zip(sort.kinds, left, strict=True)]
        )
        below = np.cumsum(weights)
        if below[-1] <= 0:
            break
        one = int(np.searchsorted(below, rng.random() * below[-1], side="right"))
        left[one] -= 1
        found.append(sort.kinds[one])
    return found


def _drawn(rows: Array) -> Primaries:
    event, interaction, kind = (rows[:, column].astype(np.int64) for column in range(3))
    negative = rows[:, 3] > 0
    first = np.searchsorted(event, event)
    cosine, turn = 2 * rows[:, 8] - 1, 2 * np.pi * rows[:, 9]
    sine = np.sqrt(1 - cosine**2)
    neutral = (kind == Pid.PHOTON) | (kind == NEUTRAL_PION)
    two_signed = (kind == Pid.MUON) | (kind == Pid.PION)
    charge = np.where(two_signed & negative, -1, 1)
    charge = np.where(kind == Pid.ELECTRON, -1, np.where(neutral, 0, charge))
    return Primaries(
        event,
        interaction,
        np.arange(len(event)) - first,
        kind,
        charge,
        rows[:, 4],
        rows[:, 5:8],
        np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], axis=1),
    )
