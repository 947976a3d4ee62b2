"""What files of light are asked when they are opened: the numbers behind the refusals."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from zoo.api import DataError
from zoo_optics.physics.detector import Box, Cylinder, Sensors
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.sources.config import CherenkovConfig, LarBoxConfig
from zoo_optics.sources.lar_box import LarBox
from zoo_optics.sources.looks import Copies, require_inside, require_near, require_possible_times
from zoo_optics.sources.sensor_order import (
    LEAST_COSINE,
    charge_cosine,
    forward_cosine,
    require_order,
    solid_angle_agreement,
)

KEYS = np.arange(1, 17, dtype=np.uint64)
FIELDS = frozenset({"position", "direction", "charge"})


@pytest.fixture
def sensors(light: ModuleType) -> Sensors:
    """Of the invented tank."""
    return Sensors(*light.tank(), light.SENSOR)


def test_numbers_by_hand() -> None:
    """Light in the origin, a sensor at 10 cm that looks at it, one at 20 cm at 60 degrees."""
    normals = np.array([[-1.0, 0, 0], [np.sqrt(3) / 2, -0.5, 0]])
    two = Sensors(np.array([[10.0, 0, 0], [0, 20, 0]]), normals, 1e-3)
    origin, charge = np.zeros((1, 3)), np.array([[3.0, 1.0]])
    assert charge_cosine(origin, charge, two) == pytest.approx((3 * 1 + 1 * 0.5) / 4)
    along = np.array([[0.0, 1.0, 0.0]])
    assert forward_cosine(origin, along, charge, two) == pytest.approx(1 / 4)
    # Solid angles 1/100 and 0.5/400 are as 8 to 1: w = 1, 1/8, mean 9/16, sum(w^2)/sum(w) = 65/72.
    agreement, spread = solid_angle_agreement(origin, charge, two)
    found, right = 3 / 4 + 1 / 32 - 9 / 16, 65 / 72 - 9 / 16
    assert agreement == pytest.approx(found / right, rel=1e-5)
    # Of two sensors there are two orders: the sum is 25/32 or 3/4 / 8 + 1/4, 7/16 apart.
    assert spread == pytest.approx(7 / 32 / right, rel=1e-5)
    assert charge_cosine(origin, 0 * charge, two) == 1.0


@pytest.mark.parametrize("emission", ["isotropic", "cone"])
def test_the_tank_simulation_is_right_and_its_permutation_is_not(emission: str) -> None:
    tank = {"rows": 20, "columns": 60, "rings": (40, 30, 20, 10, 1), "sensor_radius_cm": 10.0}
    settings = {"tank": tank, "emission": emission, "photons": (4000, 4000)}
    source = Cherenkov(CherenkovConfig.model_validate(settings))
    table, found = source.simulate(KEYS, FIELDS), source.detector.sensors
    position, charge = table["position"].astype(float), table["charge"].astype(float)
    order = np.random.default_rng(1).permutation(len(found))
    assert charge_cosine(position, charge, found) == pytest.approx(0.75, abs=0.08)
    # Mixed sensors still look inward, so this cosine tells nothing of their order.
    assert charge_cosine(position, charge[:, order], found) > LEAST_COSINE
    assert solid_angle_agreement(position, charge, found)[0] > 0.9
    mixed, spread = solid_angle_agreement(position, charge[:, order], found)
    assert abs(mixed) < 5 * spread < 0.4
    if emission == "cone":
        axis = table["direction"].astype(float)
        # 41.4 degrees: cos 0.75
        assert forward_cosine(position, axis, charge, found) == pytest.approx(0.75, abs=0.05)
        assert abs(forward_cosine(position, axis, charge[:, order], found)) < 0.2


def test_the_box_simulation_is_right() -> None:
    """Also where light is not flat in angle, and bars stand before the sensors."""
    for options in ({}, {"shadow": 0.3}, {"attenuation_cm": 100.0}):
        source = LarBox(LarBoxConfig.model_validate(options))
        table, found = source.simulate(KEYS, FIELDS), source.detector.sensors
        position, charge = table["position"].astype(float), table["charge"].astype(float)
        assert charge_cosine(position, charge, found) > 0.4
        assert solid_angle_agreement(position, charge, found)[0] > 0.5
        assert solid_angle_agreement(position, charge[:, ::-1], found)[0] < 0.1


def test_half_of_the_light_reflected(light: ModuleType, sensors: Sensors) -> None:
    """Light that comes from everywhere makes the agreement the share of the direct one."""
    position = light.places(50)
    direct = light.share(position, sensors.position_cm, sensors.direction)
    direct /= direct.sum(axis=1, keepdims=True)
    flat = np.full_like(direct, 1 / direct.shape[1])
    for part in (1.0, 0.5, 0.1):
        found, _ = solid_angle_agreement(position, part * direct + (1 - part) * flat, sensors)
        assert found == pytest.approx(part, abs=0.03)
    require_order(position, 0.5 * direct + 0.5 * flat, sensors, 0.25, "")
    with pytest.raises(DataError, match=r"they agree by \+0\.1"):
        require_order(position, 0.1 * direct + 0.9 * flat, sensors, 0.25, "")


def test_places_that_show_nothing_are_not_judged() -> None:
    """From the middle of a sphere all sensors look alike, but for rounding."""
    rng = np.random.default_rng(1)
    normal = rng.normal(size=(60, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    sphere = Sensors(100 * normal, -normal, 5.0)
    charge = rng.poisson(20.0, (4, 60)).astype(np.float64)
    middle = np.zeros((4, 3))
    assert solid_angle_agreement(middle, charge, sphere) == (1.0, np.inf)
    require_order(middle, charge, sphere, 0.25, "")


def test_units_that_would_fit(light: ModuleType) -> None:
    volume = Cylinder(light.RADIUS, light.HALF_HEIGHT)
    places = light.places(20)
    require_inside(places, volume, "cm", "")
    require_inside(np.array([[light.RADIUS, 0.0, light.HALF_HEIGHT]]), volume, "cm", "")
    for factor, told in ((10, "1/10 times as large (mm instead of cm)"), (1000, "1/1000 times")):
        with pytest.raises(DataError, match=r"\d+ of 20 positions") as caught:
            require_inside(factor * places, volume, "cm", "")
        assert told in caught.value.remedy
    with pytest.raises(DataError, match="1 of 20 positions lie outside") as caught:
        require_inside(np.concatenate([places[:19], [[0, 0, 160.0]]]), volume, "cm", "")
    assert "check the unit (cm is assumed)" in caught.value.remedy


def test_sensors_of_another_table(light: ModuleType) -> None:
    position, direction = light.wall()
    box = Box(*light.BOX)
    require_near(Sensors(position, direction, 1.0), box, "")
    for factor, told in ((10, "10 times as large"), (0.1, "1/10 times as large")):
        with pytest.raises(DataError, match="are not those of a table") as caught:
            require_near(Sensors(factor * position, direction, 1.0), box, "")
        assert f"corners would fit {told}" in caught.value.remedy


def test_times_that_light_cannot_make() -> None:
    distance = np.linspace(100, 500, 50)
    require_possible_times(distance / 21.6, distance, "", "")
    with pytest.raises(DataError, match=r"light needs 10\.01 ns"):  # 300 cm / 29.979 cm/ns
        require_possible_times(distance / 100, distance, "", "")


def test_events_of_few_hits_may_be_equal() -> None:
    few, many = np.zeros((2, 50), np.float32), np.zeros((2, 50), np.float32)
    few[:, :7], many[:, :8] = 1, 1
    copies = Copies()
    copies.require_none(few, [0, 1], "a.h5")
    with pytest.raises(DataError, match=r"event 2 of a\.h5") as caught:
        copies.require_none(many, [2, 5], "a.h5")
    assert caught.value.where == "a.h5, event 5"
