"""Detectors other than ProtoDUNE-HD: other angles, pitches, names, ticks and electronics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo_dnn_roi.physics.analytic_response import AnalyticShape, shape_of
from zoo_dnn_roi.physics.electronics import baseline_mv
from zoo_dnn_roi.physics.geometry import Detector, Plane, protodune_hd
from zoo_dnn_roi.physics.noise import NoiseModel, analytic_noise_spectrum
from zoo_dnn_roi.physics.simulation import Simulation
from zoo_dnn_roi.physics.tracks import cosmic_muons, muon_track

PITCH = 3.0


def like_microboone(wires: int = 150, ticks: int = 3000) -> Detector:
    """Wires of 3 mm at +60, -60 and 0 degrees from the vertical, 1.114 mm/us (2.56 m in 2.3 ms),
    as in JINST 12 (2017) P02017; ticks of 400 ns and names as nowhere."""
    planes = (
        Plane("first", wires, PITCH, 60.0, induction=True),
        Plane("second", wires, PITCH, -60.0, induction=True),
        Plane("last", wires, PITCH, 0.0, induction=False),
    )
    return Detector(planes=planes, ticks=ticks, tick_ns=400.0, drift_speed_mm_us=1.114)


def like_icarus() -> Detector:
    """Horizontal wires, then +30 and -30 degrees, 3 mm, as ICARUS; no wire is upright."""
    planes = (
        Plane("I1", 200, PITCH, 90.0, induction=True),
        Plane("I2", 300, PITCH, 30.0, induction=True),
        Plane("C", 300, PITCH, -30.0, induction=False),
    )
    return Detector(planes=planes)


def test_what_all_planes_see_of_protodune_hd() -> None:
    detector = protodune_hd()
    assert detector.length_z_mm == 480 * 4.792  # the wires of W: 2.3 m
    # The tip of the rhombus: half of 400 wires of 4.6691 mm over the sine of 35.707 degrees.
    assert detector.half_size_mm == pytest.approx((1600.0, 1150.1), abs=0.1)


def test_what_all_planes_see_of_bands_at_60_degrees() -> None:
    detector = like_microboone()
    # Bands of 450 mm: along z the collection plane ends first, the tip lies at 225 / sin 60.
    assert detector.length_z_mm == 450.0
    assert detector.half_size_mm == pytest.approx((225 / (3**0.5 / 2), 225.0))
    longer = replace(
        detector, planes=(*detector.planes[:2], replace(detector.planes[2], wires=400))
    )
    # Now the other two do: 450 mm over the cosine of 60 degrees.
    assert longer.length_z_mm == pytest.approx(900.0)
    assert longer.half_size_mm == pytest.approx((225 / (3**0.5 / 2), 450.0))


def test_what_all_planes_see_where_no_wire_is_upright() -> None:
    detector = like_icarus()
    assert detector.length_z_mm == pytest.approx(900 / (3**0.5 / 2))
    # Horizontal wires end the height at 200 * 3 / 2; without them it were 450 / sin 30.
    assert detector.half_size_mm == pytest.approx((300.0, 450 / (3**0.5 / 2)))


@pytest.mark.parametrize("detector", [like_microboone(), like_icarus(), protodune_hd()])
def test_the_box_is_the_smallest_around_what_is_seen(detector: Detector) -> None:
    half_y, half_z = detector.half_size_mm
    y, z = np.random.default_rng(1).uniform(-1, 1, (2, 200_000)) * [[1.2 * half_y], [1.2 * half_z]]
    seen = detector.seen(y, z)
    extent = np.abs(y[seen]).max(), np.abs(z[seen]).max()
    # Tips are sharp: few points come close to them.
    assert extent == pytest.approx((half_y, half_z), rel=0.03)
    assert (np.array(extent) <= [half_y, half_z]).all()
    along = np.linspace(-0.499, 0.499, 100) * detector.length_z_mm
    short = 1 - detector.planes[-1].pitch_mm / detector.length_z_mm  # W ends a part of a wire late
    assert detector.seen(np.zeros(100), short * along).all()


def test_cosmic_muons_fill_what_is_seen() -> None:
    detector = replace(like_icarus(), drift_length_mm=500.0)
    depos = cosmic_muons(detector, np.random.default_rng(2), muons=(100, 100), step_mm=2.0)
    assert detector.seen(depos.y, depos.z).all()
    half_y, half_z = detector.half_size_mm
    assert np.abs(depos.y).max() == pytest.approx(half_y, rel=0.02)
    assert np.abs(depos.z).max() == pytest.approx(half_z, rel=0.1)


def test_planes_stand_as_far_apart_as_wires() -> None:
    # Wire-Cell's response files of ProtoDUNE-HD have planes at 9.42, 4.71 and 0 mm.
    assert shape_of(protodune_hd()) == AnalyticShape() == AnalyticShape(pitch_mm=4.71)
    assert shape_of(like_icarus()) == AnalyticShape(pitch_mm=3.0)
    # Electrons pass 6 mm and 3 mm before they are collected, at 1.114 mm/us.
    currents = Simulation(like_microboone(24, 400)).signal.response.currents[:, 10, 5]
    passed = [np.flatnonzero(current < -1e-9)[-1] for current in currents]
    assert np.subtract(passed[2], passed[:2]) * 0.1 == pytest.approx(
        [6 / 1.114, 3 / 1.114], abs=0.3
    )


def test_charge_closes_with_other_wires_and_ticks() -> None:
    """As for ProtoDUNE-HD in test_simulation: cell by cell, at the same tick."""
    simulation = Simulation(like_microboone())
    clouds = simulation.drift(muon_track(300.0, 30.0, centre_mm=(600.0, 0.0, 0.0)))
    # The middle drifts 600 mm at 1.114 mm/us, in ticks of 0.4 us.
    assert clouds.tick.mean() == pytest.approx(600 / 1.114 / 0.4, rel=1e-3)
    truth = simulation.truth(clouds)
    deconvolved = simulation.deconvolve(simulation.waveforms(clouds, None))
    for name in ("first", "second", "last"):
        charge, expected = deconvolved[name].charge, truth[name]
        assert expected.sum() == pytest.approx(clouds.electrons.sum(), rel=1e-4)
        assert charge.max() == pytest.approx(expected.max(), rel=0.09)
        assert np.corrcoef(charge.ravel(), expected.ravel())[0, 1] > 0.99
        busy = expected.sum(axis=1) > 0.5 * expected.sum(axis=1).max()
        lag = charge[busy].argmax(axis=1) - expected[busy].argmax(axis=1)
        assert np.abs(np.median(lag)) <= 1


def test_truth_is_blurred_by_the_same_time() -> None:
    """The charge filter of 0.12 MHz blurs by 1 / (2 pi 0.12 MHz) = 1.326 us, whatever a tick is."""
    still = {"longitudinal_cm2_s": 0.0, "transverse_cm2_s": 0.0}
    for tick_ns in (250.0, 400.0, 500.0, 1000.0):
        detector = replace(like_microboone(), tick_ns=tick_ns, **still)
        simulation = Simulation(detector)
        clouds = simulation.drift(muon_track(0.5, 0.0, centre_mm=(300.0, 0.0, 0.0)))
        pulse = simulation.truth(clouds)["first"].sum(axis=0)
        ticks = np.arange(pulse.size)
        mean = np.average(ticks, weights=pulse)
        width_us = np.sqrt(np.average((ticks - mean) ** 2, weights=pulse)) * tick_ns * 1e-3
        # Wire-Cell's fit has 2.692 ticks of 500 ns on the first plane; three sigma are kept, and a
        # tick of width w adds w^2 / 12.
        expected = np.hypot(1.346, tick_ns * 1e-3 / 12**0.5)
        assert width_us == pytest.approx(expected, rel=0.03)
        assert width_us == pytest.approx(1.326, rel=0.06)


def test_noise_has_the_charge_of_protodune_hds() -> None:
    nominal = like_microboone(ticks=1500)
    # Half the gain, 12 bits over 2 V: counts per mV are 4095 / 2000, not 16383 / 1400.
    other = replace(nominal, gain_mv_fc=7.0, adc_bits=12, adc_range_mv=2000.0)
    factor = 0.5 * (4095 / 2000) / (16383 / 1400)
    for plane, expected in enumerate((13.5, 13.7, 10.7)):
        for detector, counts in ((nominal, expected), (other, factor * expected)):
            model = NoiseModel(detector, analytic_noise_spectrum(detector))
            assert model.rms(plane) == pytest.approx(counts, rel=0.01)
            noise = model.waveforms(plane, np.random.default_rng(3))
            assert noise.std() == pytest.approx(counts, rel=0.02)


def test_baselines_are_a_share_of_the_range() -> None:
    detector = replace(like_microboone(), adc_range_mv=2000.0)
    found = [baseline_mv(detector, plane) for plane in detector.planes]
    # ProtoDUNE-HD's 1003.4 and 507.7 of 1400 mV.
    assert found == pytest.approx([1433.43, 1433.43, 725.29], abs=0.01)
    hd = protodune_hd()
    assert [baseline_mv(hd, plane) for plane in hd.planes] == [1003.4, 1003.4, 507.7]
