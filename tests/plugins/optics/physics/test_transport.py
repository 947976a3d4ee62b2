"""Photons end where closed forms say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo_optics.physics.detector import Box, Cylinder, Detector, Sensors, cylinder_layout
from zoo_optics.physics.emission import isotropic
from zoo_optics.physics.transport import (
    Hits,
    Optics,
    Photons,
    Surfaces,
    Transport,
    rayleigh_cosine,
    turned,
)
from zoo_optics.physics.water import C_CM_NS, Medium, water

Array = NDArray[np.float64]
FAR = 1e15  # cm: never


def medium(absorption: float = FAR, scattering: float = FAR, index: float = 1.34) -> Medium:
    wavelength = np.array([300.0, 500.0])
    return Medium(
        wavelength,
        np.full(2, index),
        np.full(2, absorption),
        np.full(2, scattering),
    )


def photons(position: Array, direction: Array, wavelength: float = 400.0) -> Photons:
    count = len(direction)
    start = np.broadcast_to(position, (count, 3)).astype(np.float64)
    zero = np.zeros(count)
    return Photons(start, direction, zero, zero + wavelength, np.zeros(count, dtype=np.int64))


def flash(
    detector: Detector,
    optics: Optics,
    count: int,
    position: tuple[float, float, float] = (0.0, 0.0, 0.0),
    seed: int = 0,
) -> Hits:
    rng = np.random.default_rng(seed)
    light = photons(np.array(position), isotropic(rng.random((count, 2))))
    return Transport(detector, optics).run(light, rng)


def small_tank() -> Detector:
    volume = Cylinder(100.0, 120.0)
    sensors = cylinder_layout(volume, rows=5, columns=12, rings=(10, 5, 1), radius_cm=8.0)
    return Detector(sensors, volume)


def one_disc(radius: float = 30.0) -> Detector:
    """A disc on the end of the axis x of a box, looking back."""
    sensors = Sensors(np.array([[100.0, 0, 0]]), np.array([[-1.0, 0, 0]]), radius)
    return Detector(sensors, Box((-100, -100, -100), (100, 100, 100)))


def beam(degrees: float, count: int) -> Array:
    angle = np.deg2rad(degrees)
    return np.tile([np.cos(angle), np.sin(angle), 0.0], (count, 1))


def expected_direct(detector: Detector, point: Array, length: float) -> Array:
    """Integral of cos exp(-d / length) / (4 pi d^2) over every disc, in 24 x 24 pieces."""
    sensors, n = detector.sensors, 24
    total = np.zeros(len(sensors))
    r = sensors.radius_cm * np.sqrt((np.arange(n) + 0.5) / n)
    helper = np.where(np.abs(sensors.direction[:, 2:]) > 0.5, [[1.0, 0, 0]], [[0.0, 0, 1]])
    first = np.cross(sensors.direction, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(sensors.direction, first)
    for phi in 2 * np.pi * np.arange(n) / n:
        side = np.cos(phi) * first + np.sin(phi) * second
        way = sensors.position_cm[:, None] + r[:, None] * side[:, None] - point
        distance = np.linalg.norm(way, axis=2)
        cosine = -np.einsum("sri,si->sr", way, sensors.direction) / distance
        seen = np.clip(cosine, 0, None) * np.exp(-distance / length) / (4 * np.pi * distance**2)
        total += seen.sum(1) * np.pi * sensors.radius_cm**2 / n**2
    return total


def test_direct_light_is_solid_angle_times_attenuation() -> None:
    detector, count, point = small_tank(), 400_000, (20.0, -30.0, 40.0)
    hits = flash(detector, Optics(medium(absorption=150.0), Surfaces()), count, point)
    expected = count * expected_direct(detector, np.array(point), 150.0)
    seen = np.bincount(hits.sensor, minlength=len(expected))
    assert hits.direct.all()
    assert expected.min() > 30
    pull = (seen - expected) / np.sqrt(expected)
    # chi^2 of n sensors has a deviation of sqrt(2 n); the sum is Poisson.
    assert abs((pull**2).sum() - len(pull)) < 4 * np.sqrt(2 * len(pull))
    assert seen.sum() == pytest.approx(expected.sum(), abs=4 * expected.sum() ** 0.5)


def test_scattered_light_is_not_direct() -> None:
    detector, count = small_tank(), 300_000
    optics = Optics(medium(absorption=300.0, scattering=200.0), Surfaces())
    hits = flash(detector, optics, count, (20.0, -30.0, 40.0))
    # What is neither absorbed nor scattered: 1/120 = 1/300 + 1/200.
    mean = count * expected_direct(detector, np.array([20.0, -30.0, 40.0]), 120.0).sum()
    assert hits.direct.sum() == pytest.approx(mean, abs=4 * mean**0.5)
    assert (~hits.direct).sum() > 0.2 * mean
    assert hits.time[~hits.direct].mean() > hits.time[hits.direct].mean()


def test_absorption_alone() -> None:
    count = 100_000
    rng = np.random.default_rng(1)
    light = photons(np.array([0.0, 0, 0]), beam(0, count))
    hits = Transport(one_disc(), Optics(medium(absorption=70.0), Surfaces())).run(light, rng)
    share = np.exp(-100 / 70)
    error = np.sqrt(share * (1 - share) / count)
    assert len(hits.time) / count == pytest.approx(share, abs=4 * error)


@pytest.mark.parametrize("degrees", [0, 5, 45, 72, 85])
def test_the_efficiency_follows_the_table_of_angles(degrees: float) -> None:
    table = (1.0, 0.9, 0.99, 0.95, 0.90, 0.85, 0.80, 0.69, 0.35, 0.13)
    by_hand = {0: 1.0, 5: 0.95, 45: 0.875, 72: 0.622, 85: 0.24}[degrees]
    count, rng = 60_000, np.random.default_rng(2)
    light = photons(np.array([100.0, 0, 0]) - 20 * beam(degrees, 1)[0], beam(degrees, count))
    optics = Optics(medium(), Surfaces(efficiency=0.5, angular=table))
    found = len(Transport(one_disc(), optics).run(light, rng).time) / count
    share = 0.5 * by_hand
    assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / count))


def test_light_travels_at_the_group_speed() -> None:
    """c over the group index of water at 400 nm is 21.7 cm/ns, see test_water."""
    rng = np.random.default_rng(3)
    pure = water()
    light = photons(np.array([0.0, 0, 0]), beam(0, 100))
    hits = Transport(one_disc(), Optics(pure, Surfaces())).run(light, rng)
    group = float(pure.at(pure.group_index, np.array(400.0)))
    straight = hits.time[hits.direct]
    np.testing.assert_allclose(straight, 100 * group / C_CM_NS, rtol=1e-12)
    assert 21.5 < 100 / straight[0] < 22


def test_moments_of_rayleigh_scattering() -> None:
    """Of 3/8 (1 + c^2): <c> = <c^3> = 0, <c^2> = 2/5, <c^4> = 3/8 (2/5 + 2/7) = 9/35."""
    cosine = rayleigh_cosine((np.arange(200_000) + 0.5) / 200_000)
    for power, moment in ((1, 0), (2, 2 / 5), (3, 0), (4, 9 / 35)):
        assert (cosine**power).mean() == pytest.approx(moment, abs=1e-9)
    assert rayleigh_cosine(np.array([0.0, 0.5, 1.0])) == pytest.approx([-1, 0, 1], abs=1e-12)
    # Its integral from -1 to c, by hand at c = 1/2: (3 c + c^3 + 4) / 8 = 5.625 / 8.
    assert rayleigh_cosine(np.array([5.625 / 8])) == pytest.approx([0.5])


def test_turned_vectors_have_their_angle_and_any_azimuth() -> None:
    rng = np.random.default_rng(4)
    axis = isotropic(rng.random((50_000, 2)))
    cosine = 2 * rng.random(50_000) - 1
    found = turned(axis, cosine, rng)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose((found * axis).sum(1), cosine, atol=1e-12)
    # Axes and azimuths are even, and so are the turned ones: variance 1/3 of each component.
    assert np.abs(found.mean(0)).max() < 4 / np.sqrt(3 * 50_000)
    same = turned(np.tile([0.0, 0, 1], (50_000, 1)), np.full(50_000, 0.5), rng)
    assert np.abs(same[:, :2].mean(0)).max() < 4 * np.sqrt(0.75 / 2 / 50_000)


def test_a_mirror_reflects_and_lambert_spreads() -> None:
    rng = np.random.default_rng(5)
    normal = isotropic(rng.random((100_000, 2)))
    inward = turned(normal, -rng.random(100_000), rng)
    for specular in (0.0, 1.0):
        optics = Optics(medium(), Surfaces(specular=specular))
        out = Transport(one_disc(), optics)._reflected(inward, normal, rng)
        cosine = (out * normal).sum(1)
        assert (cosine >= 0).all()
        if specular:
            np.testing.assert_allclose(cosine, -(inward * normal).sum(1), atol=1e-12)
            across = inward + out - (inward + out) * 0.5
            np.testing.assert_allclose((across * normal).sum(1), 0, atol=1e-12)
        else:
            # Density 2 c: <c> = 2/3, <c^2> = 1/2, so the deviation is 1/sqrt(18).
            assert cosine.mean() == pytest.approx(2 / 3, abs=4 / np.sqrt(18 * 100_000))
            assert (cosine**2).mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * 100_000))
            # It has forgotten where it came from.
            tangent = out - cosine[:, None] * normal
            before = inward - (inward * normal).sum(1)[:, None] * normal
            assert abs((tangent * before).sum(1).mean()) < 4 * 0.5 / np.sqrt(100_000)


@pytest.mark.parametrize("scattering", [FAR, 150.0])
def test_no_photon_is_lost_between_perfect_mirrors(scattering: float) -> None:
    """Without absorption and with reflectivity 1 all photons end in a sensor."""
    surfaces = Surfaces(
        efficiency=0.5, sensor_reflectivity=1.0, wall_reflectivity=1.0, specular=0.3
    )
    count = 10_000
    hits = flash(small_tank(), Optics(medium(scattering=scattering), surfaces), count)
    assert len(hits.time) == count


def test_between_perfect_mirrors_all_photons_are_detected_or_absorbed() -> None:
    """The share that arrives is the mean of exp(-way / length) over ways without absorption."""
    surfaces = Surfaces(efficiency=0.5, sensor_reflectivity=1.0, wall_reflectivity=1.0)
    count, length = 20_000, 600.0
    free = flash(small_tank(), Optics(medium(), surfaces), count)
    chance = np.exp(-free.time * C_CM_NS / 1.34 / length)
    hits = flash(small_tank(), Optics(medium(absorption=length), surfaces), count, seed=1)
    error = np.sqrt(chance.var() / count + chance.mean() * (1 - chance.mean()) / count)
    assert 0.1 < chance.mean() < 0.9
    assert len(hits.time) / count == pytest.approx(chance.mean(), abs=4 * error)


def test_reflectivity_of_walls_and_of_sensors_are_told_apart() -> None:
    blind = Surfaces(efficiency=0.0, sensor_reflectivity=1.0, wall_reflectivity=1.0)
    transport = Transport(one_disc(), Optics(medium(), blind))
    at_disc = np.array([True, False])
    rng = np.random.default_rng(6)
    assert transport._reflects(at_disc, rng).tolist() == [True, True]
    walls = Transport(one_disc(), Optics(medium(), Surfaces(wall_reflectivity=1.0)))
    assert walls._reflects(at_disc, rng).tolist() == [False, True]


def test_events_keep_their_photons_and_the_order_is_theirs() -> None:
    rng = np.random.default_rng(7)
    light = photons(np.array([0.0, 0, 0]), beam(0, 6))
    light.event = np.array([2, 0, 1, 2, 1, 2])
    hits = Transport(one_disc(), Optics(medium(), Surfaces())).run(light, rng)
    np.testing.assert_array_equal(hits.event, [0, 1, 1, 2, 2, 2])
    assert (hits.sensor == 0).all()


def test_no_light_makes_no_hits() -> None:
    hits = flash(small_tank(), Optics(medium(), Surfaces()), 0)
    assert len(hits.event) == len(hits.sensor) == len(hits.time) == len(hits.direct) == 0
