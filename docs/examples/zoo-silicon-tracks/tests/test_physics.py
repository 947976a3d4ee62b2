"""Helices and pairs of hits against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from zoo_silicon_tracks.config import HelicesConfig
from zoo_silicon_tracks.doublets import find_doublets, true_doublets
from zoo_silicon_tracks.helix import RADII, Particles, curvature, highland, scattered, to_radius
from zoo_silicon_tracks.sources import Helices

from zoo.api import Table

FIELDS = frozenset({"position", "layer", "particle", "momentum"})
PERFECT = {"efficiency": 1.0, "noise": 0.0, "thickness": 1e-12}
EXACT = {"resolution": 1e-9, "pixels_z": 1e-9, "strips_z": 1e-9}


def events(count: int, **settings: float) -> Table:
    config = HelicesConfig.model_validate(settings)
    return Helices(config).simulate(np.arange(count, dtype=np.uint64), FIELDS)


def from_origin(momentum: float, azimuth: float, slope: float, count: int = 1) -> Particles:
    one, zero = np.ones(count), np.zeros(count)
    bend = curvature(momentum * one)
    return Particles(zero, zero, zero, azimuth * one, slope * one, bend)


def test_the_radius_of_curvature() -> None:
    # p_t = 0.299792458 B R: 1 GeV in 2 T bends with R = 1 / 0.599584916 m
    assert 1 / curvature(np.float64(1.0)) == pytest.approx(1667.82, abs=0.01)
    assert from_origin(0.7, 0.0, 0.0).momentum[0] == pytest.approx(0.7)


@pytest.mark.parametrize("radius", RADII)
def test_where_a_helix_from_the_origin_meets_a_cylinder(radius: float) -> None:
    # chord r of a circle of radius R: seen under azimuth + asin(r / 2R), arc 2R asin(r / 2R)
    bend = float(curvature(np.float64(0.5)))
    there = to_radius(from_origin(0.5, 0.3, 0.8), radius)
    half = np.arcsin(radius * bend / 2)
    assert np.hypot(there.x, there.y)[0] == pytest.approx(radius)
    assert np.arctan2(there.y, there.x)[0] == pytest.approx(0.3 + half)
    assert there.z[0] == pytest.approx(0.8 * 2 * half / bend)
    assert there.azimuth[0] == pytest.approx(0.3 + 2 * half)


def test_highland() -> None:
    # by hand for a pion of 1 GeV, beta = 0.99040, x / X0 = 0.02:
    # 13.6 / 990.4 * 0.141421 * (1 + 0.038 ln(0.02 / 0.98089)) = 1.6548e-3
    width = highland(np.array([1.0]), np.array([0.02]))[0]
    assert width == pytest.approx(1.6548e-3, rel=1e-3)


def test_scattering_turns_and_keeps_the_momentum() -> None:
    count = 20000
    before = from_origin(1.0, 0.0, 0.5, count)
    after = scattered(before, 0.02, np.random.default_rng(1).normal(size=(count, 2)))
    total = [p.momentum * np.hypot(1, p.slope) for p in (before, after)]
    np.testing.assert_allclose(total[1], total[0])
    # total momentum sqrt(1.25) GeV, thickness 0.02 sqrt(1.25); 1 / sin(theta) = sqrt(1.25)
    root = np.sqrt(1.25)
    width = highland(np.array([root]), np.array([0.02 * root]))[0]
    assert after.azimuth.std() == pytest.approx(width * root, rel=0.02)
    assert after.slope.std() == pytest.approx(width * root**2, rel=0.02)


def test_an_event_depends_on_its_key_alone() -> None:
    source = Helices(HelicesConfig(fewest=3, most=6))
    whole = source.simulate(np.arange(4, dtype=np.uint64), FIELDS)
    part = source.simulate(np.array([2], np.uint64), FIELDS)
    assert all(np.array_equal(part[name][0], whole[name][2]) for name in FIELDS)


def test_hits_are_lost_and_added_as_set() -> None:
    made = events(40, efficiency=0.9, noise=0.2)
    owner = made["particle"].values
    particles = len(made["momentum"].values)
    true, noise = (owner >= 0).sum(), (owner < 0).sum()
    # 2600 particles in 8 layers: relative errors of 0.2 % and 1.6 %
    assert true / (8 * particles) == pytest.approx(0.9, abs=0.01)
    assert noise / true == pytest.approx(0.2, rel=0.06)
    assert (np.diff(made["layer"][0]) >= 0).all()


def test_a_pair_of_hits_of_an_exact_helix_tells_its_parameters() -> None:
    made = events(3, fewest=5, most=5, **PERFECT, **EXACT)
    for event in range(3):
        position, layer, particle = (made[n][event] for n in ("position", "layer", "particle"))
        found = find_doublets(position, layer)
        true = true_doublets(found, particle, layer)
        assert true.sum() == 5 * 7
        owner = particle[found.hits[true, 0]]
        size = curvature(made["momentum"][event][owner].astype(np.float64))
        # particles start 0.015 mm beside the beam line: 32 mm x 40 mm pairs see that most
        outer = layer[found.hits[true, 0]] >= 4
        np.testing.assert_allclose(np.abs(found.curvature[true])[outer], size[outer], rtol=0.02)
        for one in range(5):
            same = owner == one
            assert np.ptp(found.slope[true][same]) < 2e-3
            assert np.ptp(found.origin[true][same]) < 0.1
        shared = found.hits[found.links[:, 0], 1] == found.hits[found.links[:, 1], 0]
        assert shared.all()
