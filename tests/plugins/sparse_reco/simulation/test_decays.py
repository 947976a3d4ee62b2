"""Decays against masses and spectra that are known."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_sparse_reco.physics.decays import MICHEL_END, michel_energy, two_body, two_photons
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import ELECTRON_MASS, MASS, NEUTRAL_PION_MASS


def test_michel_electrons_end_at_half_the_muon() -> None:
    """52.83 MeV, and 0.7 of that, 37 MeV, on average."""
    assert pytest.approx(52.83, abs=0.005) == MICHEL_END
    draw = (np.arange(10_000) + 0.5) / 10_000
    total = michel_energy(draw) + ELECTRON_MASS
    assert total.max() <= MICHEL_END
    assert total.mean() == pytest.approx(0.7 * 52.83, rel=1e-3)
    # Half have more than x = 0.7336, the root of 2 x^3 - x^4 = 1/2.
    assert np.median(total) == pytest.approx(0.7336 * 52.83, rel=2e-3)


@pytest.mark.parametrize(
    ("mass", "one", "other", "kinetic"),
    [
        (MASS[Pid.PION], MASS[Pid.MUON], 0.0, 4.12),
        (MASS[Pid.KAON], MASS[Pid.MUON], 0.0, 152.5),
        (MASS[Pid.KAON], MASS[Pid.PION], NEUTRAL_PION_MASS, 108.6),
    ],
)
def test_two_body_decays(mass: float, one: float, other: float, kinetic: float) -> None:
    """From the momenta 29.79, 235.5 and 205.1 MeV/c of the Particle Data Group's tables."""
    assert two_body(mass, one, other) == pytest.approx(kinetic, abs=0.06)


@pytest.mark.parametrize("kinetic", [1.0, 200.0, 2000.0])
def test_photons_of_neutral_pions(kinetic: float) -> None:
    """sin^2(theta / 2) = m^2 / (4 E1 E2); energy and momentum are those of the pion."""
    draw = np.random.default_rng(1).random((500, 2))
    way = np.tile([0.6, 0.0, 0.8], (500, 1))
    energy, heading = two_photons(np.full(500, kinetic), way, draw)
    cosine = (heading[:, 0] * heading[:, 1]).sum(axis=1)
    expected = 1 - NEUTRAL_PION_MASS**2 / (2 * energy.prod(axis=1))
    np.testing.assert_allclose(cosine, expected, atol=1e-9)
    np.testing.assert_allclose(energy.sum(axis=1), kinetic + NEUTRAL_PION_MASS)
    momentum = (energy[:, :, None] * heading).sum(axis=1)
    size = np.sqrt(kinetic * (kinetic + 2 * NEUTRAL_PION_MASS))
    np.testing.assert_allclose(momentum, size * way, atol=1e-6)
    least = 2 * np.arcsin(NEUTRAL_PION_MASS / (kinetic + NEUTRAL_PION_MASS))
    assert np.arccos(np.clip(cosine, -1, 1)).min() >= least * (1 - 1e-6)
