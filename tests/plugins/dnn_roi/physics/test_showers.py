"""The shape of electron showers against the numbers that it is said to have."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.api import ConfigError
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.showers import (
    CRITICAL_ENERGY_MEV,
    MOLIERE_MM,
    RADIATION_LENGTH_MM,
    electron_shower,
    longitudinal_shape,
)

ALONG_X = (1.0, 0.0, 0.0)
ORIGIN = (0.0, 0.0, 0.0)
TRUNK_MEV = 2.1 * 14.0  # one radiation length of a minimum-ionising track


def showers(energy_mev: float, count: int, seed: int = 1) -> Depos:
    rng = np.random.default_rng(seed)
    return Depos.concatenate(
        [electron_shower(energy_mev, ALONG_X, ORIGIN, rng) for _ in range(count)]
    )


def within(depos: Depos, radius_mm: float) -> float:
    inside = np.hypot(depos.y, depos.z) < radius_mm
    return float(depos.electrons[inside].sum() / depos.electrons.sum())


def test_constants_of_argon_agree_with_one_another() -> None:
    # PDG: 19.55 g/cm2 at 1.396 g/cm3; Moliere radius X0 (21.2 MeV / Ec) = 12.62 g/cm2.
    assert pytest.approx(195.5 / 1.396, rel=1e-3) == RADIATION_LENGTH_MM
    assert pytest.approx(126.2 / 1.396, rel=1e-3) == MOLIERE_MM
    assert pytest.approx(RADIATION_LENGTH_MM * 21.2 / CRITICAL_ENERGY_MEV, rel=2e-3) == MOLIERE_MM


@pytest.mark.parametrize(
    ("energy_mev", "maximum"),
    # PDG: ln(E / 32.84 MeV) - 0.5 radiation lengths, by hand.
    [(100.0, 0.614), (1000.0, 2.916), (5000.0, 4.526)],
)
def test_the_maximum_lies_at_the_published_depth(energy_mev: float, maximum: float) -> None:
    a, b = longitudinal_shape(energy_mev)
    assert (a - 1) / b == pytest.approx(maximum, abs=1e-3)


def test_showers_are_deepest_where_the_gamma_density_is() -> None:
    depos = showers(5000.0, 20)
    depth = depos.x / RADIATION_LENGTH_MM
    centres = np.arange(2.25, 7.5, 0.5)
    counts, _ = np.histogram(
        depth, np.append(centres - 0.25, centres[-1] + 0.25), weights=depos.electrons
    )
    curvature, slope, _ = np.polyfit(centres, counts, 2)
    assert -slope / (2 * curvature) == pytest.approx(4.526, abs=0.4)


@pytest.mark.parametrize("energy_mev", [100.0, 1000.0, 5000.0])
def test_the_mean_depth_is_that_of_trunk_and_gamma_density(energy_mev: float) -> None:
    a, b = longitudinal_shape(energy_mev)
    count = 60
    depos = showers(energy_mev, count)
    mean = np.average(depos.x, weights=depos.electrons) / RADIATION_LENGTH_MM
    rest = energy_mev - TRUNK_MEV
    expected = (TRUNK_MEV * 0.5 + rest * a / b) / energy_mev
    tracks = count * rest / 4.2
    assert mean == pytest.approx(expected, abs=5 * np.sqrt(a) / b / np.sqrt(tracks))


@pytest.mark.parametrize("energy_mev", [300.0, 1000.0, 5000.0])
def test_nine_tenths_lie_within_one_moliere_radius(energy_mev: float) -> None:
    # PDG: 90 % within one Moliere radius, 99 % within 3.5.
    depos = showers(energy_mev, 30)
    assert within(depos, MOLIERE_MM) == pytest.approx(0.90, abs=0.025)
    assert within(depos, 3.5 * MOLIERE_MM) == pytest.approx(0.99, abs=0.01)


def test_a_shower_is_narrow_at_its_start() -> None:
    depos = showers(1000.0, 30)
    early, late = (
        depos.take(np.abs(depos.x / RADIATION_LENGTH_MM - depth) < 0.5) for depth in (0.5, 4.0)
    )
    assert within(early, 20.0) > 0.75
    assert within(late, 20.0) < 0.65


@pytest.mark.parametrize("energy_mev", [100.0, 1000.0, 5000.0])
def test_charge_is_energy_over_ion_pairs_after_recombination(energy_mev: float) -> None:
    count = 60
    charge = showers(energy_mev, count).electrons.sum() / count
    # 23.6 eV a pair; 0.70 of the electrons of a minimum-ionising track escape.
    sampling = 0.31 / np.sqrt(energy_mev / 4.2 * count)
    assert charge == pytest.approx(energy_mev * 1e6 / 23.6 * 0.70, rel=0.02 + 4 * sampling)


def test_charge_fluctuates_with_the_number_of_tracks() -> None:
    rng = np.random.default_rng(3)
    charge = np.array(
        [electron_shower(1000.0, ALONG_X, ORIGIN, rng).electrons.sum() for _ in range(300)]
    )
    # Lengths of 10 to 30 steps have a variance of (21^2 - 1) / 12; a trunk has always one length.
    rest = 1000.0 - TRUNK_MEV
    expected = np.sqrt(440 / 12) / 20 / np.sqrt(rest / 4.2) * rest / 1000.0
    assert charge.std() / charge.mean() == pytest.approx(expected, rel=0.2)


def test_the_electron_is_minimum_ionising_before_it_radiates() -> None:
    # Tracks around the vertex lie on top, of 5 GeV hardly any: 6.2e3 electrons a millimetre.
    depos = showers(5000.0, 40)
    start = (depos.x > 0) & (depos.x < 30) & (np.hypot(depos.y, depos.z) < 1e-9)
    assert depos.electrons[start].sum() / 30 / 40 == pytest.approx(6.2e3, rel=0.04)


def test_a_shower_develops_from_its_vertex_in_its_direction() -> None:
    direction = np.array([0.3, -0.5, 0.8])
    vertex = (700.0, -30.0, 250.0)
    rng = np.random.default_rng(5)
    depos = electron_shower(2000.0, (0.3, -0.5, 0.8), vertex, rng, time_ns=7.0)
    offset = np.stack([depos.x, depos.y, depos.z], axis=1) - vertex
    moments = (offset * depos.electrons[:, None]).T @ offset
    axis = np.linalg.eigh(moments)[1][:, -1]
    unit = direction / np.linalg.norm(direction)
    assert abs(axis @ unit) > np.cos(np.deg2rad(3))
    assert np.average(offset @ unit, weights=depos.electrons) > 0
    assert set(depos.time) == {7.0}


def test_equal_generators_give_equal_showers() -> None:
    first, second, other = (showers(300.0, 1, seed) for seed in (9, 9, 10))
    np.testing.assert_array_equal(first.electrons, second.electrons)
    np.testing.assert_array_equal(first.y, second.y)
    same: bool = len(other) == len(first) and bool((other.electrons == first.electrons).all())
    assert not same


def test_impossible_showers_are_refused() -> None:
    rng: np.random.Generator = np.random.default_rng(1)
    for energy in (59.0, float("nan")):
        with pytest.raises(ConfigError, match="MeV"):
            electron_shower(energy, ALONG_X, ORIGIN, rng)
    with pytest.raises(ConfigError, match="direction"):
        electron_shower(100.0, ORIGIN, ORIGIN, rng)
