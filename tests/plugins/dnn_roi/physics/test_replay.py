"""Replayed charge: point charges against closed forms, and the closure of real charge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from zoo_dnn_roi.physics.analytic_response import analytic_field_response
from zoo_dnn_roi.physics.deconvolution import Deconvolver
from zoo_dnn_roi.physics.field_response import load_field_response
from zoo_dnn_roi.physics.filters import FilterSet
from zoo_dnn_roi.physics.frames import read_frames
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.replay import blurred, charge_waveforms, significant_charge
from zoo_dnn_roi.physics.runs import FloatArray
from zoo_dnn_roi.physics.signal import SignalModel
from zoo_dnn_roi.physics.simulation import TRUTH_SMEARING


def test_only_regions_above_the_floor_are_kept() -> None:
    charge = np.array([[0, 2, 3, 0, 4, 0], [5, 1, 0, 0, 0, 9]], dtype=np.float32)
    expected = np.array([[0, 2, 3, 0, 0, 0], [5, 1, 0, 0, 0, 9]], dtype=np.float32)
    assert (significant_charge(charge, 4.0) == expected).all()
    assert (significant_charge(np.asfortranarray(charge), 4.0) == expected).all()
    assert (significant_charge(charge, 0.0) == charge).all()


def test_a_point_charge_gives_the_average_pulse() -> None:
    detector = protodune_hd(wires=40, ticks=400)
    model = SignalModel(detector, analytic_field_response())
    charge = np.zeros((40, 300), dtype=np.float32)
    charge[15, 20] = 1e4
    waveforms = charge_waveforms(model, charge, 0)
    pulse = 1e4 * model.average_pulse(0)
    half, length = len(pulse) // 2, pulse.shape[1]
    expected = np.zeros((40, 400))
    expected[15 - half : 15 + half + 1, 20 : 20 + length] = pulse[:, : 400 - 20]
    np.testing.assert_allclose(waveforms, expected, atol=1e-4 * np.abs(pulse).max())


def test_a_point_charge_is_blurred_as_the_filters_say() -> None:
    # A Gaussian of sigma f in frequency is one of 1 / (2 pi f) in time: 2.653 ticks for 0.12 MHz.
    # The wire filter of sigma s Nyquist is one of 1 / (pi s) = 0.752 wires, cut at Nyquist, where
    # it is still 6 %: that adds the ringing that the tolerance allows.
    charge = np.zeros((41, 201), dtype=np.float32)
    charge[20, 100] = 1.0
    filters = FilterSet()
    image = blurred(charge, filters.wire_induction, filters, 500.0).astype(np.float64)
    assert image.sum() == pytest.approx(1.0, rel=1e-3)
    in_time, across = image.sum(axis=0), image.sum(axis=1)
    ticks = np.arange(201) - 100
    sigma = 1 / (2 * np.pi * 0.12 * 0.5)
    expected = np.exp(-0.5 * (ticks / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(in_time, expected, atol=3e-5)
    wires = np.arange(41) - 20
    sigma = np.pi**0.5 / (0.75 * np.pi)
    expected = np.exp(-0.5 * (wires / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(across, expected, atol=0.02)


@pytest.fixture(scope="module")
def measured(real_data: Path) -> FloatArray:
    (frame,) = read_frames(
        real_data / "dnn-roi" / "protodunehd-sp-frames-anode1.tar.bz2", ["gauss1"]
    )
    return frame.traces["gauss1"].waveforms


@pytest.mark.realdata
def test_occupancies_of_real_charge(measured: FloatArray) -> None:
    # Without a floor: section 4 of the reference, measured by another program.
    planes = {"U": measured[:800], "V": measured[800:1600], "W": measured[1600:]}
    occupancy = {name: 100 * (plane != 0).mean() for name, plane in planes.items()}
    assert occupancy == pytest.approx({"U": 2.73, "V": 2.45, "W": 1.33}, abs=0.005)
    for name, fraction in (("U", 0.83), ("V", 0.79), ("W", 0.93)):
        kept = significant_charge(planes[name], 5000.0)
        # The floor removes many small regions, but hardly any charge.
        assert 100 * (kept != 0).mean() == pytest.approx(fraction * occupancy[name], rel=0.01)
        assert kept.sum(dtype=np.float64) > 0.975 * planes[name].sum(dtype=np.float64)


@pytest.mark.realdata
@pytest.mark.parametrize("plane", [0, 1])
def test_closure_without_noise(measured: FloatArray, real_data: Path, plane: int) -> None:
    response = load_field_response(real_data / "dnn-roi" / "dune-garfield-1d565.json.bz2")
    charge = significant_charge(measured[800 * plane : 800 * (plane + 1)], 5000.0)
    detector = protodune_hd(wires=800, ticks=charge.shape[1] + 220)
    deconvolver = Deconvolver(SignalModel(detector, response))
    found = deconvolver(charge_waveforms(deconvolver.model, charge, plane), plane).charge
    found = found[:, : charge.shape[1]]

    def departure(truth: FloatArray) -> float:
        # The deconvolution loses the mean of each channel, which is no charge.
        difference = found - truth
        difference -= difference.mean(axis=1, keepdims=True)
        return float(np.abs(difference).sum(dtype=np.float64) / truth.sum(dtype=np.float64))

    filters = deconvolver.filters
    exact = departure(blurred(charge, filters.wire_induction, filters, 500.0))
    ticks, wires = TRUTH_SMEARING[plane]
    fitted = departure(gaussian_filter(charge, (wires, ticks), mode="constant"))
    assert exact < 0.006
    assert exact < 0.5 * fitted
    assert fitted < 0.04


def test_the_readout_may_be_longer_than_the_charge() -> None:
    detector = protodune_hd(wires=24, ticks=2000)
    model = SignalModel(detector, analytic_field_response())
    charge = np.ones((24, 100), dtype=np.float32)
    waveforms = charge_waveforms(model, charge, 2)
    assert waveforms.shape == (24, 2000)
    after = np.abs(waveforms[:, 100 + model.pulse_ticks :]).max()
    assert after < 1e-5 * np.abs(waveforms).max()
    shorter = SignalModel(replace(detector, ticks=150), analytic_field_response())
    np.testing.assert_array_equal(charge_waveforms(shorter, charge, 2), waveforms[:, :150])
