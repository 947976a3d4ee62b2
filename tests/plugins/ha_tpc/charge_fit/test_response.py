"""What a pad shows of an electron, against the formulas done anew."""

from math import erf, sqrt

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit.response import REACH, TIME_NS, Layer, Response, response_of
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


def seen(response: Response, drift_mm: float, z: float, y: float, time: np.ndarray) -> np.ndarray:
    """ADC of a pad of one electron at distances, mm, and times, ns."""
    drift = response.drift_bin(np.array(drift_mm))
    along_z = response.share(0, drift, np.array(z / PITCHES[0]))[0]
    along_y = response.share(1, drift, np.array(y / PITCHES[1]))[0]
    return response.pulse(0, np.asarray(time, float)) @ (along_z * along_y).astype(float)


@pytest.mark.parametrize(
    ("drift", "z", "y"), [(0.0, 1.0, 2.0), (500.0, 7.0, 1.0), (1000.0, 4.0, 12.0)]
)
def test_it_is_the_folded_charge(response: Response, drift: float, z: float, y: float) -> None:
    times = [250.0, 610.0, 1195.0]
    found = seen(response, drift, z, y, np.array(times))
    np.testing.assert_allclose(found, [pulse(drift, z, y, one) for one in times], rtol=0.01)


def test_slopes_of_shares_are_those_of_the_values(response: Response) -> None:
    place = np.random.default_rng(3).uniform(-1.9, 1.9, 200)
    step = 0.005
    for axis in (0, 1):
        found = response.share(axis, np.full(200, 12), place)[1]
        over, under = (response.share(axis, np.full(200, 12), place + d)[0] for d in (step, -step))
        np.testing.assert_allclose(found, (over - under) / (2 * step), atol=0.05)


def test_derivatives_of_pulses_are_those_of_the_values(response: Response) -> None:
    times, step = np.arange(60.0, 2000, 37), 5.0
    for order in (1, 2):
        over, under = (response.pulse(order - 1, times + d) for d in (step, -step))
        found = response.pulse(order, times)
        size = np.abs(found).max()
        np.testing.assert_allclose(found, (over - under) / (2 * step), atol=0.02 * size)


def test_out_of_reach_there_is_nothing(response: Response) -> None:
    for axis in (0, 1):
        for one in response.share(axis, np.array([3, 3]), np.array([REACH, -REACH])):
            assert not one.any()


def test_before_the_charge_there_is_nothing(response: Response) -> None:
    assert not response.pulse(0, np.array([-500.0, 0.0])).any()


def test_a_line_is_the_sum_of_its_electrons(response: Response) -> None:
    # A line along z at 4 mm from the centre of a pad, 2 electrons per mm.
    times = np.arange(1, 20) * TIME_NS
    wave = sum(seen(response, 300.0, z, 4.0, times) for z in np.arange(-40, 40, 0.5) + 0.25)
    drift = response.drift_bin(np.array([300.0]))
    top, height = response.beside(drift, np.zeros(1), np.array([4.0]))
    assert height[0] == pytest.approx(wave.max() * 0.5, rel=0.03)
    assert abs(top[0] - times[wave.argmax()]) <= TIME_NS


def test_far_pads_are_late(response: Response) -> None:
    drift = response.drift_bin(np.full(2, 200.0))
    top, height = response.beside(drift, np.zeros(2), np.array([0.0, 13.0]))
    assert top[1] > top[0]
    assert height[1] < height[0] / 10
