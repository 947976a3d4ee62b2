"""Hadrons that meet nuclei in flight: what goes on, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.decays import neutral_pions
from zoo_sparse_reco.physics.draws import child_keys
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import MASS, NEUTRAL_PION_MASS, NEUTRON
from zoo_sparse_reco.physics.nuclear import (
    NEUTRON_PATH,
    Debris,
    leading,
    neutron_debris,
    shattered,
)
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.tree import Tree

__all__ = ["after_neutrons", "at_nuclei", "debris_of"]

Array = NDArray[np.float64]

_NUCLEUS, _ON = 1_000_001, 1_000_002  # numbers of children, beyond those of hard events
_PATH = 154  # tag


def at_nuclei(met: Particles, tree: Tree) -> Iterator[Particles]:
    """Children of protons, pions and kaons (n,) that met a nucleus where they are now."""
    keys = child_keys(met.key, np.zeros(len(met), np.int64) + _NUCLEUS)
    out = leading(keys, met.pid, met.kinetic, met.direction)
    at = replace(met, key=keys)
    tree.freed += tree.by_event(met.event, np.where(out.kind == 2, MASS[Pid.PION], 0.0))
    going = replace(at, kinetic=out.kinetic, direction=out.direction)
    yield _going_on(going.take(out.kind == 0), tree)
    if (some := out.kind == 1).any():
        exchanged = going.take(some)
        # The neutral pion's mass comes from the charged one's.
        tree.freed += tree.by_event(exchanged.event, np.full(len(exchanged), NEUTRAL_PION_MASS))
        yield from neutral_pions(exchanged, exchanged.kinetic, tree)
    yield from debris_of(shattered(keys, out.released, out.direction), at, tree)


def debris_of(debris: Debris, at: Particles, tree: Tree) -> Iterator[Particles]:
    """Nucleons and photons out of nuclei (N,) as particles, each with a node but neutrons."""
    tree.unseen += tree.by_event(at.event, debris.unseen)
    for pid, charge, role in (
        (Pid.PROTON, 1, Role.TRACK),
        (Pid.PHOTON, 0, Role.SHOWER),
        (NEUTRON, 0, None),
    ):
        which = debris.pid == pid
        if not which.any():
            continue
        source = replace(at.take(debris.source[which]), direction=debris.direction[which])
        kinetic, node = debris.kinetic[which], source.node
        if role is not None:
            node = tree.add(
                parent=source.node,
                pid=debris.pid[which],
                role=role,
                kinetic=kinetic,
                direction=source.direction,
                start=source.place,
                nuclear=True,
            )
        yield source.becoming(pid, kinetic, debris.key[which], charge=charge, node=node)


def after_neutrons(neutrons: Particles, tree: Tree, box_cm: Array) -> Iterator[Particles]:
    """What neutrons make where they meet a nucleus in the grid."""
    way = -np.log1p(-uniform(neutrons.key, tag=_PATH)) * NEUTRON_PATH
    place = neutrons.place + way[:, None] * neutrons.direction
    inside = np.all((place >= 0) & (place < box_cm), axis=1)
    tree.lost += tree.by_event(neutrons.event[~inside], neutrons.kinetic[~inside])
    at = replace(neutrons, place=place).take(inside)
    yield from debris_of(neutron_debris(at.key, at.kinetic, at.direction), at, tree)


def _going_on(particles: Particles, tree: Tree) -> Particles:
    """The same kind of particle as a new one, after a kink."""
    node = tree.add(
        parent=particles.node,
        pid=particles.pid,
        role=Role.TRACK,
        kinetic=particles.kinetic,
        direction=particles.direction,
        start=particles.place,
    )
    key = child_keys(particles.key, np.zeros(len(particles), np.int64) + _ON)
    return replace(particles, node=node, key=key)
