"""Particles that decay: at rest, muons, pions and kaons; neutral pions at once.

Energies of two-body decays follow from the masses; the spectrum of Michel electrons is that of an
unpolarised muon, dN/dx = 2 x^2 (3 - 2 x), x = 2 E / m_mu (Michel, Proc. Phys. Soc. A63 (1950) 514,
with rho = 3/4 and the electron's mass left out). Decay in flight is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.api import uniform
from zoo_sparse_reco.physics.draws import child_keys
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS, MASS, NEUTRAL_PION_MASS
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.tree import Tree
from zoo_sparse_reco.physics.turning import deflected

__all__ = [
    "CAPTURED",
    "KAON_TO_MUON",
    "MICHEL_END",
    "michel_energy",
    "neutral_pions",
    "two_body",
    "two_photons",
]

Array = NDArray[np.float64]

CAPTURED = 0.75
"""Share of the negative muons at rest that argon captures: their lifetime there is about 0.54 us,
a quarter of 2.197 us (from memory; Klinskikh et al., Bull. Russ. Acad. Sci. 72 (2008) 735)."""

KAON_TO_MUON = 0.6356 / (0.6356 + 0.2067)
"""Share of the positive kaons that decay to muon and neutrino rather than to two pions (branching
ratios of the Particle Data Group; the other fifth is left out)."""

MICHEL_END = float((MASS[Pid.MUON] ** 2 + ELECTRON_MASS**2) / (2 * MASS[Pid.MUON]))
"""Largest energy of a Michel electron, 52.83 MeV."""

_PIONS = 153  # tag

_X = np.linspace(0, 1, 2001)
_BELOW = 2 * _X**3 - _X**4


def michel_energy(draw: Array) -> Array:
    """Kinetic energies, MeV, of Michel electrons, by their quantiles."""
    total = MICHEL_END * np.interp(draw, _BELOW, _X)
    return np.asarray(np.maximum(total - ELECTRON_MASS, 1e-3))


def two_body(mass: float, one: float, other: float) -> float:
    """Kinetic energy, MeV, of the first of two particles that a mass at rest decays to."""
    return float(((mass - one) ** 2 - other**2) / (2 * mass))


def two_photons(kinetic: Array, direction: Array, draw: Array) -> tuple[Array, Array]:
    """Energies (n, 2), MeV, and directions (n, 2, 3) of the photons of neutral pions.

    Args:
        kinetic: (n,), of the pions.
        direction: (n, 3).
        draw: (n, 2), in [0, 1).
    """
    total = kinetic + NEUTRAL_PION_MASS
    momentum = np.sqrt(kinetic * (kinetic + 2 * NEUTRAL_PION_MASS))
    beta = momentum / total
    at_rest = 2 * draw[:, 0] - 1
    energies, ways = [], []
    for cosine, turn in ((at_rest, 0.0), (-at_rest, np.pi)):
        energies.append(total / 2 * (1 + beta * cosine))
        boosted = (cosine + beta) / (1 + beta * cosine)
        ways.append(deflected(direction, boosted, 2 * np.pi * draw[:, 1] + turn))
    return np.stack(energies, axis=1), np.stack(ways, axis=1)


def neutral_pions(parents: Particles, kinetic: Array, tree: Tree) -> Iterator[Particles]:
    """Photons of neutral pions (n,) of these kinetic energies, MeV, in place of their parents."""
    energy, heading = two_photons(kinetic, parents.direction, uniform(parents.key, 2, tag=_PIONS))
    for one in range(2):
        photons = parents.becoming(
            Pid.PHOTON,
            energy[:, one],
            child_keys(parents.key, np.full(len(parents), 10 + one)),
            charge=0,
            direction=heading[:, one],
        )
        node = tree.add(
            parent=parents.node,
            pid=photons.pid,
            role=Role.SHOWER,
            kinetic=photons.kinetic,
            direction=photons.direction,
            start=photons.place,
        )
        yield replace(photons, node=node)
