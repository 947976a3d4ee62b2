"""Solid angles against closed forms and a numerical integral."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from zoo_optics.physics.emission import isotropic
from zoo_optics.physics.solid_angle import cosine_and_distance, disc, dome, rectangle

Array = NDArray[np.float64]


def integral(points: Array, area: Array, normal: Array) -> float:
    """Sum of cos / d^2 dA over the pieces of a surface, seen from the origin."""
    distance = np.linalg.norm(points, axis=-1)
    cosine = -(points * normal).sum(-1) / distance
    return float((np.clip(cosine, 0, None) / distance**2 * area).sum())


def disc_integral(radius: float, centre: Array, normal: Array, n: int = 400) -> float:
    r = radius * (np.arange(n) + 0.5)[:, None] / n
    phi = 2 * np.pi * np.arange(n) / n
    helper = np.array([0.0, 1, 0])
    first = np.cross(normal, helper) / np.linalg.norm(np.cross(normal, helper))
    second = np.cross(normal, first)
    points = centre + (r * np.cos(phi))[..., None] * first + (r * np.sin(phi))[..., None] * second
    return integral(points, r * (radius / n) * (2 * np.pi / n) * np.ones(n), normal)


def test_a_disc_on_its_axis() -> None:
    # 2 pi (1 - cos a) of the cone with tan a = r / d: half of space at distance 0.
    angle = np.arctan2(3.0, np.array([0.0, 1.0, 3.0, 50.0]))
    found = disc(3.0, np.array([0.0, 1.0, 3.0, 50.0]), np.ones(4))
    np.testing.assert_allclose(found, 2 * np.pi * (1 - np.cos(angle)), rtol=1e-12)
    assert found[0] == pytest.approx(2 * np.pi)


@pytest.mark.parametrize(("degrees", "ratio"), [(0, 4), (30, 10), (60, 10), (80, 20), (60, 40)])
def test_a_disc_seen_at_an_angle(degrees: float, ratio: float) -> None:
    angle = np.deg2rad(degrees)
    normal = np.array([-np.cos(angle), 0, -np.sin(angle)])
    exact = disc_integral(1.0, np.array([ratio, 0, 0]), normal)
    found = disc(1.0, np.array(ratio), np.cos(angle))
    assert float(found) == pytest.approx(exact, rel=2.5 / ratio**2 + 1e-4)


def test_nothing_is_seen_from_behind() -> None:
    assert disc(1.0, np.array(5.0), np.array(-0.5)) == 0
    assert dome(1.0, np.array(5.0), np.array(-0.5)) == 0


def test_a_dome_from_known_places() -> None:
    # On the axis a sphere of radius d / 2 hides a cone of 30 degrees: 2 pi (1 - sqrt(3) / 2).
    found = dome(2.0, np.array([4.0, 2.0, 1.0]), np.ones(3))
    np.testing.assert_allclose(found, 2 * np.pi * np.array([1 - 3**0.5 / 2, 1, 1]), rtol=1e-12)


@pytest.mark.parametrize("degrees", [20, 50, 80])
def test_a_dome_at_an_angle_hides_as_much_as_rays_find(degrees: float) -> None:
    radius, distance, angle = 1.0, 60.0, np.deg2rad(degrees)
    axis = np.array([-np.cos(angle), 0, -np.sin(angle)])  # towards the point, turned by the angle
    centre = np.array([distance, 0, 0])
    # Rays into a cone that holds the dome: the share that meets it, times the cone's solid angle.
    uniform = np.random.default_rng(1).random((400_000, 2))
    edge = np.sqrt(1 - (1.05 * radius / distance) ** 2)
    along = edge + (1 - edge) * uniform[:, 0]
    phi, across = 2 * np.pi * uniform[:, 1], np.sqrt(1 - along**2)
    way = np.stack([along, across * np.cos(phi), across * np.sin(phi)], axis=1)
    middle = way @ centre
    gap = middle**2 - (distance**2 - radius**2)
    met = np.zeros(len(way), dtype=bool)
    for sign in (-1, 1):
        point = (middle + sign * np.sqrt(np.clip(gap, 0, None)))[:, None] * way
        met |= (gap > 0) & ((point - centre) @ axis > 0)
    share = met.mean()
    exact = share * 2 * np.pi * (1 - edge)
    error = exact * np.sqrt((1 - share) / share / len(way))
    found = float(dome(radius, np.array(distance), np.cos(angle)))
    assert found == pytest.approx(exact, abs=4 * error + 0.01 * exact)


def test_a_dome_looks_as_larsoft_has_it() -> None:
    """LArSoft takes a sphere smaller by these lengths, cm, beyond five radii of 10.16 cm.

    ``dome_par1`` of WireCell/wire-cell-data, sbnd/photodet at 433fe886, for 5, 15, ... 85 degrees.
    """
    smaller = [0.0, 0.0, 0.19569, 0.300449, 0.555598, 0.854939, 1.39166, 2.19141, 2.57732]
    distance = np.full(9, 200.0)
    cosine = np.cos(np.deg2rad(np.arange(5, 90, 10)))
    sphere = 2 * np.pi * (1 - np.sqrt(1 - ((10.16 - np.array(smaller)) / distance) ** 2))
    np.testing.assert_allclose(dome(10.16, distance, cosine), sphere, rtol=0.075)


def test_a_rectangle_from_known_places() -> None:
    nothing = np.array(0.0)
    # Touched, it is half of space; a face of a cube seen from its middle is a sixth of all.
    assert rectangle(6.0, 4.0, nothing, nothing, np.array(1e-12)) == pytest.approx(2 * np.pi)
    assert rectangle(2.0, 2.0, nothing, nothing, np.array(1.0)) == pytest.approx(4 * np.pi / 6)
    # Eight cubes meet in a corner, and three far faces of each are alike: a 24th of all.
    corner = rectangle(1.0, 1.0, np.array(0.5), np.array(0.5), np.array(1.0))
    assert corner == pytest.approx(4 * np.pi / 24)


def test_a_rectangle_beside_the_point() -> None:
    n = 400
    y, z = np.meshgrid(6 * ((np.arange(n) + 0.5) / n - 0.5), 4 * ((np.arange(n) + 0.5) / n - 0.5))
    points = np.stack([np.full_like(y, 3.0), y - 5.0, z - 2.5], axis=-1)
    exact = integral(points, np.full_like(y, 24 / n**2), np.array([-1.0, 0, 0]))
    found = rectangle(6.0, 4.0, np.array(5.0), np.array(2.5), np.array(3.0))
    assert float(found) == pytest.approx(exact, rel=1e-4)


def test_cosine_and_distance_of_known_places() -> None:
    sensor, normal = np.array([[0.0, 0, 10], [3, 0, 4]]), np.array([[0.0, 0, -1], [-1, 0, 0]])
    cosine, distance = cosine_and_distance(np.array([[0.0, 0, 0], [0, 0, 20]]), sensor, normal)
    np.testing.assert_allclose(distance, [[10, 5], [10, (9 + 256) ** 0.5]])
    np.testing.assert_allclose(cosine, [[1, 0.6], [-1, 3 / 265**0.5]])
    at_sensor = cosine_and_distance(sensor[:1], sensor[:1], normal[:1])
    assert (at_sensor[0].item(), at_sensor[1].item()) == (1, 0)


def test_isotropic_light_finds_the_solid_angle() -> None:
    way = isotropic(np.random.default_rng(2).random((400_000, 2)))
    with np.errstate(divide="ignore"):
        point = way * (3.0 / way[:, :1])
    met = (way[:, 0] > 0) & (np.hypot(point[:, 1], point[:, 2]) < 2.0)
    expected = float(disc(2.0, np.array(3.0), np.array(1.0))) / (4 * np.pi)
    assert met.mean() == pytest.approx(expected, abs=4 * (expected / len(way)) ** 0.5)
