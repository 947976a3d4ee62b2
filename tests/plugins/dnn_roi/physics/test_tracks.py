"""Energy loss, recombination, tracks and cosmic events."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, moyal

from zoo.api import ConfigError
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.simulation import Simulation
from zoo_dnn_roi.physics.tracks import (
    _cosmic_directions,
    box_recombination,
    cosmic_muons,
    energy_loss,
    ionisation,
    muon_track,
)


def test_recombination_of_a_minimum_ionising_muon() -> None:
    # ArgoNeuT's modified box model at 0.5 kV/cm, by hand: ln(0.93 + 0.6378) / 0.6378.
    assert box_recombination(np.array([2.1]))[0] == pytest.approx(0.705, abs=0.001)
    # A stopping proton (about 20 MeV/cm) keeps about a third (JINST 8 P08005, figure 10).
    assert 0.28 < box_recombination(np.array([20.0]))[0] < 0.36


def test_a_muon_gives_6200_electrons_per_millimetre() -> None:
    rng = np.random.default_rng(4)
    electrons = ionisation(energy_loss(50000, 1.0, rng), 1.0)
    # 2.1 MeV/cm, 23.6 eV a pair, recombination 0.70: 6.2e3 electrons/mm.
    assert electrons.mean() == pytest.approx(6.2e3, rel=0.03)
    assert ionisation(energy_loss(1, 1.0, None), 1.0)[0] == pytest.approx(6.27e3, rel=0.01)


def test_fluctuations_follow_the_moyal_density() -> None:
    loss = energy_loss(20000, 2.0, np.random.default_rng(5))
    xi = 0.1535 * 18 / 39.948 * 1.396 * 0.2  # MeV in 2 mm of argon
    location = 2.1 * 0.2 - xi * (np.euler_gamma + np.log(2))
    assert kstest(loss, moyal(location, xi).cdf).pvalue > 1e-3
    assert loss.mean() == pytest.approx(0.42, rel=0.005)


def test_direction_of_a_track() -> None:
    depos = muon_track(1000.0, 30.0, centre_mm=(700.0, 5.0, -20.0), time_ns=3.0)
    assert len(depos) == 2000
    assert depos.x.mean() == pytest.approx(700)
    assert np.ptp(depos.x) == pytest.approx(999.5 * 0.5)
    assert np.ptp(depos.z) == pytest.approx(999.5 * np.sqrt(3) / 2)
    assert not np.ptp(depos.y)
    assert set(depos.time) == {3.0}
    up = muon_track(1000.0, 0.0, theta_y_deg=90.0)
    assert np.ptp(up.y) == pytest.approx(999.5)
    assert np.ptp(up.z) < 1e-9


def test_zenith_angles_of_cosmic_muons() -> None:
    direction = _cosmic_directions(40000, np.random.default_rng(6))
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1)
    # Intensity cos^2: density 3 c^2 of c = cos(zenith), of mean 3/4 and variance 3/80.
    cosine = -direction[:, 1]
    assert cosine.mean() == pytest.approx(0.75, abs=5 * np.sqrt(3 / 80 / 40000))
    assert cosine.var() == pytest.approx(3 / 80, rel=0.05)
    np.testing.assert_allclose(direction[:, [0, 2]].mean(axis=0), 0, atol=0.02)


def test_cosmic_events_fill_the_volume() -> None:
    detector = protodune_hd(wires=100, ticks=1500, drift_length_mm=900.0)
    depos = cosmic_muons(detector, np.random.default_rng(7), muons=(200, 200), step_mm=2.0)
    assert detector.seen(depos.y, depos.z).all()
    assert depos.x.min() >= 0
    assert depos.x.max() <= 900
    assert np.ptp(depos.x) > 800
    assert depos.time.min() < 0 < depos.time.max() <= 1500 * 500


def test_occupancy_of_cosmic_events() -> None:
    detector = protodune_hd(wires=200, ticks=2000)
    simulation, rng = Simulation(detector), np.random.default_rng(8)
    occupied = []
    for _ in range(30):
        truth = simulation.truth(simulation.drift(cosmic_muons(detector, rng), rng))
        occupied.append([(truth[name] > 100).mean() for name in "UV"])
    # Real ProtoDUNE-HD frames (run 27409): 2.7 % of U and 2.5 % of V samples lie in ROIs. One
    # event varies by 2 %, so that thirty give the mean to 0.35 %.
    assert 0.014 < np.mean(occupied) < 0.036


def test_equal_generators_give_equal_events() -> None:
    detector = protodune_hd(wires=50, ticks=500)
    first, second, other = (
        cosmic_muons(detector, np.random.default_rng(seed)) for seed in (9, 9, 10)
    )
    np.testing.assert_array_equal(first.electrons, second.electrons)
    assert len(other) != len(first) or not np.array_equal(other.electrons, first.electrons)


def test_empty_and_impossible_events() -> None:
    detector = protodune_hd(wires=50, ticks=500)
    assert len(cosmic_muons(detector, np.random.default_rng(1), muons=(0, 0))) == 0
    with pytest.raises(ConfigError, match="muons"):
        cosmic_muons(detector, np.random.default_rng(1), muons=(5, 4))
    with pytest.raises(ConfigError, match="track"):
        muon_track(0.1, 0.0)
