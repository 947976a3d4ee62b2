"""Particles on their way, and what is remembered of them.

Places are in cm from the lower corner of the grid, energies in MeV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo_sparse_reco.physics.liquid_argon import MASS

__all__ = ["Nodes", "Particles", "Role", "Rows", "momentum_of"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Keys = NDArray[np.uint64]


class Role(IntEnum):
    """What the energy of a particle is called."""

    SHOWER = 0
    TRACK = 1
    MICHEL = 2
    DELTA = 3


@dataclass(frozen=True)
class Rows:
    """Columns of equal length, to be taken and joined row by row."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, index: NDArray[Any] | slice) -> Self:
        """Rows by number or by mask."""
        return type(self)(**{one.name: getattr(self, one.name)[index] for one in fields(self)})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All rows of at least one part."""
        if len(parts) == 1:
            return parts[0]
        names = [one.name for one in fields(cls)]
        return cls(
            **{name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
        )


@dataclass(frozen=True)
class Particles(Rows):
    """Particles where they start.

    Attributes:
        pid: int64 (n,), kinds (:class:`~zoo_sparse_reco.physics.labels.Pid`, or a neutron).
        charge: int64 (n,), -1, 0 or 1.
        kinetic: float64 (n,), MeV.
        place: float64 (n, 3), cm.
        direction: float64 (n, 3), unit vectors.
        key: uint64 (n,), of their random numbers.
        node: int64 (n,): of a charged particle its own node; of others that of their parent.
        event: int64 (n,).
    """

    pid: Whole
    charge: Whole
    kinetic: Array
    place: Array
    direction: Array
    key: Keys
    node: Whole
    event: Whole

    def becoming(
        self,
        pid: int,
        kinetic: Array,
        key: Keys,
        *,
        charge: int | None = None,
        direction: Array | None = None,
        node: Whole | None = None,
    ) -> Particles:
        """Other particles of one kind in their places; what is not given stays as it is."""
        count = len(self)
        return replace(
            self,
            pid=np.full(count, int(pid)),
            charge=self.charge if charge is None else np.full(count, charge),
            kinetic=kinetic,
            key=key,
            direction=self.direction if direction is None else direction,
            node=self.node if node is None else node,
        )


@dataclass(frozen=True)
class Nodes(Rows):
    """What is remembered of particles: their places in the tree of an event.

    A photon's node tells where it was made; every place where it frees electrons is a node of its
    own, of a photon too, whose energy those electrons leave.

    Attributes:
        event: int64 (n,).
        interaction: int64 (n,), within the event.
        parent: int64 (n,), node; -1: none.
        group: int64 (n,), node that its shower began with, or itself.
        pid: int64 (n,).
        role: int64 (n,), :class:`Role`.
        nuclear: bool (n,): knocked out of a nucleus or by a neutron.
        primary: bool (n,): it comes from the vertex.
        kinetic: float64 (n,), MeV.
        direction: float64 (n, 3).
        start: float64 (n, 3), cm.
        end: float64 (n, 3), cm, where it stops or leaves; where it starts, for a photon.
    """

    event: Whole
    interaction: Whole
    parent: Whole
    group: Whole
    pid: Whole
    role: Whole
    nuclear: NDArray[np.bool_]
    primary: NDArray[np.bool_]
    kinetic: Array
    direction: Array
    start: Array
    end: Array


def momentum_of(kinetic: Array, pid: Whole) -> Array:
    """Momenta, MeV/c, of kinetic energies, MeV."""
    return np.sqrt(kinetic * (kinetic + 2 * MASS[pid]))
