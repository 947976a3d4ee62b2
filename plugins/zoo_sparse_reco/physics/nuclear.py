"""What comes out of argon nuclei, as a coarse model.

It is there so that tracks have kinks and secondaries, stopped negative pions stars, and showers of
hadrons low-energy blips. Shares and multiplicities are chosen, not measured: one to three protons
of tens of MeV, as bubble chambers see. Energy that binds nucleons or goes to fragments and
neutrinos is unseen; charge and momentum are not balanced.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.draws import child_keys, directions, poisson
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import MASS, NEUTRON
from zoo_sparse_reco.physics.turning import deflected

__all__ = ["Debris", "Outgoing", "leading", "neutron_debris", "shattered"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Keys = NDArray[np.uint64]

ABSORBED, EXCHANGED = 0.35, 0.5
"""Of the pions that meet a nucleus, 35 % are absorbed, 15 % lose their charge, 50 % go on."""

NEUTRON_PATH = 47.0
"""cm between inelastic interactions of a neutron: 1 b (from memory)."""

_PROTONS, _NEUTRONS, _PHOTONS = 4, 6, 4  # at most
_BINDING = 8.0  # MeV for each nucleon that leaves
_PHOTON_SHARE = 0.1  # of the energy of a nucleon
_LEVEL = 1.46  # MeV, the first excited state of argon-40
_KNOCKING = 15.0  # MeV, below which neutrons knock no protons out
_LEADING, _SLOTS, _PICK, _FORWARD, _ISOTROPIC = 141, 142, 143, 144, 145  # tags


@dataclass(frozen=True)
class Debris:
    """Particles out of N nuclei.

    Attributes:
        source: int64 (n,), which nucleus.
        pid: int64 (n,), proton, neutron or photon.
        kinetic: float64 (n,), MeV.
        direction: float64 (n, 3).
        key: uint64 (n,).
        unseen: float64 (N,), MeV that no particle has.
    """

    source: Whole
    pid: Whole
    kinetic: Array
    direction: Array
    key: Keys
    unseen: Array


@dataclass(frozen=True)
class Outgoing:
    """What becomes of particles that meet a nucleus.

    Attributes:
        kind: int64 (N,): 0 goes on, 1 lost its charge (a neutral pion goes on), 2 absorbed.
        kinetic: float64 (N,), MeV, of what goes on.
        direction: float64 (N, 3), of it.
        released: float64 (N,), MeV that nucleons get.
    """

    kind: Whole
    kinetic: Array
    direction: Array
    released: Array


def leading(keys: Keys, pid: Whole, kinetic: Array, direction: Array) -> Outgoing:
    """What goes on after protons, pions and kaons (N,) met a nucleus.

    Pions that are absorbed release their mass, too.
    """
    draw = uniform(keys, 4, tag=_LEADING)
    pion = pid == Pid.PION
    fate = 2 - np.searchsorted([ABSORBED, EXCHANGED], draw[:, 0], side="right")
    kind = np.where(pion, fate, 0)
    after = kinetic * (0.2 + 0.75 * draw[:, 1])
    after = np.where(kind == 2, 0.0, after)
    # The more energetic, the more forward: 1 - cos is exponential with this mean.
    cosine = np.clip(1 + np.log1p(-draw[:, 2]) / (1 + kinetic / 150), -1, 1)
    turned = deflected(direction, cosine, 2 * np.pi * draw[:, 3])
    released = kinetic - after + np.where(kind == 2, MASS[Pid.PION], 0.0)
    return Outgoing(kind, after, turned, released)


def shattered(keys: Keys, energy: Array, forward: Array) -> Debris:
    """Nucleons and photons that leave nuclei which got an energy.

    Args:
        keys: (N,).
        energy: (N,), MeV.
        forward: (N, 3), where protons and neutrons go rather than elsewhere; zero: anywhere.
    """
    draw = uniform(keys, 3, tag=_PICK)
    protons = np.minimum(poisson(draw[:, 0], 0.5 + energy / 150), _PROTONS)
    neutrons = np.minimum(poisson(draw[:, 1], 1.0 + energy / 60), _NEUTRONS)
    room = np.floor(energy / (2 * _BINDING)).astype(np.int64)  # no nucleon without its binding
    protons = np.minimum(protons, room)
    neutrons = np.minimum(neutrons, room - protons)
    photons = 1 + poisson(draw[:, 2], np.full(len(keys), 1.5))
    photons = np.where(energy > _LEVEL, np.minimum(photons, _PHOTONS), 0)
    slots = np.arange(_PROTONS + _NEUTRONS + _PHOTONS)
    limits = np.repeat([0, _PROTONS, _PROTONS + _NEUTRONS], [_PROTONS, _NEUTRONS, _PHOTONS])
    numbers = np.repeat(
        np.stack([protons, neutrons, photons], axis=1), [_PROTONS, _NEUTRONS, _PHOTONS], axis=1
    )
    weight = -np.log1p(-uniform(keys, len(slots), tag=_SLOTS)) * (slots - limits < numbers)
    weight[:, _PROTONS + _NEUTRONS :] *= _PHOTON_SHARE
    total = weight.sum(axis=1)
    free = np.maximum(energy - _BINDING * (protons + neutrons), 0) * 0.9
    shares = weight * (free / np.maximum(total, 1e-12))[:, None]
    # A nucleus does not radiate more than its nucleons are bound by.
    shares[:, _PROTONS + _NEUTRONS :] = np.minimum(shares[:, _PROTONS + _NEUTRONS :], _BINDING)
    source, slot = np.nonzero(shares > 0.05)
    kinds = np.repeat([int(Pid.PROTON), NEUTRON, int(Pid.PHOTON)], [_PROTONS, _NEUTRONS, _PHOTONS])
    kinetic, pid = shares[source, slot], kinds[slot]
    own = child_keys(keys[source], slot)
    way = directions(own, _ISOTROPIC)
    push = 0.7 * uniform(own, tag=_FORWARD) * (pid != Pid.PHOTON)
    way = way + push[:, None] * forward[source]
    way /= np.linalg.norm(way, axis=1)[:, None]
    seen = np.bincount(source, weights=kinetic, minlength=len(keys))
    return Debris(source, pid, kinetic, way, own, energy - seen)


def neutron_debris(keys: Keys, kinetic: Array, direction: Array) -> Debris:
    """What neutrons (N,) knock out where they meet a nucleus: some a proton, most photons.

    What energy is left to the neutron takes it on, in any direction, to the next nucleus, until it
    cannot excite one: below 1.46 MeV, the first level of argon-40, it is unseen. Its capture is
    left out.
    """
    count = len(keys)
    draw = uniform(keys, 5, tag=_PICK)
    knocks = (kinetic > _KNOCKING) & (draw[:, 0] < 0.4)
    given = np.maximum(kinetic - _BINDING, 0) * draw[:, 1]  # to a proton
    excited = _LEVEL - np.log1p(-draw[:, 2])  # of the nucleus: one level or several
    spare = np.maximum(kinetic - _LEVEL, 0)
    excited = np.where(kinetic > _LEVEL, np.minimum(excited, _LEVEL + 0.5 * spare), 0.0)
    after = np.where(knocks, kinetic - _BINDING - given, kinetic - excited)
    after = after * np.where(knocks, 1.0, 0.5 + 0.5 * draw[:, 3])  # elastic collisions between
    energy = np.stack(
        [
            np.where(knocks, given, 0.0),
            np.where(knocks, 0.0, np.minimum(excited, _LEVEL)),
            np.where(knocks, 0.0, np.maximum(excited - _LEVEL, 0)),
            np.where(after > _LEVEL, after, 0.0),
        ],
        axis=1,
    )
    source, slot = np.nonzero(energy > 0.05)
    kinds = np.array([int(Pid.PROTON), int(Pid.PHOTON), int(Pid.PHOTON), NEUTRON])
    own = child_keys(keys[source], slot)
    way = directions(own, _ISOTROPIC)
    way = np.where((slot == 0)[:, None], direction[source], way)
    left = energy[source, slot]
    seen = np.bincount(source, weights=left, minlength=count)
    return Debris(source, kinds[slot], left, way, own, kinetic - seen)
