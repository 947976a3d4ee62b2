"""Ways to the wall, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_optics.physics.detector import Box, Cylinder
from zoo_optics.physics.emission import isotropic
from zoo_optics.physics.walls import crossing, to_wall

TANK = Cylinder(5.0, 4.0)
ROOM = Box((-1.0, 0.0, 2.0), (3.0, 5.0, 9.0))


def rays(*pairs: tuple[tuple[float, ...], tuple[float, ...]]) -> tuple[np.ndarray, np.ndarray]:
    start, way = (np.array(part, dtype=np.float64) for part in zip(*pairs, strict=True))
    return start, way / np.linalg.norm(way, axis=1, keepdims=True)


def test_a_tank_from_known_places() -> None:
    start, way = rays(
        ((0, 0, 0), (1, 0, 0)),  # the radius
        ((3, 0, 0), (0, 1, 0)),  # half a chord at distance 3: sqrt(25 - 9)
        ((3, 0, 0), (0, 0, -1)),  # down to the cap
        ((0, 0, 0), (3, 4, 5)),  # 5 across and 5 up: the cap is 4 up, at 4/5 of 5 sqrt(2)
        ((0, 0, 1), (3, 4, -1)),  # 5 across and 1 down: the barrel, sqrt(26)
    )
    distance, normal = to_wall(TANK, start, way)
    np.testing.assert_allclose(distance, [5, 4, 4, 4 * 2**0.5, 26**0.5], rtol=1e-14)
    expected = [[-1, 0, 0], [-0.6, -0.8, 0], [0, 0, 1], [0, 0, -1], [-0.6, -0.8, 0]]
    np.testing.assert_allclose(normal, expected, atol=1e-14)


def test_a_box_from_known_places() -> None:
    start, way = rays(
        ((0, 1, 3), (1, 0, 0)),  # 3 to the wall of largest x
        ((0, 1, 3), (-1, 0, 0)),  # 1 to the other
        ((0, 1, 3), (0, 0, 1)),
        ((0, 1, 3), (1, 1, 1)),  # 3 in x before 4 in y and 6 in z
    )
    distance, normal = to_wall(ROOM, start, way)
    np.testing.assert_allclose(distance, [3, 1, 6, 3 * 3**0.5], rtol=1e-14)
    np.testing.assert_allclose(normal, [[-1, 0, 0], [1, 0, 0], [0, 0, -1], [-1, 0, 0]], atol=1e-14)


@pytest.mark.parametrize("volume", [TANK, ROOM])
def test_every_ray_ends_on_the_wall_and_crosses_it_there(volume: Cylinder | Box) -> None:
    rng = np.random.default_rng(5)
    start, way = volume.points(rng.random((5000, 3))), isotropic(rng.random((5000, 2)))
    distance, normal = to_wall(volume, start, way)
    assert volume.holds(start + way * (distance - 1e-9)[:, None]).all()
    assert not volume.holds(start + way * (distance + 1e-9)[:, None]).any()
    assert (np.einsum("ij,ij->i", way, normal) < 0).all()
    enter, leave = crossing(volume, start, way)
    np.testing.assert_allclose(leave, distance, atol=1e-12)
    assert (enter < 0).all()
    np.testing.assert_allclose(-enter, to_wall(volume, start, -way)[0], atol=1e-12)


def test_the_mean_chord_of_isotropic_light_is_four_volumes_over_the_wall() -> None:
    """Cauchy: chords that enter with a cosine law have a mean length of 4 V / S."""
    rng = np.random.default_rng(6)
    start, way = TANK.points(rng.random((40_000, 3))), isotropic(rng.random((40_000, 2)))
    enter, leave = crossing(TANK, start, way)
    chord = leave - enter
    # Even points choose chords in proportion to their length: the mean of 1 / chord undoes that.
    volume = np.pi * TANK.radius_cm**2 * 2 * TANK.half_height_cm
    assert 1 / (1 / chord).mean() == pytest.approx(4 * volume / TANK.wall_cm2, rel=0.02)


def test_lines_that_miss_or_run_along_an_axis() -> None:
    start, way = rays(
        ((6, 0, 0), (0, 1, 0)),  # beside the tank
        ((0, 0, 9), (1, 0, 0)),  # above it
        ((0, 0, 9), (0, 0, -1)),  # down its axis, from outside
        ((6, 0, 0), (0, 0, 1)),  # parallel to its axis, outside
    )
    enter, leave = crossing(TANK, start, way)
    assert (enter[[0, 1, 3]] > leave[[0, 1, 3]]).all()
    assert (enter[2], leave[2]) == (5, 13)


def test_a_wall_is_moved_in_and_out() -> None:
    start, way = rays(((0, 0, 0), (1, 0, 0)))
    for grown, distance in ((0.0, 5.0), (1.5, 6.5), (-2.0, 3.0)):
        assert crossing(TANK, start, way, grown)[1][0] == distance
    enter, leave = crossing(TANK, start, way, -4.5)  # nothing is left of it
    assert enter[0] > leave[0]
    assert crossing(ROOM, start + np.array([0.0, 1, 3]), way, 1.0)[1][0] == 4.0
