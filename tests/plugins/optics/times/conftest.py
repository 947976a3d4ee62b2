"""A small tank, and flashes in it whose hit times are drawn from a known distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import Ragged, Table
from zoo_optics.physics.detector import Cylinder, Detector, cylinder_layout
from zoo_optics.physics.water import C_CM_NS

TANK = Cylinder(200.0, 150.0)
DETECTOR = Detector(cylinder_layout(TANK, rows=3, columns=8, rings=(4, 1), radius_cm=8.0), TANK)
INDEX, WINDOW_NS = 1.38, 250.0
TRUTH = (0.7, 0.2, 0.8, 6.0)  # prompt share, shift, width, tail
Drawn = Callable[..., Table]


def _facts(**more: Any) -> dict[str, Any]:
    return {**DETECTOR.facts(), "group_index": INDEX, "window_ns": WINDOW_NS, **more}


def _drawn(flashes: int, seed: int = 1, *, hits: int = 60, dark: int = 0) -> Table:
    """Every hit at a sensor drawn evenly, light by TRUTH, dark hits evenly in the window."""
    rng = np.random.default_rng(seed)
    position = TANK.points(rng.random((flashes, 3)), 20)
    prompt, shift, width, decay = TRUTH
    sensors = len(DETECTOR.sensors)
    sensor = rng.integers(sensors, size=(flashes, hits + dark))
    way = DETECTOR.sensors.position_cm[sensor] - position[:, None].astype(np.float32)
    late = shift + width * rng.standard_normal(sensor.shape)
    late += np.where(rng.random(sensor.shape) < prompt, 0, rng.exponential(decay, sensor.shape))
    time = np.linalg.norm(way, axis=2) * INDEX / C_CM_NS + late
    time[:, hits:] = WINDOW_NS * rng.random((flashes, dark))
    charge = np.stack([np.bincount(row, minlength=sensors) for row in sensor])
    offsets = (hits + dark) * np.arange(flashes + 1)
    return Table(
        {
            "id": np.arange(flashes, dtype=np.uint64),
            "position": position.astype(np.float32),
            "photons": np.full(flashes, 1e4, np.float32),
            "charge": charge.astype(np.float32),
            "hit_sensor": Ragged(sensor.ravel().astype(np.int32), offsets),
            "hit_time": Ragged(time.ravel().astype(np.float32), offsets),
        }
    )


@pytest.fixture(scope="session")
def drawn() -> Drawn:
    """Flashes: ``drawn(flashes, seed, hits=60, dark=0)``."""
    return _drawn


@pytest.fixture(scope="session")
def facts() -> Callable[..., dict[str, Any]]:
    """Facts of the tank; keywords add to them."""
    return _facts


@pytest.fixture(scope="session")
def truth() -> tuple[float, float, float, float]:
    """Prompt share, shift, width and tail (ns) that the hits are drawn from."""
    return TRUTH
