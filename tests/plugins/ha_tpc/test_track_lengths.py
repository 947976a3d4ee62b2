"""Tracks on the plane: places against the equation of motion, lengths against geometry."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.api import Ragged
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.track_lengths import extent_of, positions

PLANE = read_plane("ha-tpc")
WIDTH, HEIGHT = PLANE.z.length_mm, PLANE.y.length_mm


def tracks(count: int = 1, **changes: object) -> dict[str, np.ndarray]:
    base = {"q_over_pt": 1e-6, "phi": 0.0, "z_ini": 0.0, "y_ini": 0.0}
    return {
        name: np.broadcast_to(np.asarray(v, float), count) for name, v in (base | changes).items()
    }


def test_the_size_of_the_plane():
    # 144 and 64 pads of 11.28 and 10.19 mm, with three gaps and one of 14 mm.
    assert pytest.approx(1666.32) == WIDTH
    assert pytest.approx(666.16) == HEIGHT


def test_places_follow_the_direction_that_turns():
    # dz = cos(phi) ds, dy = sin(phi) ds, dphi = 0.2998 B q/p_t ds, in small steps.
    track = {"q_over_pt": 2.0, "phi": 0.4, "z_ini": 30.0, "y_ini": -50.0}
    steps = 20_000
    phi = 0.4 + 0.299792458 * 0.2 * 2.0 * (np.arange(steps) + 0.5) / steps * 1.5
    z = 30 + 1500 * np.cos(phi).mean()
    y = -50 + 1500 * np.sin(phi).mean()
    assert positions(track, 1500.0, 0.2) == pytest.approx((z, y), abs=1e-4)
    negative = {**track, "q_over_pt": -2.0, "phi": -0.4, "y_ini": 50.0}
    assert positions(negative, 1500.0, 0.2) == pytest.approx((z, -y), abs=1e-4)


def test_a_sagitta():
    # 1 GeV/c at 0.2 T: a radius of 16.68 m, and over 1.6 m a sagitta of L^2 / 8R = 19.2 mm.
    track = {"q_over_pt": 1.0, "phi": 0.0, "z_ini": 0.0, "y_ini": 0.0}
    z, y = positions(track, np.array([0.0, 800.0, 1600.0]), 0.2)
    chord = np.array([z[2], y[2]]) / np.hypot(z[2], y[2])
    assert abs(chord[0] * y[1] - chord[1] * z[1]) == pytest.approx(19.2, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "length", "clusters"),
    [
        ({}, WIDTH, 144),
        ({"phi": np.pi, "z_ini": WIDTH}, WIDTH, 144),
        ({"z_ini": 400.0}, WIDTH - 400, 144 * (1 - 400 / WIDTH)),
        ({"z_ini": -300.0}, WIDTH, 144),  # it comes from outside
        ({"phi": np.pi / 2, "z_ini": 500.0, "y_ini": -HEIGHT / 2}, HEIGHT, 64),
        ({"phi": np.pi / 4, "y_ini": 0.0}, HEIGHT / 2 * 2**0.5, HEIGHT / 2 * 64 / HEIGHT),
        ({"phi": np.pi, "z_ini": -10.0}, 0.0, 0),  # it never reaches the plane
    ],
)
def test_lengths_of_straight_tracks(changes: dict[str, float], length: float, clusters: float):
    found = extent_of(tracks(**changes), PLANE)
    assert found.length_mm[0] == pytest.approx(length, abs=6)
    assert found.clusters[0] == pytest.approx(clusters, abs=0.6)


def test_the_length_of_an_arc():
    # A radius of 500 mm: from the middle of the lower edge upwards half a turn back to that edge
    # would reach 500 mm high, inside; the arc is pi R.
    q = 1 / (0.299792458 * 0.2 * 0.5)
    found = extent_of(
        tracks(q_over_pt=-q, phi=np.pi / 2, z_ini=300.0, y_ini=-HEIGHT / 2 + 1), PLANE
    )
    assert found.length_mm[0] == pytest.approx(np.pi * 500, abs=8)


def test_the_drift_volume_ends_a_track():
    # 300 mm to the anode at a slope of 0.5: 600 mm on the plane.
    samples = tracks(x_ini=300.0, tan_lambda=-0.5)
    assert extent_of(samples, PLANE).length_mm[0] == pytest.approx(600, abs=6)
    samples = tracks(x_ini=300.0, tan_lambda=0.0)
    assert extent_of(samples, PLANE).length_mm[0] == pytest.approx(WIDTH, abs=6)


def test_without_truth_hits_tell_it():
    columns = np.arange(20, 100)
    rows = np.full(80, 30)
    other = np.arange(10, 30)
    samples = {
        "hit_row": Ragged.of([rows.astype(np.uint8), other.astype(np.uint8)]),
        "hit_column": Ragged.of([columns.astype(np.uint8), np.full(20, 5, np.uint8)]),
        "hit_charge": Ragged.of([np.full(80, 300, np.uint16), np.full(20, 200, np.uint16)]),
    }
    found = extent_of(samples, PLANE)
    # 80 columns and two gaps; 20 rows without one.
    assert found.length_mm == pytest.approx([80 * 11.28 + 28, 20 * 10.19], rel=0.02)
    assert found.clusters == pytest.approx([80, 20], rel=0.03)


def test_a_faint_hit_far_away_hardly_counts():
    rows = np.append(np.full(60, 30), 60)
    columns = np.append(np.arange(60), 140)
    samples = {
        "hit_row": Ragged.of([rows.astype(np.uint8)]),
        "hit_column": Ragged.of([columns.astype(np.uint8)]),
        "hit_charge": Ragged.of([np.append(np.full(60, 400), 25).astype(np.uint16)]),
    }
    assert extent_of(samples, PLANE).length_mm[0] == pytest.approx(690.8, rel=0.04)


def test_many_tracks_at_once_and_none():
    phi = np.linspace(-1, 1, 5000)
    whole = extent_of(tracks(5000, phi=phi), PLANE)
    some = extent_of(tracks(3, phi=phi[[0, 2500, 4999]]), PLANE)
    np.testing.assert_allclose(whole.length_mm[[0, 2500, 4999]], some.length_mm)
    assert len(extent_of(tracks(0), PLANE).length_mm) == 0
