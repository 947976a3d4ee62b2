"""The seed against hits whose times are exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zoo_optics.physics.detector import Cylinder
from zoo_optics.physics.water import C_CM_NS
from zoo_optics.reconstruction.events import Event
from zoo_optics.reconstruction.seed import find_seed, goodness, grid
from zoo_optics.sources.cherenkov import Cherenkov

INDEX = 1.38
POINT = np.array([70.0, -40.0, 90.0])


def _exact(made: Cherenkov, start_ns: float, hits: int = 200) -> Event:
    """Hits of straight light at evenly chosen sensors, without any smearing."""
    sensor = np.linspace(0, len(made.detector.sensors) - 1, hits).astype(np.int64)
    way = np.linalg.norm(made.detector.sensors.position_cm[sensor] - POINT, axis=1)
    charge = np.bincount(sensor, minlength=len(made.detector.sensors)).astype(np.float64)
    return Event(1, charge, sensor, start_ns + way * INDEX / C_CM_NS)


def test_goodness_of_hits_that_agree_is_their_number() -> None:
    assert goodness(np.zeros((2, 7)), 3.0) == pytest.approx([7, 7])
    assert goodness(np.array([3.0]), 3.0) == pytest.approx(np.exp(-0.5))


def test_the_grid_is_inside() -> None:
    tank = Cylinder(150.0, 80.0)
    points = grid(tank, 8)
    assert tank.holds(points).all()
    assert len(points) / 8**3 == pytest.approx(np.pi / 4, abs=0.06)  # of the box around it


@pytest.mark.parametrize("start_ns", [0.0, -40.0, 950.0])
def test_exact_hits_give_their_point(source: Callable[..., Cherenkov], start_ns: float) -> None:
    made = source()
    seed = find_seed(made.detector, _exact(made, start_ns), INDEX)
    assert seed.position_cm == pytest.approx(POINT, abs=0.01)
    assert seed.start_ns == pytest.approx(start_ns, abs=1e-3)
    assert seed.goodness == pytest.approx(1, abs=1e-4)


def test_noise_of_as_many_hits_does_not_move_it(source: Callable[..., Cherenkov]) -> None:
    made, rng = source(), np.random.default_rng(2)
    exact = _exact(made, 20.0)
    sensor = np.concatenate([exact.sensor, rng.integers(0, 498, 200)])
    time = np.concatenate([exact.time_ns, 300 * rng.random(200)])
    seed = find_seed(made.detector, Event(1, exact.charge, sensor, time), INDEX)
    assert np.linalg.norm(seed.position_cm - POINT) < 3
    assert 0.5 < seed.goodness < 0.6
