"""From particles at vertices to the energy that they and all that they cause deposit.

Generation by generation, all particles of all events at once: photons fly, neutrons meet nuclei,
charged particles walk; what they make is the next generation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.at_rest import PAIR_MASS, at_rest
from zoo_sparse_reco.physics.draws import child_keys
from zoo_sparse_reco.physics.hadrons import after_neutrons, at_nuclei
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS, NEUTRON
from zoo_sparse_reco.physics.particles import Nodes, Particles, Role
from zoo_sparse_reco.physics.photons import fly
from zoo_sparse_reco.physics.tree import Tree
from zoo_sparse_reco.physics.turning import deflected
from zoo_sparse_reco.physics.walking import Steps, Walk, walk

__all__ = ["Deposits", "transported"]

Array = NDArray[np.float64]

_KNOCK = 155  # tag
_MOST_GENERATIONS = 1000


@dataclass(frozen=True)
class Deposits:
    """What particles left, and where.

    Attributes:
        nodes: The tree of particles.
        steps: Pieces of their ways; ``owner`` is a node.
        unseen, lost, freed: float64 (events,), MeV, as in
            :class:`~zoo_sparse_reco.physics.tree.Tree`: what primaries have and ``freed`` is what
            is deposited, ``unseen`` or ``lost``.
    """

    nodes: Nodes
    steps: Steps
    unseen: Array
    lost: Array
    freed: Array


def transported(primaries: Particles, tree: Tree, box_cm: Array, step_cm: float) -> Deposits:
    """Let particles and all that they cause go until nothing moves.

    Args:
        primaries: In the order of their nodes in ``tree``.
        tree: Holds their nodes; gets all others.
        box_cm: (3,), the grid reaches from 0 to here.
        step_cm: Longest step.
    """
    steps = [_no_steps()]
    waiting = primaries
    for _ in range(_MOST_GENERATIONS):
        if not len(waiting):
            break
        photons, neutrons = (waiting.pid == kind for kind in (Pid.PHOTON, NEUTRON))
        moving, made = [waiting.take(~photons & ~neutrons)], [waiting.take(slice(0, 0))]
        if photons.any():
            moving.append(fly(waiting.take(photons), tree, box_cm))
        if neutrons.any():
            made += after_neutrons(waiting.take(neutrons), tree, box_cm)
        charged = Particles.joined(moving)
        if len(charged):
            way = walk(charged, box_cm, step_cm)
            made += _children(charged, way, tree)
            steps.append(replace(way.steps, owner=charged.node[way.steps.owner]))
        waiting = Particles.joined(made)
    nodes = tree.nodes()
    return Deposits(nodes, Steps.joined(steps), tree.unseen, tree.lost, tree.freed)


def _no_steps() -> Steps:
    none, places = np.zeros(0), np.zeros((0, 3))
    return Steps(none.astype(np.int64), places, places, none, none, none.astype(np.uint64))


def _children(parents: Particles, way: Walk, tree: Tree) -> list[Particles]:
    """All that charged particles make along their ways and at their ends."""
    positron = (parents.pid == Pid.ELECTRON) & (parents.charge > 0)
    tree.lost += tree.by_event(parents.event, way.lost + PAIR_MASS * (positron & ~way.stops))
    tree.ended(parents.node, way.end)
    ended = replace(parents, place=way.end, direction=way.direction, kinetic=way.kinetic)
    made = []
    if len(way.hard):
        made += [_radiated(parents, way), _knocked(parents, way, tree)]
    if way.stops.any():
        made += at_rest(ended.take(way.stops), tree)
    if way.interacts.any():
        made += at_nuclei(ended.take(way.interacts), tree)
    return made


def _hard(parents: Particles, way: Walk) -> Particles:
    """The particles as they are at their hard events, with the keys of what these make."""
    owner = parents.take(way.hard.owner)
    return replace(
        owner,
        place=way.hard.place,
        direction=way.hard.direction,
        kinetic=way.hard.energy,
        key=child_keys(owner.key, way.hard.number),
    )


def _radiated(parents: Particles, way: Walk) -> Particles:
    """Photons of electrons, along their way: multiple scattering hides the angle of about m/E."""
    hard = _hard(parents, way)
    hard = hard.take(hard.pid == Pid.ELECTRON)
    return hard.becoming(Pid.PHOTON, hard.kinetic, hard.key, charge=0)


def _knocked(parents: Particles, way: Walk, tree: Tree) -> Particles:
    """Delta rays of heavy particles, which hit electrons at rest elastically."""
    hard = _hard(parents, way)
    hard = hard.take(hard.pid != Pid.ELECTRON)
    cosine = np.sqrt(hard.kinetic / (hard.kinetic + 2 * ELECTRON_MASS))
    heading = deflected(hard.direction, cosine, 2 * np.pi * uniform(hard.key, tag=_KNOCK))
    node = tree.add(
        parent=hard.node,
        pid=np.full(len(hard), int(Pid.ELECTRON)),
        role=Role.DELTA,
        kinetic=hard.kinetic,
        direction=heading,
        start=hard.place,
    )
    return hard.becoming(
        Pid.ELECTRON, hard.kinetic, hard.key, charge=-1, direction=heading, node=node
    )
