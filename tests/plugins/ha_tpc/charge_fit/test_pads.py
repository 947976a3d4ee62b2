"""Equations of pads, on pulses whose heights, times and widths are looked up on a fine grid."""

from typing import NamedTuple

import numpy as np
import pytest

from zoo_ha_tpc.charge_fit.electrons import Electrons
from zoo_ha_tpc.charge_fit.pads import Equations, Reports, equations_of
from zoo_ha_tpc.charge_fit.response import Layer, Response, response_of
from zoo_ha_tpc.charge_fit.sampling import sampling_of
from zoo_ha_tpc.charge_fit.stretches import Stretches
from zoo_ha_tpc.fitting.positions import Charges

SAMPLING = sampling_of("series", 40.0, 412.0)
LAYER = Layer(rc_ns_mm2=120.0, gain=1493.0, transverse_um_cm=310.0, peaking_ns=412.0)
PITCHES = (11.28, 10.19)
QUIET = Charges(1.0, 25.0, 4095.0)
ELECTRONS = Electrons(np.array([300.0]), np.array([9.5]), np.zeros(1), np.zeros(1))
FINE = np.arange(0, 2300.0, 0.5)


@pytest.fixture(scope="module")
def response() -> Response:
    return response_of(LAYER, PITCHES, 1000.0)


class Uneven(NamedTuple):
    """Pads beside a line that ionised unevenly: nodes as they are and as expected, reports."""

    true: np.ndarray
    expected: np.ndarray
    reports: Reports


@pytest.fixture(scope="module")
def uneven(response: Response) -> Uneven:
    rng = np.random.default_rng(4)
    number = rng.poisson(5.0, 40) * 4.0
    place = np.arange(-40, 40, 2.0) + 1
    drift = response.drift_bin(np.array(300.0))
    true, expected = [], []
    for z, y in ((0.0, 1.0), (3.0, -4.0), (-6.0, 9.0), (5.0, 12.0)):
        along_z = (place * 0.8 - z) / PITCHES[0]
        along_y = (place * 0.6 - y) / PITCHES[1]
        share = response.share(0, drift, along_z)[0] * response.share(1, drift, along_y)[0]
        true.append(number @ share)
        expected.append(np.full(40, 20.0) @ share)
    nodes = np.array(true)
    return Uneven(nodes[None], np.array(expected)[None], reported(response, nodes))


def reported(response: Response, nodes: np.ndarray) -> Reports:
    """What pads without noise report, whose charges at the nodes are (pads, nodes)."""
    wave = nodes @ response.pulse(0, FINE).T
    # Pulses are straight between the times of a table: their slopes tell the top better.
    falls = nodes @ response.pulse(1, FINE).T < 0
    at, top = (falls & (FINE > 100)).argmax(1), wave.max(1)
    high = wave > top[:, None] / 2
    width = FINE[len(FINE) - 1 - high[:, ::-1].argmax(1)] - FINE[high.argmax(1)]
    return Reports(top[None], FINE[at][None], width[None])


def stretches(pads: int) -> Stretches:
    row = np.zeros((1, pads), int)
    return Stretches(
        np.zeros(1, int),
        np.zeros(1),
        np.full(1, 80.0),
        np.ones((1, pads), bool),
        row,
        row,
        np.zeros((1, pads)),
        np.full((1, pads), 500.0),
        np.ones((1, pads)),
    )


def equations(
    response: Response, uneven: Uneven, charges: Charges, **other: np.ndarray
) -> Equations:
    reports = Reports(**{**vars(uneven.reports), **other})
    pads = uneven.true.shape[1]
    return equations_of(
        response,
        charges,
        stretches(pads),
        ELECTRONS,
        reports,
        sampling=SAMPLING,
        mean=uneven.expected,
        relative=0.01,
    )


def off(found: Equations, nodes: np.ndarray) -> np.ndarray:
    """By how many standard deviations equations are off, (pads, equations)."""
    return (np.einsum("bprk,bpk->bpr", found.weights, nodes) - found.right)[0]


def test_they_hold_for_what_made_the_pulses(response: Response, uneven: Uneven) -> None:
    found = off(equations(response, uneven, QUIET), uneven.true)
    assert found.shape == (4, 3)
    assert np.abs(found[:, :2]).max() < 0.5
    assert np.abs(found[:, 2]).max() < 2  # when a pulse begins is linear to first order only
    # What was expected does not, though it says how well.
    expected = off(equations(response, uneven, QUIET), uneven.expected)
    assert (np.abs(expected).max(0) > 3).all()


def test_other_arrivals_move_the_time_alone(response: Response, uneven: Uneven) -> None:
    even = Uneven(uneven.expected, uneven.expected, reported(response, uneven.expected[0]))
    found = equations(response, even, QUIET)
    # As if the electrons had arrived 8 ns before the time that reports count from.
    early = equations(response, even, QUIET, time_ns=even.reports.time_ns + 8.0)
    change = off(early, even.true) - off(found, even.true)
    np.testing.assert_allclose(change[:, 1], -8.0 * found.by_time[0, :, 1], rtol=0.15)
    assert (np.abs(change[:, 1]) > 10 * np.abs(change[:, 2])).all()


def test_a_pad_below_the_threshold_is_low(response: Response, uneven: Uneven) -> None:
    charges = Charges(4.4, 25.0, 4095.0)
    found = equations(response, uneven, charges, charge=np.zeros((1, 4)))
    expected = uneven.expected @ response.pulse(0, np.array(uneven.reports.time_ns[0, 0]))
    height = np.sqrt(4.4**2 + 0.15 * 25.0**2 + (0.01 * expected) ** 2)
    np.testing.assert_allclose(found.right[..., 0] * height, 0.6 * 25.0, rtol=0.05)
    assert np.abs(found.weights[:, :, 1:]).max() < 1e-4


@pytest.mark.parametrize("charge", [4095.0, 5000.0])
def test_what_saturates_tells_nothing(response: Response, uneven: Uneven, charge: float) -> None:
    found = equations(response, uneven, Charges(4.4, 25.0, 4095.0), charge=np.full((1, 4), charge))
    assert np.abs(found.weights).max() < 1e-4


def test_without_times_there_are_heights_only(response: Response, uneven: Uneven) -> None:
    unknown = np.full((1, 4), np.nan)
    found = equations(response, uneven, QUIET, time_ns=unknown, width_ns=unknown)
    assert found.weights.shape[2] == 1
    assert not found.by_time.any()


def test_without_widths_the_third_tells_nothing(response: Response, uneven: Uneven) -> None:
    found = equations(response, uneven, QUIET, width_ns=np.full((1, 4), np.nan))
    assert np.abs(found.weights[:, :, 2]).max() < 1e-2
    assert np.abs(off(found, uneven.true)[:, :2]).max() < 0.5
