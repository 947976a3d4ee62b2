"""What a pad shows of an electron, against the formulas done anew."""

from math import erf, sqrt

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit.response import REACH, Layer, Response, response_of
from zoo_ha_tpc.physics.electronics import shaped

LAYER = Layer(rc_ns_mm2=120.0, gain=1000.0, transverse_um_cm=310.0, peaking_ns=412.0)
PITCHES = (11.28, 10.19)


@pytest.fixture(scope="module")
def response() -> Response:
    return response_of(LAYER, PITCHES, 1000.0)


def pulse(drift_mm: float, z_mm: float, y_mm: float, time_ns: float) -> float:
    """ADC of a pad at (0, 0) of one electron at (z, y): charge above it, folded with the chip."""
    step = 5.0
    total, before = 0.0, 0.0
    for index in range(round(time_ns / step)):
        middle = (index + 0.5) * step
        width = sqrt(2 * (2 * middle / 120.0 + 0.31**2 * drift_mm / 10))
        share = 1.0
        for place, pitch in ((z_mm, PITCHES[0]), (y_mm, PITCHES[1])):
            share *= (erf((pitch / 2 - place) / width) + erf((pitch / 2 + place) / width)) / 2
        answer = float(shaped(np.array(time_ns - index * step), 412.0))
        # The charge that came since is answered from now on.
        total += (share - before) * answer
        before = share
    return total * 1000.0 * 1.602176634e-4 * 4096 / 120


@pytest.mark.parametrize(
    ("drift", "z", "y"), [(0.0, 1.0, 2.0), (500.0, 7.0, 1.0), (1000.0, 4.0, 12.0)]
)
def test_it_is_the_folded_charge(response: Response, drift: float, z: float, y: float) -> None:
    found = [
        response.of(
            response.drift_bin(np.array(drift)),
            np.array(z / PITCHES[0]),
            np.array(y / PITCHES[1]),
            np.array(time),
        )[..., 0]
        for time in (2, 4, 9)
    ]
    expected = [pulse(drift, z, y, 120.0 * (time + 1)) for time in (2, 4, 9)]
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=2e-4)


def test_slopes_are_those_of_the_values(response: Response) -> None:
    rng = np.random.default_rng(3)
    dz, dy = rng.uniform(-1.6, 1.6, (2, 200))
    drift, time, step = np.full(200, 12), np.full(200, 4), 0.05
    found = response.of(drift, dz, dy, time)

    def value(z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return response.of(drift, z, y, time)[:, 0]

    by_z = (value(dz + step, dy) - value(dz - step, dy)) / (2 * step)
    by_y = (value(dz, dy + step) - value(dz, dy - step)) / (2 * step)
    size = np.abs(found[:, 1:]).max()
    np.testing.assert_allclose(found[:, 1], by_z, atol=0.08 * size)
    np.testing.assert_allclose(found[:, 2], by_y, atol=0.08 * size)


def test_out_of_reach_there_is_nothing(response: Response) -> None:
    far = response.of(
        np.array([3, 3]), np.array([REACH, 0.0]), np.array([0.0, -REACH]), np.zeros(2, int)
    )
    assert not far.any()


def test_a_line_is_the_sum_of_its_electrons(response: Response) -> None:
    # A line along z at 4 mm from the centre of a pad, 2 electrons per mm.
    place = np.arange(-40, 40, 0.5) + 0.25
    drift = response.drift_bin(np.array([300.0]))
    times = np.arange(response.times)
    one = response.of(drift, place[:, None] / PITCHES[0], np.array(4 / PITCHES[1]), times)[..., 0]
    top, height = response.beside(drift, np.zeros(1), np.array([4.0]))
    assert height[0] == pytest.approx(one.sum(0).max() * 0.5, rel=0.03)
    assert abs(int(top[0]) - one.sum(0).argmax()) <= 1


def test_far_pads_are_late(response: Response) -> None:
    drift = response.drift_bin(np.full(2, 200.0))
    top, height = response.beside(drift, np.zeros(2), np.array([0.0, 13.0]))
    assert top[1] > top[0]
    assert height[1] < height[0] / 10
