"""Waveforms of point charges and sums of them."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.api import DataError
from zoo_dnn_roi.physics.analytic_response import analytic_field_response
from zoo_dnn_roi.physics.drift import Drifted
from zoo_dnn_roi.physics.electronics import ELECTRON_FC, cold_electronics
from zoo_dnn_roi.physics.field_response import FieldResponse
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.signal import SignalModel

DETECTOR = protodune_hd(wires=60, ticks=700)


@pytest.fixture(scope="module")
def model() -> SignalModel:
    return SignalModel(DETECTOR, analytic_field_response())


def _clouds(wire: float, tick: float, electrons: float, sigma: float = 0.0) -> Drifted:
    """One cloud over W (whose wires are vertical) at y = 0."""
    w = DETECTOR.planes[2]
    z = (wire - w.wires / 2) * w.pitch_mm
    values = (tick, 0.0, z, electrons, sigma, sigma)
    return Drifted(*(np.array([value]) for value in values))


def test_pulse_heights_of_a_thousand_electrons(model: SignalModel) -> None:
    # Garfield response and 14 mV/fC, 2.2 us: U -5.7/+5.4, V -5.6/+5.6, W -21.6 ADC counts.
    expected = ((-5.69, 5.35), (-5.59, 5.59), (-21.57, None))
    for plane, (low, high) in enumerate(expected):
        pulse = 1000 * model.average_pulse(plane)[10]
        assert pulse.min() == pytest.approx(low, rel=0.2)
        if high is not None:
            assert pulse.max() == pytest.approx(high, rel=0.2)


def test_a_point_charge_gives_the_pulse_of_its_impact_bin(model: SignalModel) -> None:
    waveforms = model.waveforms(_clouds(30.25, 200.5, 5000.0), 2)  # bin 2 of wire 30, tick 200
    expected = np.zeros_like(waveforms)
    expected[20:41, 200 : 200 + model.pulse_ticks] = 5000 * model.pulses[2, 2]
    np.testing.assert_allclose(waveforms, expected, atol=1e-3)


def test_the_response_points_the_right_way() -> None:
    # A response of one path each: an electron one cell to the right of a wire induces on it alone.
    currents = np.zeros((3, 3, 11, 4))
    currents[:, 2] = 1e-3
    model = SignalModel(DETECTOR, FieldResponse("one-sided", 100.0, currents))
    waveforms = model.waveforms(_clouds(30.55, 100.5, 1e5), 2)
    assert np.flatnonzero(np.abs(waveforms).max(axis=1) > 1).tolist() == [29]


def test_a_response_for_other_wires_is_refused() -> None:
    currents = analytic_field_response().currents
    # The files of ProtoDUNE-HD have 4.71 mm, those of MicroBooNE and ICARUS 3 mm.
    SignalModel(DETECTOR, FieldResponse("hd", 100.0, currents, (4.71, 4.71, 4.71)))
    with pytest.raises(DataError, match=r"wires of 3 mm, plane U has 4\.6691 mm") as caught:
        SignalModel(DETECTOR, FieldResponse("ub.json", 100.0, currents, (3.0, 3.0, 3.0)))
    assert caught.value.where == "ub.json"
    assert "closed form" in caught.value.remedy


def test_collected_charge_is_the_area_of_the_shaper(model: SignalModel) -> None:
    waveforms = model.waveforms(_clouds(30.5, 200.5, 1e5, sigma=1.0), 2)
    time = np.arange(0, 10, 0.001)
    area = cold_electronics(time).sum() * 0.001 / 0.5  # mV/fC times ticks
    assert waveforms.sum() == pytest.approx(-1e5 * ELECTRON_FC * area * 16383 / 1400, rel=0.002)
    induced = model.waveforms(_clouds(30.5, 200.5, 1e5, sigma=1.0), 0)
    assert abs(induced.sum()) < 1e-3 * abs(waveforms.sum())


def test_waveforms_add_up_and_do_not_depend_on_the_folded_window(model: SignalModel) -> None:
    # One width: then their patches are equal whether they are deposited together or alone.
    places = ((3.4, 30.2, 4e4), (69.1, 640.8, 2e4), (40.0, 0.0, 1e4))
    parts = [_clouds(wire, tick, electrons, 1.0) for wire, tick, electrons in places]
    columns = zip(*(tuple(getattr(p, n) for n in Drifted.__slots__) for p in parts), strict=True)
    together = Drifted(*(np.concatenate(column) for column in columns))
    for plane in range(3):
        single = sum(model.waveforms(part, plane) for part in parts)
        np.testing.assert_allclose(model.waveforms(together, plane), single, atol=2e-3)


def test_charge_before_the_readout_still_rings_in_it(model: SignalModel) -> None:
    late = model.waveforms(_clouds(30.25, 100.5, 5000.0), 2)
    early = model.waveforms(_clouds(30.25, -49.5, 5000.0), 2)
    np.testing.assert_allclose(early[:, :500], late[:, 150:650], atol=1e-3)
    assert early.min() < -50
    assert not model.waveforms(_clouds(30.25, -5000.0, 5000.0), 2).any()
    assert not model.waveforms(_clouds(300.0, 100.0, 5000.0), 2).any()


def test_sampling_at_another_tick_keeps_the_charge() -> None:
    slow = protodune_hd(wires=20, ticks=300)
    fast = SignalModel(slow, analytic_field_response(period_ns=50.0))
    usual = SignalModel(slow, analytic_field_response())
    for plane in range(3):
        difference = fast.average_pulse(plane) - usual.average_pulse(plane)
        assert np.abs(difference).max() < 0.03 * np.abs(usual.average_pulse(plane)).max()
