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
from zoo_sparse_reco.physics.draws import child_keys, directions, numbered, poisson
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

_PROTONS, _NEUTRONS, _PHOTONS = 4, 3, 2  # at most
_BINDING = 8.0  # MeV for each nucleon that leaves
_PHOTON_SHARE = 0.08  # of the energy of a nucleon
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
    neutrons = np.minimum(poisson(draw[:, 1], 0.7 + energy / 150), _NEUTRONS)
    room = np.floor(energy / (2 * _BINDING)).astype(np.int64)  # no nucleon without its binding
    protons = np.minimum(protons, room)
    neutrons = np.minimum(neutrons, room - protons)
    photons = np.where(energy > 1.5, 1 + (draw[:, 2] < 0.5), 0)
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

    Neutrons end there: their capture, later and elsewhere, is left out.
    """
    draw = uniform(numbered(keys, np.zeros(len(keys), np.int64)), tag=_PICK)
    knocks = (kinetic > 15) & (draw < 0.4)
    debris = shattered(keys, np.minimum(kinetic, 10.0), np.zeros_like(direction))
    photons = (debris.pid == Pid.PHOTON) & ~knocks[debris.source]
    hit = np.flatnonzero(knocks)
    source = np.concatenate([debris.source[photons], hit])
    order = np.argsort(source, kind="stable")
    proton = (kinetic - _BINDING) * uniform(keys, tag=_FORWARD)
    energy = np.concatenate([debris.kinetic[photons], np.maximum(proton[hit], 0.1)])[order]
    source = source[order]
    return Debris(
        source,
        np.concatenate([debris.pid[photons], np.full(len(hit), int(Pid.PROTON))])[order],
        energy,
        np.concatenate([debris.direction[photons], direction[hit]])[order],
        np.concatenate([debris.key[photons], child_keys(keys[hit], np.full(len(hit), 50))])[order],
        kinetic - np.bincount(source, weights=energy, minlength=len(keys)),
    )
