"""What becomes of particles that stop: decays, captures by nuclei, annihilation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.decays import (
    CAPTURED,
    KAON_TO_MUON,
    michel_energy,
    neutral_pions,
    two_body,
)
from zoo_sparse_reco.physics.draws import child_keys, directions
from zoo_sparse_reco.physics.hadrons import debris_of
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS, MASS, NEUTRAL_PION_MASS
from zoo_sparse_reco.physics.nuclear import shattered
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.tree import Tree

__all__ = ["PAIR_MASS", "at_rest"]

Array = NDArray[np.float64]

PAIR_MASS = 2 * ELECTRON_MASS
"""MeV that a positron brings when it annihilates."""

_DECAY = 1_000_000  # number of a child, beyond those of hard events along a way
_SEEN_OF_MUON = 0.15  # of a captured muon's mass; its neutrino takes most
_AT_REST, _WAY = 151, 152  # tags


def at_rest(stopped: Particles, tree: Tree) -> Iterator[Particles]:
    """Children of charged particles (n,) that came to rest where they are now."""
    pid, charge = stopped.pid, stopped.charge
    draw = uniform(stopped.key, 3, tag=_AT_REST)
    keys = child_keys(stopped.key, np.zeros(len(stopped), np.int64) + _DECAY)
    stopped = replace(stopped, key=keys, direction=directions(keys, _WAY))
    muon, pion, kaon = (pid == one for one in (Pid.MUON, Pid.PION, Pid.KAON))
    captured = muon & (charge < 0) & (draw[:, 0] < CAPTURED)
    to_muon = kaon & (draw[:, 1] < KAON_TO_MUON)
    if (some := (pid == Pid.ELECTRON) & (charge > 0)).any():
        yield from _annihilated(stopped.take(some))
    if (some := muon & ~captured).any():
        yield _decayed(stopped.take(some), tree, Pid.ELECTRON, michel_energy(draw[some, 2]))
    if (some := pion & (charge > 0)).any():
        yield _to_muon(stopped.take(some), tree, float(MASS[Pid.PION]))
    if to_muon.any():
        yield _to_muon(stopped.take(to_muon), tree, float(MASS[Pid.KAON]))
    if (some := kaon & ~to_muon).any():
        yield from _to_pions(stopped.take(some), tree)
    if (some := captured | (pion & (charge < 0))).any():
        yield from _captured(stopped.take(some), tree)


def _annihilated(positrons: Particles) -> Iterator[Particles]:
    """Two photons, back to back."""
    energy = np.full(len(positrons), ELECTRON_MASS)
    for number, sign in enumerate((1, -1)):
        yield positrons.becoming(
            Pid.PHOTON,
            energy,
            child_keys(positrons.key, np.full(len(positrons), number)),
            charge=0,
            direction=sign * positrons.direction,
        )


def _decayed(parents: Particles, tree: Tree, pid: Pid, kinetic: Array) -> Particles:
    """Charged daughters; the rest of the mass is unseen."""
    # The mass of a daughter comes free when it decays itself, or annihilates.
    mass = MASS[parents.pid]
    own = PAIR_MASS * (parents.charge > 0) if pid == Pid.ELECTRON else MASS[pid]
    freed = mass - (0.0 if pid == Pid.ELECTRON else MASS[pid])
    tree.freed += tree.by_event(parents.event, freed)
    tree.unseen += tree.by_event(parents.event, mass - kinetic - own)
    node = tree.add(
        parent=parents.node,
        pid=np.full(len(parents), int(pid)),
        role=Role.MICHEL if pid == Pid.ELECTRON else Role.TRACK,
        kinetic=kinetic,
        direction=parents.direction,
        start=parents.place,
    )
    return parents.becoming(pid, kinetic, parents.key, node=node)


def _to_muon(parents: Particles, tree: Tree, mass: float) -> Particles:
    kinetic = two_body(mass, float(MASS[Pid.MUON]), 0.0)
    return _decayed(parents, tree, Pid.MUON, np.full(len(parents), kinetic))


def _to_pions(kaons: Particles, tree: Tree) -> Iterator[Particles]:
    """A positive and a neutral pion, back to back."""
    mass, charged = float(MASS[Pid.KAON]), float(MASS[Pid.PION])
    kinetic = two_body(mass, charged, NEUTRAL_PION_MASS)
    yield _decayed(kaons, tree, Pid.PION, np.full(len(kaons), kinetic))
    other = np.full(len(kaons), mass - charged - NEUTRAL_PION_MASS - kinetic)
    tree.unseen -= tree.by_event(kaons.event, other + NEUTRAL_PION_MASS)
    yield from neutral_pions(replace(kaons, direction=-kaons.direction), other, tree)


def _captured(parents: Particles, tree: Tree) -> Iterator[Particles]:
    """Nuclei that negative muons and pions are captured by."""
    mass = MASS[parents.pid]
    energy = np.where(parents.pid == Pid.MUON, _SEEN_OF_MUON, 1.0) * mass
    tree.freed += tree.by_event(parents.event, mass)
    tree.unseen += tree.by_event(parents.event, mass - energy)
    broken = shattered(parents.key, energy, np.zeros_like(parents.place))
    yield from debris_of(broken, parents, tree)
