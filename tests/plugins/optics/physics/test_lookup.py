"""The look-up finds what a search over all sensors finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors, cylinder_layout
from zoo_optics.physics.emission import isotropic
from zoo_optics.physics.lookup import SensorLookup
from zoo_optics.physics.walls import to_wall
from zoo_optics.sources.cherenkov import tank
from zoo_optics.sources.config import TankConfig
from zoo_optics.sources.geometries import load_detector

Array = NDArray[np.float64]


def first_of_all(
    sensors: Sensors, start: Array, direction: Array, block: int = 250
) -> tuple[NDArray[np.intp], Array]:
    """Every ray with every disc: the nearest that is met from its front."""
    found, distance = [], []
    for low in range(0, len(start), block):
        here, way = start[low : low + block], direction[low : low + block]
        facing = way @ sensors.direction.T
        height = (sensors.position_cm * sensors.direction).sum(1) - here @ sensors.direction.T
        with np.errstate(divide="ignore", invalid="ignore"):
            length = height / facing
            # |here + length way - centre|^2, multiplied out
            along = (here * way).sum(1)[:, None] - way @ sensors.position_cm.T
            apart = (here**2).sum(1)[:, None] + (sensors.position_cm**2).sum(1)
            off = apart - 2 * here @ sensors.position_cm.T + length * (2 * along + length)
        met = (off < sensors.radius_cm**2) & (facing < 0) & (length > 0)
        length = np.where(met, length, np.inf)
        nearest = length.argmin(1)
        distance.append(length[np.arange(len(here)), nearest])
        found.append(np.where(np.isfinite(distance[-1]), nearest, -1))
    return np.concatenate(found), np.concatenate(distance)


def compare(detector: Detector, start: Array, direction: Array, at_least: int) -> None:
    found, distance = SensorLookup(detector).first(start, direction)
    expected, at = first_of_all(detector.sensors, start, direction)
    assert (expected >= 0).sum() > at_least
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(distance, at, rtol=1e-9)


def inside(detector: Detector, count: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return detector.volume.points(rng.random((count, 3))), isotropic(rng.random((count, 2)))


@pytest.mark.slow
def test_the_tank_of_the_talk() -> None:
    detector = tank(TankConfig())
    compare(detector, *inside(detector, 10_000, 1), at_least=1500)
    assert SensorLookup(detector).candidates < 10  # of 9946


@pytest.mark.realdata
def test_wcte_whose_sensors_stand_before_the_wall(real_data: Path) -> None:
    detector = load_detector(real_data / "optics/wcte/wcte_design_geometry.npz")
    assert len(detector.sensors) == 2014
    radial = np.hypot(*detector.sensors.position_cm[:, :2].T)
    on_barrel = np.abs(detector.sensors.direction[:, 2]) < 0.5
    assert detector.volume.radius_cm - radial[on_barrel].max() > 0.5  # not one touches the barrel
    compare(detector, *inside(detector, 10_000, 2), at_least=1500)


@pytest.mark.realdata
def test_wcte_from_the_wall_as_reflected_light_starts(real_data: Path) -> None:
    detector = load_detector(real_data / "optics/wcte/wcte_design_geometry.npz")
    start, direction = inside(detector, 4000, 3)
    distance, normal = to_wall(detector.volume, start, direction)
    start = start + direction * distance[:, None] + 1e-7 * normal
    _, direction = inside(detector, 4000, 4)
    direction *= np.where(np.einsum("ij,ij->i", direction, normal) < 0, -1, 1)[:, None]
    compare(detector, start, direction, at_least=500)


def test_tilted_discs_deep_inside_a_tank_and_grazing_rays() -> None:
    rng = np.random.default_rng(7)
    volume = Cylinder(50.0, 40.0)
    grid = cylinder_layout(volume, rows=6, columns=20, rings=(20, 10), radius_cm=4.0)
    tilted = grid.direction + 0.7 * isotropic(rng.random((len(grid), 2)))
    tilted /= np.linalg.norm(tilted, axis=1, keepdims=True)
    depth = 12 * rng.random((len(grid), 1))
    detector = Detector(Sensors(grid.position_cm + depth * grid.direction, tilted, 4.0), volume)
    compare(detector, *inside(detector, 5000, 8), at_least=500)


def test_a_box_with_sensors_before_its_wall() -> None:
    rng = np.random.default_rng(9)
    position = np.column_stack([np.full(60, 97.0), 200 * rng.random((60, 2))])
    sensors = Sensors(position, np.tile([-1.0, 0.0, 0.0], (60, 1)), 8.0)
    detector = Detector(sensors, Box((0, 0, 0), (100, 200, 200)))
    compare(detector, *inside(detector, 5000, 10), at_least=200)


def test_a_single_disc_is_met_from_its_front_alone() -> None:
    disc = Sensors(np.array([[5.0, 0, 0]]), np.array([[-1.0, 0, 0]]), 1.0)
    lookup = SensorLookup(Detector(disc, Cylinder(10.0, 10.0)))
    start = np.array([[0.0, 0, 0], [8, 0, 0], [0, 0.99, 0], [0, 1.01, 0], [0, 0, 0]])
    way = np.array([[1.0, 0, 0], [-1, 0, 0], [1, 0, 0], [1, 0, 0], [-1, 0, 0]])
    found, distance = lookup.first(start, way)
    np.testing.assert_array_equal(found, [0, -1, 0, -1, -1])
    np.testing.assert_array_equal(distance, [5, np.inf, 5, np.inf, np.inf])


def test_no_ray_at_all() -> None:
    found, distance = SensorLookup(tank(TankConfig(rows=2, columns=4))).first(
        *[np.zeros((0, 3))] * 2
    )
    assert len(found) == len(distance) == 0
