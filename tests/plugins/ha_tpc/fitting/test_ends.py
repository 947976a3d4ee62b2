"""Which end of a track is taken for its start."""

import numpy as np
import pytest

from zoo_ha_tpc.fitting.circles import Arcs
from zoo_ha_tpc.fitting.ends import oriented
from zoo_ha_tpc.physics.pad_plane import PadPlane


def turned(
    plane: PadPlane,
    z: float,
    y: float,
    phi: float,
    length: float,
    *,
    drift: tuple[float, float] | None = None,
) -> bool:
    """Whether a straight track from (z, y) is taken to fly from its other end."""
    one = Arcs(np.array([z]), np.array([y]), np.array([phi]), np.zeros(1))
    told = drift and (np.array([drift[0]]), np.array([drift[1]]))
    found, _ = oriented(plane, one, np.array([length]), told)
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


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        ((300.0, -2.0), False),  # out through the pads after 150 mm
        ((700.0, 2.0), False),  # out through the cathode, 1000 mm away
        ((300.0, -1.0), True),  # 150 mm are left
        ((300.0, 1.0), True),
        ((2.0, -0.01), True),  # level: near the pads all the way
        ((np.nan, 0.0), True),  # no times
    ],
)
def test_a_track_from_the_face_that_leaves_through_an_end_of_the_drift(
    plane: PadPlane, drift: tuple[float, float], expected: bool
) -> None:
    assert plane.drift_mm == 1000
    assert turned(plane, 5.0, 100.0, 0.3, 150.0, drift=drift) is expected


def test_a_track_that_comes_in_through_the_drift_and_leaves_at_the_face(plane: PadPlane) -> None:
    """Both ends may go on: it flies along z, by the convention."""
    assert not turned(plane, 5.0, 100.0, 0.3, 150.0, drift=(700.0, 2.0))
    assert turned(plane, 5.0, 100.0, 0.3, 150.0, drift=(400.0, 2.0))
