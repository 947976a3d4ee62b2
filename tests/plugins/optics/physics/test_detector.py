"""Sensors, volumes, and the layout of the talk's tank."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from zoo.api import ConfigError, DataError
from zoo_optics.physics.detector import (
    Box,
    Cylinder,
    Detector,
    Sensors,
    cylinder_layout,
    detector_of,
)
from zoo_optics.sources.cherenkov import ring_positions, tank
from zoo_optics.sources.config import PositionsConfig, TankConfig


def two() -> Sensors:
    return Sensors(np.array([[100.0, 0, 0], [0, 0, 50]]), np.array([[-1.0, 0, 0], [0, 0, -1]]), 5.0)


@pytest.mark.realdata
def test_the_layout_is_that_of_simplesim(real_data: Path) -> None:
    """The file is that of CIDeR-ML/simpleCherenkovSim at b929c72."""
    with np.load(real_data / "optics/simplesim/simplesim_geometry.npz") as file:
        position, direction = 100 * file["positions_m"], file["directions"]
        sources = 100 * file["source_grid_m"]
    detector = tank(TankConfig())
    np.testing.assert_allclose(detector.sensors.position_cm, position, atol=1e-11)
    np.testing.assert_allclose(detector.sensors.direction, direction, atol=1e-14)
    np.testing.assert_allclose(ring_positions(PositionsConfig()), sources, atol=1e-11)
    assert (len(position), len(sources)) == (9946, 125)


def test_sensors_and_positions_are_as_many_as_the_settings_say() -> None:
    # 40 x 168 on the barrel, and twice 150 + 143 + ... + 14 + 5 + 1 = 1613 on the caps; five
    # heights of 12 + 8 + 4 + 1 positions: cyl_geom_config.json of simpleCherenkovSim at b929c72.
    assert len(tank(TankConfig()).sensors) == 40 * 168 + 2 * 1613 == 9946
    assert ring_positions(PositionsConfig()).shape == (5 * 25, 3)


def test_every_sensor_of_the_layout_stands_on_the_wall_and_looks_inward() -> None:
    volume = Cylinder(100.0, 80.0)
    sensors = cylinder_layout(volume, rows=3, columns=8, rings=(6, 1), radius_cm=4.0)
    radial = np.hypot(sensors.position_cm[:, 0], sensors.position_cm[:, 1])
    on_barrel = np.isclose(radial, 100) & (np.abs(sensors.position_cm[:, 2]) < 80)
    on_cap = np.isclose(np.abs(sensors.position_cm[:, 2]), 80)
    assert (on_barrel ^ on_cap).all()
    assert volume.holds(sensors.position_cm + 0.01 * sensors.direction).all()


def test_the_wall_has_the_area_of_the_textbook() -> None:
    assert Cylinder(1.0, 1.0).wall_cm2 == pytest.approx(2 * np.pi * 1 * 2 + 2 * np.pi)
    assert Box((0, 0, 0), (1, 2, 3)).wall_cm2 == pytest.approx(2 * (2 + 6 + 3))


@pytest.mark.parametrize("volume", [Cylinder(30.0, 50.0), Box((-10, 0, 5), (40, 20, 25))])
def test_points_are_even_over_the_volume_and_keep_the_margin(volume: Cylinder | Box) -> None:
    points = volume.points(np.random.default_rng(3).random((40_000, 3)), margin_cm=5.0)
    assert volume.holds(points).all()
    if isinstance(volume, Cylinder):
        radial = np.hypot(points[:, 0], points[:, 1])
        assert radial.max() <= 25
        assert np.abs(points[:, 2]).max() <= 45
        # Even over a disc of radius R: the mean of r^2 is R^2 / 2, its deviation R^2 / sqrt(12).
        assert (radial**2).mean() == pytest.approx(25**2 / 2, abs=4 * 25**2 / 12**0.5 / 200)
    else:
        assert (points >= volume.low + 5).all()
        assert (points <= volume.high - 5).all()
        middle, size = (volume.low + volume.high) / 2, volume.high - volume.low - 10
        np.testing.assert_allclose(points.mean(0), middle, atol=4 * size.max() / 12**0.5 / 200)


def test_facts_bring_the_detector_back() -> None:
    for volume in (Cylinder(100.0, 50.0), Box((0, -100, -50), (100, 100, 50))):
        back = detector_of(Detector(two(), volume).facts())
        assert back.volume == volume
        np.testing.assert_array_equal(back.sensors.position_cm, two().position_cm)
        np.testing.assert_array_equal(back.sensors.direction, two().direction)
        assert back.sensors.radius_cm == 5.0


def test_the_digest_knows_order_positions_and_radius() -> None:
    first = two()
    others = [
        Sensors(first.position_cm[::-1], first.direction[::-1], 5.0),
        Sensors(first.position_cm + 0.01, first.direction, 5.0),
        Sensors(first.position_cm, first.direction, 5.1),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == 4
    assert Sensors(first.position_cm + 1e-5, first.direction, 5.0).digest == first.digest  # 0.1 um


def test_changed_sensors_are_refused() -> None:
    facts = copy.deepcopy(Detector(two(), Cylinder(100.0, 50.0)).facts())
    facts["geometry"]["position_cm"][0, 0] = 99.0
    with pytest.raises(DataError, match="not those of the digest"):
        detector_of(facts)
    with pytest.raises(DataError, match="the facts lack 'geometry'"):
        detector_of({})


def test_impossible_sensors_are_refused() -> None:
    place, up = np.zeros((1, 3)), np.array([[0.0, 0, 1]])
    for position, direction, radius, message in (
        (place[0], up, 1.0, "positions"),
        (np.zeros((0, 3)), np.zeros((0, 3)), 1.0, "positions"),
        (place + np.nan, up, 1.0, "not finite"),
        (place, 2 * up, 1.0, "no unit vector"),
        (place, up, 0.0, "radius"),
    ):
        with pytest.raises(DataError, match=message):
            Sensors(position, direction, radius)
    with pytest.raises(ConfigError, match="no sensor"):
        cylinder_layout(Cylinder(1, 1), rows=0, columns=5, rings=(), radius_cm=1.0)
