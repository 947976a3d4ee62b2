"""How light starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from zoo_optics.physics.emission import emitted, isotropic
from zoo_optics.physics.water import C_CM_NS


@dataclass(frozen=True)
class How:
    emission: str
    cone_deg: float = 41.4
    track_cm: float = 200.0


AXIS = np.array([0.6, 0.0, 0.8])
PLACE = np.array([1.0, 2.0, 3.0])
COUNT = 40_000


def light(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return emitted(How(kind), PLACE, AXIS, COUNT, np.random.default_rng(1))


def test_isotropic_light_has_the_moments_of_a_sphere() -> None:
    way = isotropic(np.random.default_rng(2).random((COUNT, 2)))
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1, rtol=1e-12)
    # Components are even in -1 to 1 (Archimedes): mean 0, square 1/3 with deviation sqrt(4/45).
    assert np.abs(way.mean(0)).max() < 4 / np.sqrt(3 * COUNT)
    assert np.abs((way**2).mean(0) - 1 / 3).max() < 4 * np.sqrt(4 / 45 / COUNT)


def test_a_flash_starts_in_one_place_at_one_time() -> None:
    for kind in ("isotropic", "cone", "beam"):
        start, way, delay = light(kind)
        assert (start == PLACE).all()
        assert (delay == 0).all()
        assert way.shape == (COUNT, 3)


def test_a_cone_has_its_angle_and_a_beam_none() -> None:
    _, way, _ = light("cone")
    np.testing.assert_allclose(way @ AXIS, np.cos(np.deg2rad(41.4)), rtol=1e-12)
    across = way - (way @ AXIS)[:, None] * AXIS
    assert np.abs(across.mean(0)).max() < 4 * np.sin(np.deg2rad(41.4)) / np.sqrt(2 * COUNT)
    np.testing.assert_array_equal(light("beam")[1], np.tile(AXIS, (COUNT, 1)))


def test_a_track_shines_along_its_length_as_the_charge_passes() -> None:
    start, way, delay = light("track")
    along = (start - PLACE) @ AXIS
    np.testing.assert_allclose(start, PLACE + along[:, None] * AXIS, atol=1e-12)
    np.testing.assert_allclose(delay, along / C_CM_NS, atol=1e-12)
    assert along.min() >= 0
    assert along.max() <= 200
    assert along.mean() == pytest.approx(100, abs=4 * 200 / np.sqrt(12 * COUNT))
    np.testing.assert_allclose(way @ AXIS, np.cos(np.deg2rad(41.4)), rtol=1e-12)
