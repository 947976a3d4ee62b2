"""Photons on their way through the argon, and the electrons that they free."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.draws import keys_of, numbered
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.photon_physics import (
    compton_per_cm,
    pair_per_cm,
    photoelectric_per_cm,
    scattered_energy,
)
from zoo_sparse_reco.physics.tree import Tree
from zoo_sparse_reco.physics.turning import deflected

__all__ = ["fly"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Keys = NDArray[np.uint64]

_LEAST_MEV = 0.02  # a scattered photon of less is absorbed where it is
_FLIGHT = 131  # tag


def fly(photons: Particles, tree: Tree, box_cm: Array) -> Particles:
    """Let photons go until they are absorbed or leave the grid.

    Every place where one frees electrons becomes a node of ``tree``.

    Args:
        photons: Their ``node`` is the one that they come from.
        tree: Takes the nodes.
        box_cm: (3,), the grid reaches from 0 to here.

    Returns:
        The electrons and positrons.
    """
    freed: list[Particles] = []
    number = 0
    while len(photons):
        draw = uniform(numbered(photons.key, np.full(len(photons), number)), 10, tag=_FLIGHT)
        pairs, scatters, absorbed = (
            rate(photons.kinetic) for rate in (pair_per_cm, compton_per_cm, photoelectric_per_cm)
        )
        total = pairs + scatters + absorbed
        place = photons.place - (np.log1p(-draw[:, 0]) / total)[:, None] * photons.direction
        inside = np.all((place >= 0) & (place < box_cm), axis=1)
        tree.lost += tree.by_event(photons.event[~inside], photons.kinetic[~inside])
        makes_pair = (draw[:, 1] * total < pairs)[inside]
        scattered = (draw[:, 1] * total < pairs + scatters)[inside] & ~makes_pair
        photons, draw = replace(photons, place=place).take(inside), draw[inside]
        node = tree.add(
            parent=photons.node,
            pid=photons.pid,
            role=Role.SHOWER,
            kinetic=photons.kinetic,
            direction=photons.direction,
            start=photons.place,
            grouped=True,
        )
        left = np.zeros(len(photons))
        left[scattered] = scattered_energy(photons.kinetic[scattered], draw[scattered, 2])
        left[left < _LEAST_MEV] = 0
        after = _scattered(photons, left, draw)
        freed.append(_hit(photons, after, node, keys_of(draw[:, 7])).take(~makes_pair))
        if makes_pair.any():
            freed += _pair(photons.take(makes_pair), draw[makes_pair], node[makes_pair])
        photons = after.take(left > 0)
        number += 1
    return Particles.joined(freed) if freed else photons


_RATES = (pair_per_cm, compton_per_cm, photoelectric_per_cm)


def _angle(energy: Array, left: Array) -> Array:
    """Cosine of the angle of a photon that keeps ``left`` of ``energy`` in Compton scattering."""
    return np.clip(1 - ELECTRON_MASS * (1 / left - 1 / energy), -1, 1)


def _scattered(photons: Particles, left: Array, draw: Array) -> Particles:
    on = left > 0
    turned = photons.direction.copy()
    cosine = _angle(photons.kinetic[on], left[on])
    turned[on] = deflected(photons.direction[on], cosine, 2 * np.pi * draw[on, 3])
    return replace(photons, kinetic=left, direction=turned)


def _hit(photons: Particles, after: Particles, node: Whole, keys: Keys) -> Particles:
    """The electrons that photons hit, whether these live on or are absorbed."""
    momentum = photons.kinetic[:, None] * photons.direction
    momentum = momentum - after.kinetic[:, None] * after.direction
    size = np.linalg.norm(momentum, axis=1)
    return photons.becoming(
        Pid.ELECTRON,
        photons.kinetic - after.kinetic,
        keys,
        charge=-1,
        direction=momentum / np.maximum(size, 1e-12)[:, None],
        node=node,
    )


def _pair(photons: Particles, draw: Array, node: Whole) -> list[Particles]:
    """Electrons, then positrons: they share the energy evenly likely, about m/E off the axis."""
    free = photons.kinetic - 2 * ELECTRON_MASS
    azimuth = 2 * np.pi * draw[:, 4]
    made = []
    for charge, share in ((-1, draw[:, 2]), (1, 1 - draw[:, 2])):
        kinetic = free * share
        size = -np.log1p(-draw[:, 5 if charge < 0 else 6])
        angle = np.minimum(size * ELECTRON_MASS / (kinetic + ELECTRON_MASS), 1.5)
        turned = azimuth + (np.pi if charge > 0 else 0.0)
        made.append(
            photons.becoming(
                Pid.ELECTRON,
                kinetic,
                keys_of(draw[:, 8 if charge < 0 else 9]),
                charge=charge,
                direction=deflected(photons.direction, np.cos(angle), turned),
                node=node,
            )
        )
    return made
