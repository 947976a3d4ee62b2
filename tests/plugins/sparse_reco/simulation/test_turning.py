"""Scattering and the product of many small turns."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_sparse_reco.physics.turning import across, deflected, highland, turned


def units(count: int) -> np.ndarray:
    found = np.random.default_rng(3).normal(size=(count, 3))
    return np.asarray(found / np.linalg.norm(found, axis=1)[:, None])


def test_highland_by_hand() -> None:
    """Muon of 1 GeV/c, 14 cm, one radiation length: 13.6 / (0.99446 1000) (1 + 0.038 ln 1.0111)."""
    mass = 105.6584
    kinetic = np.hypot(1000, mass) - mass
    one = np.array([19.55 / 1.396])
    found = highland(np.array([kinetic]), np.array([mass]), one, one)
    assert found.item() == pytest.approx(13.6 / 994.46 * 1.00042, rel=1e-4)


def test_axes_are_across() -> None:
    way = np.concatenate([units(50), [[0, 0, 1], [0, 0, -1]]])
    one, two = across(way)
    for a, b, product in ((one, one, 1), (two, two, 1), (one, two, 0), (one, way, 0)):
        np.testing.assert_allclose((a * b).sum(axis=1), product, atol=1e-12)


def test_deflected_by_its_angle() -> None:
    way, cosine = units(40), np.linspace(-1, 1, 40)
    found = deflected(way, cosine, np.arange(40.0))
    np.testing.assert_allclose((found * way).sum(axis=1), cosine, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)


def rotated(way: np.ndarray, kicks: np.ndarray) -> np.ndarray:
    """The same by rotation matrices, one after another."""
    one, two = (side[0] for side in across(way[None]))
    frame, found = np.stack([one, two, way], axis=1), []
    for x, y in kicks:
        angle = np.hypot(x, y)
        k = np.array([[0, 0, y], [0, 0, -x], [-y, x, 0]]) / max(angle, 1e-300)
        turn = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
        frame = frame @ turn
        found.append(frame[:, 2])
    return np.array(found)


def test_many_turns_are_the_product_of_rotations() -> None:
    rng, lengths = np.random.default_rng(5), (13, 1, 7)
    kicks, ways = rng.normal(0, 0.5, (sum(lengths), 2)), units(3)
    number = np.concatenate([np.arange(length) for length in lengths])
    owner = np.repeat(np.arange(3), lengths)
    found = turned(ways[owner], kicks, number)
    for track in range(3):
        own = owner == track
        np.testing.assert_allclose(found[own], rotated(ways[track], kicks[own]), atol=1e-12)
