"""Which end of a track is taken for its start."""

import numpy as np
import pytest

from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.ends import oriented
from zoo_ha_tpc.physics.pad_plane import PadPlane


def turned(plane: PadPlane, z: float, y: float, phi: float, length: float) -> bool:
    """Whether a straight track from (z, y) is taken to fly from its other end."""
    one = Arcs(np.array([z]), np.array([y]), np.array([phi]), np.zeros(1))
    found, _ = oriented(plane, one, np.array([length]))
    return bool(np.cos(found.phi[0]) < 0)


@pytest.mark.parametrize("phi", [-1.0, -0.3, 0.0, 0.5])
def test_a_track_that_leaves_at_the_face_began_inside(plane: PadPlane, phi: float) -> None:
    assert turned(plane, 5.0, 100.0, phi, 150.0)


def test_a_track_that_begins_inside_and_leaves_behind_is_not_turned(plane: PadPlane) -> None:
    assert not turned(plane, 1200.0, 100.0, 0.1, 436.0)


def test_a_track_through_the_whole_plane_flies_along_z(plane: PadPlane) -> None:
    assert not turned(plane, 5.0, 100.0, 0.05, 1656.0)


def test_a_track_that_is_lost_along_the_gap_of_the_modules_flies_along_z(plane: PadPlane) -> None:
    # It comes down on the gap at y = 0 and reaches the end of the plane before it is through.
    assert not turned(plane, 5.0, 125.0, -0.08, 1490.0)


def test_a_track_that_is_lost_along_the_edge_of_the_plane_flies_along_z(plane: PadPlane) -> None:
    edge = -plane.y.length_mm / 2
    assert not turned(plane, 5.0, edge + 3.0 + 120.0, -0.1, 1205.0)


def test_a_track_from_behind_a_gap_that_it_would_cross_began_there(plane: PadPlane) -> None:
    # From 5 mm above the gap up and back to the face: below the gap it would have been seen.
    y = plane.y.gap_mm / 2 + 5.0
    length = 300.0
    start = (5.0, y + length * np.sin(1.0))
    assert turned(plane, *start, -1.0, length)
