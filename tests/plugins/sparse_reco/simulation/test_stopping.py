"""Energy loss and ranges against published tables."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_sparse_reco.physics.bremsstrahlung import screening
from zoo_sparse_reco.physics.labels import Pid
from zoo_sparse_reco.physics.liquid_argon import (
    CRITICAL_MEV,
    DENSITY,
    ELECTRON_MASS,
    MASS,
    RADIATION_CM,
)
from zoo_sparse_reco.physics.stopping import (
    HEAVIEST_DELTA,
    Ranges,
    delta_effect,
    electron_loss,
    heavy_loss,
    largest_delta,
)

# D. E. Groom, N. V. Mokhov, S. I. Striganov, Atomic Data and Nuclear Data Tables 78 (2001) 183,
# muons in liquid argon (pdg.lbl.gov, muonloss_289), as LArSoft's TrackMomentumCalculator has them:
# MeV, g/cm2.
MUONS = {10: 0.9833, 20: 3.321, 40: 10.58, 100: 42.50, 200: 106.3, 400: 238.5, 1000: 616.3}

# NIST PSTAR, protons in argon, as LArSoft has them: MeV, g/cm2.
PROTONS = {20: 0.6335, 40: 2.159, 80: 7.375, 100: 10.92, 200: 36.27, 400: 113.8, 1000: 445.4}


@pytest.mark.parametrize(
    ("pid", "published", "close"), [(Pid.MUON, MUONS, 0.013), (Pid.PROTON, PROTONS, 0.012)]
)
def test_ranges_are_the_published_ones(pid: Pid, published: dict[int, float], close: float) -> None:
    kinetic = np.array(list(published), float)
    found = Ranges().range_cm(kinetic, np.full(len(kinetic), int(pid))) * DENSITY
    np.testing.assert_allclose(found, list(published.values()), rtol=close)


def test_least_loss_of_a_muon_is_groom_s() -> None:
    """1.508 MeV cm2/g at 266 MeV (the same table)."""
    kinetic = np.linspace(100, 600, 2001)
    loss = heavy_loss(kinetic, MASS[Pid.MUON]) / DENSITY
    assert loss.min() == pytest.approx(1.508, rel=2e-3)
    assert kinetic[loss.argmin()] == pytest.approx(266, abs=5)


def test_energies_belong_to_ranges() -> None:
    table, kinetic = Ranges(HEAVIEST_DELTA), np.geomspace(0.02, 5000, 60)
    for pid in (Pid.ELECTRON, Pid.MUON, Pid.PION, Pid.PROTON, Pid.KAON):
        kinds = np.full(60, int(pid))
        back = table.kinetic(table.range_cm(kinetic, kinds), kinds)
        np.testing.assert_allclose(back, kinetic, rtol=1e-4)
    assert table.kinetic(np.zeros(1), np.array([2])).item() == 0


def test_restricted_and_whole_loss_differ_by_delta_rays() -> None:
    """The integral of T dN over the knock-on spectrum between the cut and its end."""
    kinetic, mass = np.array([1000.0]), float(MASS[Pid.MUON])
    most = largest_delta(kinetic, mass).item()
    energy = np.geomspace(HEAVIEST_DELTA, most, 20_001)
    gamma = 1 + 1000 / mass
    beta2 = 1 - 1 / gamma**2
    rate = 0.1535375 * 18 / 39.948 * DENSITY / beta2 * (1 - beta2 * energy / most) / energy
    missing = float(np.sum((rate[1:] + rate[:-1]) / 2 * np.diff(energy)))
    found = heavy_loss(kinetic, mass) - heavy_loss(kinetic, mass, HEAVIEST_DELTA)
    assert found.item() == pytest.approx(missing, rel=1e-3)


def test_largest_delta_of_a_fast_muon() -> None:
    """By hand at 10 GeV/c: 1.022 94.645^2 / (1 + 2 94.650 0.0048363 + 2e-5) = 4779 MeV."""
    mass = float(MASS[Pid.MUON])
    kinetic = np.array([np.hypot(10_000, mass) - mass])
    assert largest_delta(kinetic, mass).item() == pytest.approx(4779, rel=1e-3)


def test_density_effect_meets_its_limits() -> None:
    """None at x0 = 0.2, and 2 ln(beta gamma) - 5.2146 from x1 = 3 on."""
    assert delta_effect(np.array([10**0.1])).item() == 0
    assert delta_effect(np.array([1e4])).item() == pytest.approx(2 * np.log(1e4) - 5.2146)
    assert delta_effect(np.array([10**0.2])).item() == pytest.approx(0, abs=0.01)


def test_electrons_radiate_as_much_as_they_ionise_at_the_critical_energy() -> None:
    """32.84 MeV for electrons in liquid argon (Particle Data Group)."""
    kinetic = np.linspace(20, 60, 4001)
    radiated = screening(kinetic) * (kinetic + ELECTRON_MASS) / RADIATION_CM
    cross = kinetic[np.abs(radiated - electron_loss(kinetic)).argmin()]
    assert cross == pytest.approx(CRITICAL_MEV, rel=0.03)
