"""Photons against tables of attenuation and of Compton scattering."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import DENSITY, ELECTRON_MASS, RADIATION_CM
from zoo_sparse_reco.physics.particles import Particles, Role
from zoo_sparse_reco.physics.photon_physics import (
    compton_per_cm,
    pair_per_cm,
    photoelectric_per_cm,
    scattered_energy,
)
from zoo_sparse_reco.physics.photons import fly
from zoo_sparse_reco.physics.tree import Tree

# NIST, X-Ray Mass Attenuation Coefficients, argon (from memory): MeV, cm2/g.
ATTENUATION = {
    0.3: 0.09953,
    0.6: 0.07335,
    1: 0.05762,
    2: 0.04074,
    4: 0.03019,
    8: 0.02517,
    20: 0.02453,
}


def photons(energy: float, count: int) -> tuple[Particles, Tree]:
    tree = Tree(1)
    kind, way = np.zeros(count, np.int64), np.tile([0.0, 0.0, 1.0], (count, 1))
    start = np.tile([500.0, 500.0, 0.1], (count, 1))
    node = tree.add(
        parent=kind - 1,
        pid=kind,
        role=Role.SHOWER,
        kinetic=np.full(count, energy),
        direction=way,
        start=start,
        event=kind,
        interaction=kind,
        primary=True,
    )
    keys = np.arange(count, dtype=np.uint64) << np.uint64(24)
    return Particles(kind, kind, np.full(count, energy), start, way, keys, node, kind), tree


def test_attenuation_is_nist_s() -> None:
    """Coherent scattering, 3 % at 0.3 MeV and less above, is left out."""
    energy = np.array(list(ATTENUATION), float)
    total = compton_per_cm(energy) + pair_per_cm(energy) + photoelectric_per_cm(energy)
    np.testing.assert_allclose(total / DENSITY, list(ATTENUATION.values()), rtol=0.035)


def test_klein_and_nishina_at_low_energy_is_thomson_s() -> None:
    """0.6652 b for each of 18 electrons of an atom, 39.948 g/mol."""
    per_cm = 0.66524 * 0.602214 * 18 / 39.948 * DENSITY
    assert compton_per_cm(np.array([1e-3])).item() == pytest.approx(per_cm, rel=0.01)


@pytest.mark.parametrize(("energy", "share"), [(0.1, 0.138), (1.0, 0.440), (10.0, 0.684)])
def test_mean_energy_of_compton_electrons(energy: float, share: float) -> None:
    """Klein and Nishina's mean share (Attix, Introduction to Radiological Physics, from memory)."""
    draw = (np.arange(4000) + 0.5) / 4000
    left = scattered_energy(np.full(4000, energy), draw)
    assert 1 - left.mean() / energy == pytest.approx(share, abs=0.003)
    least = energy / (1 + 2 * energy / ELECTRON_MASS)
    assert left.min() >= least * (1 - 1e-9)
    assert left.max() <= energy


def test_fast_photons_convert_after_nine_sevenths_of_a_radiation_length() -> None:
    """18.0 cm (Particle Data Group: X0 = 14.0 cm); at 20 GeV almost."""
    some, tree = photons(20_000.0, 2000)
    fly(some, tree, np.full(3, 1000.0))
    nodes = tree.nodes()
    depth = nodes.start[2000:, 2] - 0.1
    mean = 9 / 7 * RADIATION_CM
    assert mean == pytest.approx(18.0, abs=0.05)
    assert depth.mean() == pytest.approx(mean, rel=0.08)


@pytest.mark.parametrize("energy", [0.511, 3.0, 50.0])
def test_energy_is_that_of_electrons_or_leaves(energy: float) -> None:
    some, tree = photons(energy, 300)
    freed = fly(some, tree, np.full(3, 1000.0))
    pairs = (freed.charge > 0).sum()
    total = freed.kinetic.sum() + tree.lost.sum() + 2 * ELECTRON_MASS * pairs
    assert total == pytest.approx(300 * energy)
    assert set(freed.pid.tolist()) == {int(Pid.ELECTRON)}
    assert (pairs > 0) == (energy > 1.022)
