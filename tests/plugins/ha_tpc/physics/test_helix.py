"""Helices against hand values, and where they leave."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_ha_tpc.physics.helix import Tracks, helix, inside, length_inside
from zoo_ha_tpc.physics.pad_plane import read_plane

PLANE = read_plane("ha-tpc")


def track(**given: float) -> Tracks:
    start = {"q_over_pt": 1.0, "phi": 0.0, "tan_lambda": 0.0, "x_mm": 500.0, "y_mm": 0.0}
    start |= {"z_mm": 0.0} | given
    return Tracks(**{name: np.array([value]) for name, value in start.items()})


def radius(points: np.ndarray) -> float:
    """Of the circle through three points (3, 2): product of the sides over four times the area."""
    one, two, three = points
    sides = [np.linalg.norm(a - b) for a, b in ((one, two), (two, three), (three, one))]
    (a, b), (c, d) = two - one, three - one
    return float(np.prod(sides) / (2 * abs(a * d - b * c)))


@pytest.mark.parametrize("p_t", [0.2, 1.0, 3.0])
def test_the_radius_is_the_momentum_over_the_field(p_t: float) -> None:
    """p = 0.2998 B R: 16.678 m at 1 GeV/c in 0.2 T (Particle Data Group: 0.3 B R)."""
    _, y, z = helix(track(q_over_pt=1 / p_t), 0.2, np.array([0.0, 700.0, 1500.0]))
    assert radius(np.stack([z[0], y[0]], axis=1)) == pytest.approx(16_678.2 * p_t, rel=1e-5)


def test_the_sagitta_at_one_gev() -> None:
    """L^2 / 8R = 19.2 mm over 1.6 m."""
    _, y, z = helix(track(), 0.2, np.array([800.0, 1600.0]))
    middle = y[0, 0] - y[0, 1] * z[0, 0] / z[0, 1]
    assert abs(middle) == pytest.approx(1600**2 / 8 / 16_678.2, rel=2e-3)


def test_the_force_bends_a_positive_charge_along_z_towards_y() -> None:
    """F = q v x B, and z x x = y."""
    for charge in (1.0, -1.0):
        _, y, _ = helix(track(q_over_pt=charge), 0.2, np.array([500.0]))
        assert np.sign(y.item()) == charge


def test_phi_turns_as_the_specs_say() -> None:
    step = 1e-3
    _, y, z = helix(track(q_over_pt=-2.0, phi=2.5), 0.2, 1000 + np.array([0.0, step]))
    phi = np.arctan2(np.diff(y), np.diff(z)).item()
    assert phi == pytest.approx(2.5 - 0.299792458 * 0.2 * 2.0 * 1.0, abs=1e-6)


def test_x_grows_with_the_length_in_the_plane() -> None:
    x, _, _ = helix(track(tan_lambda=-0.4), 0.2, np.array([250.0]))
    assert x.item() == pytest.approx(500 - 100)


def test_straight_tracks_leave_where_geometry_says() -> None:
    stiff = 1e-6
    assert length_inside(track(q_over_pt=stiff), PLANE).item() == pytest.approx(1666.3, abs=20)
    half_height = PLANE.y.length_mm / 2
    up = length_inside(track(q_over_pt=stiff, phi=np.pi / 6), PLANE).item()
    assert 0 <= up - 2 * half_height <= 20
    away = length_inside(track(q_over_pt=stiff, tan_lambda=2.0), PLANE).item()
    assert 0 <= away - 250 <= 20
    backward = length_inside(track(q_over_pt=stiff, phi=np.pi, z_mm=700.0), PLANE).item()
    assert 0 <= backward - 700 <= 20


def test_the_volume_ends_at_pads_and_drift() -> None:
    x, y, z = (np.array(c) for c in ([0.0, 1001, 5, 5, 5], [0.0, 0, 400, 0, 0], [1, 1, 1, -1, 2e3]))
    assert inside(PLANE, x, y, z).tolist() == [True, False, False, False, False]


def test_momentum_and_taking() -> None:
    both = Tracks(*(np.array([a, b]) for a, b in ((2.0, -0.5), (0, 1), (0, 1.0), *[(0, 0)] * 3)))
    np.testing.assert_allclose(both.momentum, [0.5, 2 * np.sqrt(2)])
    assert both.take(np.array([1])).q_over_pt.tolist() == [-0.5]
    swapped = both.replaced(np.array([0]), both.take(np.array([1])))
    assert swapped.phi.tolist() == [1, 1]
    assert both.phi.tolist() == [0, 1]
