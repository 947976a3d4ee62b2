"""Directions, ways, ends, energies and vertices of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from zoo_sparse_reco.chain.objects.axes import direction_at, principal_axis
from zoo_sparse_reco.chain.objects.ends import Points, ends_of_track, start_of_shower
from zoo_sparse_reco.chain.objects.energies import (
    energy_by_range,
    kind_of_shower,
    kind_of_track,
)
from zoo_sparse_reco.chain.objects.event import Event, Members, Said
from zoo_sparse_reco.chain.objects.paths import Way, length_along
from zoo_sparse_reco.chain.objects.tables import tables_of
from zoo_sparse_reco.chain.objects.vertices import common_end, nearest_to_lines
from zoo_sparse_reco.physics.labels import Pid, Semantic
from zoo_sparse_reco.physics.liquid_argon import DENSITY
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid

NO_POINTS = Points(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0))


def _line(start: tuple[int, int, int], step: tuple[int, int, int], count: int) -> np.ndarray:
    return np.array(start) + np.outer(np.arange(count), step) + 0.5


def _walk(seed: int, steps: int) -> np.ndarray:
    """Different voxels, each next to one before."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(-1, 2, (steps, 3)), axis=0)
    return np.unique(walk, axis=0) + 0.5


def test_principal_axis_is_that_of_numpy_s_covariance() -> None:
    place = np.random.default_rng(1).normal(size=(50, 3)) * [1, 4, 2]
    values, axes = np.linalg.eigh(np.cov(place.T))
    assert abs(principal_axis(place) @ axes[:, values.argmax()]) == pytest.approx(1)


def test_a_direction_points_away_from_the_start() -> None:
    place = _line((0, 0, 0), (1, 1, 0), 20)
    np.testing.assert_allclose(direction_at(place, place[0]), [0.5**0.5, 0.5**0.5, 0], atol=1e-12)
    np.testing.assert_allclose(direction_at(place, place[-1]), [-(0.5**0.5)] * 2 + [0], atol=1e-12)


def test_only_what_is_near_tells_the_direction() -> None:
    bent = np.concatenate([_line((0, 0, 0), (1, 0, 0), 8), _line((7, 1, 0), (0, 1, 0), 40)])
    np.testing.assert_allclose(direction_at(bent, bent[0]), [1, 0, 0], atol=1e-12)


def test_one_voxel_has_no_direction() -> None:
    assert np.isnan(direction_at(np.full((1, 3), 2.5), np.full(3, 2.5))).all()


@pytest.mark.parametrize("seed", range(3))
def test_distances_along_a_way_are_those_of_floyd_and_warshall(seed: int) -> None:
    place = _walk(seed, 60)
    apart = cdist(place, place)
    every = np.where(apart < 1.999, apart, np.inf)
    for over in range(len(place)):
        every = np.minimum(every, every[:, [over]] + every[[over]])
    np.testing.assert_allclose(Way(place).from_voxel(0), every[0], rtol=1e-12)


def test_a_gap_is_crossed_where_it_is_narrowest() -> None:
    """Ten voxels, four missing, ten more: 9 + 5 + 9 steps."""
    place = np.concatenate([_line((0, 0, 0), (1, 0, 0), 10), _line((14, 0, 0), (1, 0, 0), 10)])
    way = Way(place)
    assert way.from_voxel(0).max() == pytest.approx(23)
    assert set(way.ends()) == {0, 19}


def test_length_of_an_oblique_line_is_not_that_of_its_zigzag() -> None:
    """From (0, 0, 0) to (90, 40, 0): 98.5; over voxels it is 90 + 40 (sqrt 2 - 1) = 106.6."""
    along = np.linspace(0, 1, 400)[:, None] * [90.0, 40.0, 0.0]
    place = np.unique(np.floor(along), axis=0) + 0.5
    way = Way(place)
    distance = way.from_voxel(0)
    assert distance.max() == pytest.approx(106.6, abs=0.7)
    assert length_along(place, distance, place[0], place[-1]) == pytest.approx(98.5, rel=0.01)


def test_length_of_a_corner_is_that_of_both_sides() -> None:
    place = np.concatenate([_line((0, 0, 0), (1, 0, 0), 61), _line((60, 1, 0), (0, 1, 0), 60)])
    distance = Way(place).from_voxel(0)
    # The sections next to the corner cut it: 5 + 5 become 5 sqrt 2, and a voxel is cut besides.
    found = length_along(place, distance, place[0], place[-1])
    assert 120 - (10 - 50**0.5) - 1 < found < 120


def test_a_track_ends_where_it_loses_most() -> None:
    place = _line((0, 0, 0), (1, 0, 0), 40)
    deposit = np.where(np.arange(40) < 6, 3.0, 0.6)  # it stops at the low end
    ends = ends_of_track(place, deposit, Semantic.TRACK, NO_POINTS)
    np.testing.assert_array_equal(ends.end, place[0])
    np.testing.assert_array_equal(ends.start, place[-1])
    assert ends.sure
    assert ends.distance[0] == pytest.approx(39)


def test_an_even_track_is_not_sure_of_its_direction() -> None:
    place = _line((0, 0, 0), (1, 0, 0), 40)
    assert not ends_of_track(place, np.full(40, 0.6), Semantic.TRACK, NO_POINTS).sure


def test_points_tell_where_a_track_ends_and_are_its_ends() -> None:
    place = _line((0, 0, 0), (1, 0, 0), 40)
    deposit = np.where(np.arange(40) < 6, 3.0, 0.6)
    where = np.array([[-0.2, 0.4, 0.5], [40.1, 0.5, 0.6], [40.0, 0.5, 0.5]])
    points = Points(where, np.array([1, 1, 0]), np.array([0.02, 0.99, 0.5]))
    ends = ends_of_track(place, deposit, Semantic.TRACK, points)
    np.testing.assert_array_equal(ends.start, where[0])
    np.testing.assert_array_equal(ends.end, where[1])


def test_a_shower_starts_at_its_narrow_end_or_away_from_its_rest_or_at_a_point() -> None:
    narrow = _line((0, 0, 0), (1, 0, 0), 12)
    wide = np.concatenate([_line((12, side, 0), (1, 0, 0), 12) for side in (-2, 0, 2)])
    place = np.concatenate([narrow, wide])
    energy = np.ones(len(place))
    np.testing.assert_array_equal(start_of_shower(place, place, energy, 0, NO_POINTS), place[0])
    # Of two fragments the first begins on the side away from the other.
    rest = np.concatenate([place, _line((-40, 0, 0), (1, 0, 0), 20)])
    start = start_of_shower(rest, narrow, np.ones(12), 0, NO_POINTS)
    np.testing.assert_array_equal(start, narrow[-1])
    told = Points(np.array([[11.0, 1.0, 0.0]]), np.array([0]), np.array([0.0]))
    start = start_of_shower(place, narrow, np.ones(12), 0, told)
    np.testing.assert_array_equal(start, told.place[0])


# The same tables as in tests/plugins/sparse_reco/simulation/test_stopping.py: muons by Groom,
# Mokhov and Striganov (pdg.lbl.gov, muonloss_289), protons by NIST PSTAR; MeV, g/cm2.
@pytest.mark.parametrize(
    ("pid", "kinetic", "range_g_cm2"),
    [
        (Pid.MUON, 100, 42.50),
        (Pid.MUON, 400, 238.5),
        (Pid.PROTON, 40, 2.159),
        (Pid.PROTON, 200, 36.27),
    ],
)
def test_energy_of_a_published_range(pid: Pid, kinetic: float, range_g_cm2: float) -> None:
    assert energy_by_range(range_g_cm2 / DENSITY, pid) == pytest.approx(kinetic, rel=0.01)


def test_a_photon_and_an_unknown_kind_have_no_range() -> None:
    assert np.isnan(energy_by_range(10.0, Pid.PHOTON))
    assert np.isnan(energy_by_range(10.0, -1))
    assert np.isnan(energy_by_range(0.0, Pid.MUON))


def test_kinds_by_energy_and_range() -> None:
    """26 cm are 200 MeV of a proton (PSTAR: 36.27 g/cm2), and some 85 MeV of a muon."""
    length = 36.27 / DENSITY
    proton, muon = (kind_of_track(energy, length, contained=True) for energy in (200.0, 85.0))
    assert proton.argmax() == Pid.PROTON
    assert muon.argmax() == Pid.MUON
    assert proton.sum() == pytest.approx(1)
    # Both pulls by hand: ln(200/200) = 0 and ln(200/E_mu) over 0.15.
    pull = np.log(200 / energy_by_range(length, Pid.MUON)) / 0.15
    assert proton[Pid.MUON] == pytest.approx(
        np.exp(-(pull**2) / 2) / (1 + np.exp(-(pull**2) / 2)), abs=1e-3
    )
    assert kind_of_track(200.0, length, contained=False)[Pid.MUON] == 1


def test_kinds_of_showers_by_their_first_loss() -> None:
    """As likely either where ln(x / 4.2) = -ln(x / 2.1): x = 2.970."""
    assert kind_of_shower(0, 4.2).argmax() == Pid.PHOTON
    assert kind_of_shower(0, 2.1).argmax() == Pid.ELECTRON
    np.testing.assert_allclose(kind_of_shower(0, (4.2 * 2.1) ** 0.5)[:2], 0.5)
    np.testing.assert_allclose(kind_of_shower(0, np.nan)[:2], 0.5)
    assert kind_of_shower(int(Semantic.MICHEL), 4.2)[Pid.ELECTRON] == 1


def test_lines_that_meet_have_their_vertex_there() -> None:
    rng = np.random.default_rng(2)
    vertex = np.array([10.0, -3.0, 7.0])
    way = rng.normal(size=(5, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    away = np.array([0.0, 0.0, 0.0, 30.0, 60.0])[:, None]
    track = away[:, 0] == 0
    found = nearest_to_lines(vertex + away * way, way, track)
    np.testing.assert_allclose(found, vertex, atol=0.3)


def test_the_vertex_is_the_minimum_of_the_weighted_squares() -> None:
    """Close lines, whose Huber weights are all 1: against scipy's minimum of the same sum."""
    rng = np.random.default_rng(3)
    start = rng.normal(scale=0.5, size=(4, 3))
    way = rng.normal(size=(4, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    track = np.array([True, True, False, True])
    weight = np.array([1.0, 0.3, 2.0, 0.7])

    def squares(place: np.ndarray) -> float:
        total = 0.0
        for at, along, is_track, factor in zip(start, way, track, weight, strict=True):
            apart = place - at
            aside = apart - (apart @ along) * along
            total += factor * (aside @ aside + (1.0 if is_track else 0.0025) * apart @ apart)
        return total

    best = minimize(squares, np.zeros(3), tol=1e-12).x
    np.testing.assert_allclose(nearest_to_lines(start, way, track, weight), best, atol=1e-5)


def test_a_particle_that_misses_the_others_hardly_moves_the_vertex() -> None:
    way = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]])
    start = np.array([[0.0, 0, 0], [0, 0, 0], [0, 0, 0], [200, 0, 0]])
    found = nearest_to_lines(start, way, np.ones(4, bool))
    assert np.linalg.norm(found) < 5
    assert np.linalg.norm(start.mean(axis=0)) == 50


def test_one_particle_has_its_vertex_at_its_start_and_an_unknown_direction_counts_as_none() -> None:
    start = np.array([[3.0, 4.0, 5.0]])
    for way in ([[1.0, 0, 0]], [[np.nan] * 3]):
        found = nearest_to_lines(start, np.array(way), np.array([False]))
        np.testing.assert_allclose(found, start[0])


def test_the_common_end_is_where_most_particles_meet() -> None:
    ends = [
        np.array([[0.0, 0, 0], [50, 0, 0]]),
        np.array([[0.0, 1, 0], [0, 60, 0]]),
        np.array([[1.0, 0, 0]]),
    ]
    found = common_end(ends)
    assert found is not None
    assert np.linalg.norm(found) <= 1
    assert common_end(ends[:1]) is None


def test_even_tracks_start_where_they_meet_and_have_their_vertex_there() -> None:
    """Three muons from (40, 40, 40), of even loss: nothing but their meeting tells the starts."""
    lines = [_line((40, 40, 40), step, 30) for step in ((1, 0, 0), (0, 1, 0), (0, 0, -1))]
    lines = [line if number == 0 else line[1:] for number, line in enumerate(lines)]
    place = np.concatenate(lines).astype(np.int64)
    of = np.repeat(np.arange(3), [len(line) for line in lines])
    everywhere = np.zeros(len(place), np.int64)
    event = Event(
        place, np.full(len(place), 0.6), everywhere + 1, of, of, everywhere, points=NO_POINTS
    )
    tables = tables_of(event, VoxelGrid(name="test", shape=(96, 96, 96), voxel_mm=3.0))
    start = tables["particles/start"]
    assert (np.linalg.norm(start - 40.5, axis=1) <= 1).all()
    assert np.linalg.norm(tables["interactions/vertex"][0] - 40.5) < 1
    np.testing.assert_array_equal(tables["particles/pid"], Pid.MUON)
    # 29 steps of 3 mm; its range is 12.1 g/cm2, a little above Groom's 10.58 of 40 MeV.
    assert tables["particles/length"][0] == pytest.approx(8.7)
    assert tables["particles/energy_range"][0] == pytest.approx(44, rel=0.03)
    assert tables["particles/energy"][0] == pytest.approx(18)
    assert tables["interactions/primaries"][0] == 3
    assert tables["particles/contained"].all()


def test_members_and_what_is_said_of_them() -> None:
    members = Members(np.array([1, -1, 0, 1, 1]), 3)
    np.testing.assert_array_equal(members.of(1), [0, 3, 4])
    np.testing.assert_array_equal(members.sizes, [1, 3, 0])
    np.testing.assert_array_equal(members.most(np.array([4, 9, 2, 4, 3])), [2, 4, -1])
    said = Said(np.array([5, 2]), primary=np.array([0.1, 0.9]))
    found = said.of("primary", np.array([2, 3, 5]))
    np.testing.assert_array_equal(found, [0.9, np.nan, 0.1])
    assert said.of("pid", np.array([2])) is None
