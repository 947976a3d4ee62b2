"""From particles at vertices to the energy that they and all that they cause deposit.

Generation by generation, all particles of all events at once: photons fly, neutrons meet nuclei,
charged particles walk; what they make is the next generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.decays import (
    CAPTURED,
    KAON_TO_MUON,
    michel_energy,
    two_body,
    two_photons,
)
from zoo_sparse_reco.physics.draws import child_keys, directions
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import (
    ELECTRON_MASS,
    MASS,
    NEUTRAL_PION_MASS,
    NEUTRON,
)
from zoo_sparse_reco.physics.nuclear import (
    NEUTRON_PATH,
    Debris,
    leading,
    neutron_debris,
    shattered,
)
from zoo_sparse_reco.physics.particles import Nodes, Particles, Role
from zoo_sparse_reco.physics.photons import fly
from zoo_sparse_reco.physics.tree import Tree
from zoo_sparse_reco.physics.turning import deflected
from zoo_sparse_reco.physics.walking import Steps, Walk, walk

__all__ = ["Deposits", "transported"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

# Numbers of children, beyond those of hard events along a way.
_DECAY, _NUCLEUS, _ON = 1_000_000, 1_000_001, 1_000_002
_AT_REST, _WAY, _PIONS, _PATH, _KNOCK = 151, 152, 153, 154, 155  # tags
_MOST_GENERATIONS = 1000
_PAIR_MASS = 2 * ELECTRON_MASS  # what a positron brings when it annihilates


@dataclass(frozen=True)
class Deposits:
    """What particles left, and where.

    Attributes:
        nodes: The tree of particles.
        steps: Pieces of their ways; ``owner`` is a node.
        unseen, lost, freed: float64 (events,), MeV, as :class:`~zoo_sparse_reco.physics.tree.Tree`
            has them: what primaries have and ``freed`` is what is deposited, ``unseen`` or ``lost``.
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
    steps: list[Steps] = []
    waiting = primaries
    for _ in range(_MOST_GENERATIONS):
        if not len(waiting):
            break
        photons = waiting.pid == Pid.PHOTON
        neutrons = waiting.pid == NEUTRON
        moving = [waiting.take(~photons & ~neutrons)]
        if photons.any():
            moving.append(fly(waiting.take(photons), tree, box_cm))
        charged = Particles.joined(moving)
        made = list(_after_neutrons(waiting.take(neutrons), tree, box_cm))
        if len(charged):
            way = walk(charged, box_cm, step_cm)
            positron = (charged.pid == Pid.ELECTRON) & (charged.charge > 0)
            lost = way.lost + _PAIR_MASS * (positron & ~way.stops)
            tree.lost += _by_event(tree, charged.event, lost)
            tree.ended(charged.node, way.end)
            steps.append(_owned(way.steps, charged.node))
            made += _children(charged, way, tree)
        waiting = Particles.joined(made) if made else waiting.take(slice(0, 0))
    return Deposits(tree.nodes(), Steps.joined(steps), tree.unseen, tree.lost, tree.freed)


def _owned(steps: Steps, node: Whole) -> Steps:
    return Steps(node[steps.owner], steps.start, steps.end, steps.deposit, steps.length, steps.key)


def _by_event(tree: Tree, event: Whole, energy: Array) -> Array:
    return np.bincount(event, weights=energy, minlength=len(tree.lost))


def _children(parents: Particles, way: Walk, tree: Tree) -> Iterator[Particles]:
    yield from _hard(parents, way, tree)
    yield from _at_rest(parents, way, tree)
    yield from _from_nuclei(parents, way, tree)


def _hard(parents: Particles, way: Walk, tree: Tree) -> Iterator[Particles]:
    """Photons that electrons radiate, and delta rays of all others."""
    hard = way.hard
    owner = parents.take(hard.owner)
    radiated = owner.pid == Pid.ELECTRON
    keys = child_keys(owner.key, hard.number)
    if radiated.any():
        # About m/E off the electron's way, which multiple scattering hides.
        yield _made(
            int(Pid.PHOTON),
            0,
            hard.energy[radiated],
            hard.place[radiated],
            hard.direction[radiated],
            keys[radiated],
            owner.node[radiated],
            owner.event[radiated],
        )
    knocked = ~radiated
    if knocked.any():
        kinetic = hard.energy[knocked]
        # Elastic on an electron at rest, by a particle that is far heavier and fast.
        cosine = np.sqrt(kinetic / (kinetic + 2 * ELECTRON_MASS))
        azimuth = 2 * np.pi * uniform(keys[knocked], tag=_KNOCK)
        heading = deflected(hard.direction[knocked], cosine, azimuth)
        node = tree.add(
            parent=owner.node[knocked],
            pid=np.full(len(kinetic), int(Pid.ELECTRON)),
            role=Role.DELTA,
            kinetic=kinetic,
            direction=heading,
            start=hard.place[knocked],
        )
        yield _made(
            int(Pid.ELECTRON),
            -1,
            kinetic,
            hard.place[knocked],
            heading,
            keys[knocked],
            node,
            owner.event[knocked],
        )


def _at_rest(parents: Particles, way: Walk, tree: Tree) -> Iterator[Particles]:
    """Decays, captures and annihilation of what stops."""
    pid, charge = parents.pid, parents.charge
    draw = uniform(parents.key, 3, tag=_AT_REST)
    keys = child_keys(parents.key, np.full(len(parents), _DECAY))
    heading = directions(keys, _WAY)

    def chosen(which: NDArray[np.bool_]) -> Particles:
        some = parents.take(which)
        return Particles(
            some.pid,
            some.charge,
            some.kinetic,
            way.end[which],
            heading[which],
            keys[which],
            some.node,
            some.event,
        )

    muon = way.stops & (pid == Pid.MUON)
    captured = muon & (charge < 0) & (draw[:, 0] < CAPTURED)
    pion = way.stops & (pid == Pid.PION)
    kaon = way.stops & (pid == Pid.KAON)
    positron = way.stops & (pid == Pid.ELECTRON) & (charge > 0)
    for_muon = kaon & (draw[:, 1] < KAON_TO_MUON)
    if positron.any():
        for sign in (1, -1):
            some = chosen(positron)
            keyed = child_keys(some.key, np.full(len(some), (sign + 1) // 2))
            yield _made(
                int(Pid.PHOTON),
                0,
                np.full(len(some), ELECTRON_MASS),
                some.place,
                sign * some.direction,
                keyed,
                some.node,
                some.event,
            )
    if (decays := muon & ~captured).any():
        yield _decayed(chosen(decays), tree, Pid.ELECTRON, michel_energy(draw[decays, 2]))
    mass = MASS[Pid.PION]
    kinetic = two_body(mass, MASS[Pid.MUON], 0.0)
    if (decays := pion & (charge > 0)).any():
        yield _decayed(chosen(decays), tree, Pid.MUON, np.full(decays.sum(), kinetic))
    mass = MASS[Pid.KAON]
    if for_muon.any():
        kinetic = two_body(mass, MASS[Pid.MUON], 0.0)
        yield _decayed(chosen(for_muon), tree, Pid.MUON, np.full(for_muon.sum(), kinetic))
    if (decays := kaon & ~for_muon).any():
        kinetic = two_body(mass, MASS[Pid.PION], NEUTRAL_PION_MASS)
        some = chosen(decays)
        yield _decayed(some, tree, Pid.PION, np.full(len(some), kinetic))
        kinetic = mass - MASS[Pid.PION] - NEUTRAL_PION_MASS - kinetic
        yield from _neutral_pions(
            some, np.full(len(some), kinetic), -some.direction, some.node, tree, nuclear=False
        )
        tree.unseen -= _by_event(tree, some.event, np.full(len(some), kinetic + NEUTRAL_PION_MASS))
    stars = captured | (pion & (charge < 0))
    if stars.any():
        some = chosen(stars)
        tree.freed += _by_event(tree, some.event, MASS[some.pid])
        # A captured muon's neutrino takes most of its mass.
        energy = np.where(some.pid == Pid.MUON, 0.15, 1.0) * MASS[some.pid]
        tree.unseen += _by_event(tree, some.event, MASS[some.pid] - energy)
        debris = shattered(some.key, energy, np.zeros_like(some.place))
        yield from _debris(debris, some, tree)


def _decayed(parents: Particles, tree: Tree, pid: Pid, kinetic: Array) -> Particles:
    """Charged daughters of what decays at rest; the rest of the mass is unseen."""
    tree.freed += _by_event(tree, parents.event, MASS[parents.pid])
    rest = MASS[parents.pid] - kinetic
    if pid != Pid.ELECTRON:
        # The mass of a daughter comes free when it decays itself.
        rest = rest - MASS[pid]
        tree.freed -= _by_event(tree, parents.event, np.full(len(parents), MASS[pid]))
    else:
        rest = rest - _PAIR_MASS * (parents.charge > 0)
    tree.unseen += _by_event(tree, parents.event, rest)
    node = tree.add(
        parent=parents.node,
        pid=np.full(len(parents), int(pid)),
        role=Role.MICHEL if pid == Pid.ELECTRON else Role.TRACK,
        kinetic=kinetic,
        direction=parents.direction,
        start=parents.place,
    )
    return Particles(
        np.full(len(node), int(pid)),
        parents.charge,
        kinetic,
        parents.place,
        parents.direction,
        parents.key,
        node,
        parents.event,
    )


def _from_nuclei(parents: Particles, way: Walk, tree: Tree) -> Iterator[Particles]:
    """What goes on, and what comes out, where hadrons meet nuclei."""
    met = np.flatnonzero(way.interacts)
    if not len(met):
        return
    some = parents.take(met)
    place = way.end[met]
    keys = child_keys(some.key, np.full(len(met), _NUCLEUS))
    out = leading(keys, some.pid, way.kinetic[met], way.direction[met])
    absorbed = out.kind == 2
    tree.freed += _by_event(tree, some.event, np.where(absorbed, MASS[Pid.PION], 0.0))
    at = Particles(
        some.pid, some.charge, some.kinetic, place, way.direction[met], keys, some.node, some.event
    )
    on = out.kind == 0
    if on.any():
        going = at.take(on)
        node = tree.add(
            parent=going.node,
            pid=going.pid,
            role=Role.TRACK,
            kinetic=out.kinetic[on],
            direction=out.direction[on],
            start=going.place,
        )
        yield Particles(
            going.pid,
            going.charge,
            out.kinetic[on],
            going.place,
            out.direction[on],
            child_keys(going.key, np.full(len(going), _ON)),
            node,
            going.event,
        )
    exchanged = out.kind == 1
    if exchanged.any():
        going = at.take(exchanged)
        # The mass that it brings is the charged pion's.
        tree.freed += _by_event(tree, going.event, np.full(len(going), NEUTRAL_PION_MASS))
        yield from _neutral_pions(
            going, out.kinetic[exchanged], out.direction[exchanged], going.node, tree, nuclear=False
        )
    yield from _debris(shattered(keys, out.released, out.direction), at, tree)


def _neutral_pions(
    parents: Particles,
    kinetic: Array,
    direction: Array,
    node: Whole,
    tree: Tree,
    *,
    nuclear: bool,
) -> Iterator[Particles]:
    energy, heading = two_photons(kinetic, direction, uniform(parents.key, 2, tag=_PIONS))
    for one in range(2):
        own = tree.add(
            parent=node,
            pid=np.full(len(node), int(Pid.PHOTON)),
            role=Role.SHOWER,
            kinetic=energy[:, one],
            direction=heading[:, one],
            start=parents.place,
            nuclear=nuclear,
        )
        yield _made(
            int(Pid.PHOTON),
            0,
            energy[:, one],
            parents.place,
            heading[:, one],
            child_keys(parents.key, np.full(len(node), 10 + one)),
            own,
            parents.event,
        )


def _debris(debris: Debris, at: Particles, tree: Tree) -> Iterator[Particles]:
    """Nucleons and photons as particles, each with a node but neutrons."""
    tree.unseen += _by_event(tree, at.event, debris.unseen)
    for pid, role in ((Pid.PROTON, Role.TRACK), (Pid.PHOTON, Role.SHOWER), (NEUTRON, None)):
        which = debris.pid == pid
        if not which.any():
            continue
        source = at.take(debris.source[which])
        node = source.node
        if role is not None:
            node = tree.add(
                parent=source.node,
                pid=debris.pid[which],
                role=role,
                kinetic=debris.kinetic[which],
                direction=debris.direction[which],
                start=source.place,
                nuclear=True,
            )
        yield _made(
            int(pid),
            1 if pid == Pid.PROTON else 0,
            debris.kinetic[which],
            source.place,
            debris.direction[which],
            debris.key[which],
            node,
            source.event,
        )


def _after_neutrons(neutrons: Particles, tree: Tree, box_cm: Array) -> Iterator[Particles]:
    """What neutrons make where they meet a nucleus in the grid."""
    if not len(neutrons):
        return
    way = -np.log1p(-uniform(neutrons.key, tag=_PATH)) * NEUTRON_PATH
    place = neutrons.place + way[:, None] * neutrons.direction
    inside = np.all((place >= 0) & (place < box_cm), axis=1)
    tree.lost += _by_event(tree, neutrons.event[~inside], neutrons.kinetic[~inside])
    some = neutrons.take(inside)
    at = Particles(
        some.pid,
        some.charge,
        some.kinetic,
        place[inside],
        some.direction,
        some.key,
        some.node,
        some.event,
    )
    yield from _debris(neutron_debris(some.key, some.kinetic, some.direction), at, tree)


def _made(
    pid: int,
    charge: int,
    kinetic: Array,
    place: Array,
    direction: Array,
    key: NDArray[np.uint64],
    node: Whole,
    event: Whole,
) -> Particles:
    count = len(kinetic)
    return Particles(
        np.full(count, pid), np.full(count, charge), kinetic, place, direction, key, node, event
    )
