"""Two-dimensional deconvolution: filters, baselines, noise and the shapes of its results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from zoo.api import DataError
from zoo_dnn_roi.physics.analytic_response import analytic_field_response
from zoo_dnn_roi.physics.deconvolution import (
    Deconvolved,
    Deconvolver,
    channel_rms,
    restore_baseline,
)
from zoo_dnn_roi.physics.filters import FilterSet, high_frequency, low_frequency, wire_filter
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.noise import NoiseModel, analytic_noise_spectrum
from zoo_dnn_roi.physics.signal import SignalModel

DETECTOR = protodune_hd(wires=50, ticks=1200)


@pytest.fixture(scope="module")
def deconvolver() -> Deconvolver:
    return Deconvolver(SignalModel(DETECTOR, analytic_field_response()))


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    model = NoiseModel(DETECTOR, analytic_noise_spectrum(DETECTOR))
    return model.waveforms(0, np.random.default_rng(1))


def test_filters_at_their_defining_frequencies() -> None:
    frequency = np.array([0.0, 0.12, 0.24])
    np.testing.assert_allclose(high_frequency(frequency, 0.12, 2), [0, np.exp(-0.5), np.exp(-2)])
    np.testing.assert_allclose(low_frequency(frequency, 0.12), [0, 1 - np.exp(-1), 1 - np.exp(-4)])
    np.testing.assert_allclose(wire_filter(4, 0.5), np.exp([0, -0.5, -2, -0.5]))


@pytest.mark.realdata
def test_constants_are_those_of_the_wire_cell_configuration(real_data: Path) -> None:
    nodes = json.loads((real_data / "dnn-roi/pdhd-apa1-nf-sp-cfg.json").read_text())
    data = {node.get("name"): node["data"] for node in nodes if node["type"].endswith("fFilter")}
    ours = FilterSet()
    for index, plane in enumerate("UVW"):
        theirs = data[f"Wiener_tight_{plane}"]
        expected = (theirs["sigma"] * 1e3, theirs["power"])  # 1/ns to MHz
        assert ours.wiener_tight[index] == pytest.approx(expected)
    assert ours.gauss_mhz == pytest.approx(data["Gaus_wide"]["sigma"] * 1e3)
    for name in ("loose", "tight", "tighter"):
        tau = data[f"ROI_{name}_lf"]["tau"] * 1e3
        assert getattr(ours, f"{name}_mhz") == pytest.approx(tau)
    assert ours.wire_induction == pytest.approx(data["Wire_ind"]["sigma"])
    assert ours.wire_collection == pytest.approx(data["Wire_col"]["sigma"])


def test_baseline_is_the_median_of_the_quiet_samples() -> None:
    rng = np.random.default_rng(2)
    waveforms = rng.normal(0, 100, (6, 501)).astype(np.float32)
    waveforms += np.arange(-300, 300, 100, dtype=np.float32)[:, None]
    waveforms[:, 100:160] += 5000
    expected = []
    for row in waveforms:
        quiet = row[np.abs(row - np.median(row)) < 500]
        expected.append(row - np.median(quiet))
    np.testing.assert_allclose(restore_baseline(waveforms), expected, atol=1e-3)
    constant = np.full((2, 8), 7.0, dtype=np.float32)
    assert not restore_baseline(constant).any()


def test_channel_rms_is_blind_to_signals() -> None:
    rng = np.random.default_rng(3)
    waveforms = rng.normal(0, 200, (20, 4000)).astype(np.float32)
    expected = waveforms.std()
    waveforms[:, 500:600] += 20000
    assert channel_rms(waveforms).mean() == pytest.approx(expected, rel=0.04)
    assert channel_rms(np.zeros((3, 10), np.float32)).tolist() == [0, 0, 0]


def test_deconvolution_undoes_the_average_response(deconvolver: Deconvolver) -> None:
    # One electron spread evenly over a cell gives the average pulse; dividing it out leaves the
    # filters: a Gaussian of 1 / (2 pi 0.12 MHz) = 1.326 us = 2.653 ticks at the electron's tick.
    adc = np.zeros((60, 1200), dtype=np.float32)
    pulse = deconvolver.model.average_pulse(2)
    adc[20:41, 500 : 500 + pulse.shape[1]] = 1e4 * pulse
    charge = deconvolver(adc, 2).charge
    tick = np.arange(1200)
    sigma = 1 / (2 * np.pi * 0.12) / 0.5
    gaussian = np.exp(-0.5 * ((tick - 500) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    # The wire filter of W leaves the wire alone but for half a per cent on its neighbours.
    np.testing.assert_allclose(charge.sum(axis=0), 1e4 * gaussian, atol=1.0)
    assert charge[30].sum() == pytest.approx(1e4, rel=0.02)


def test_wire_filter_of_induction_is_a_gaussian_across_wires(deconvolver: Deconvolver) -> None:
    adc = np.zeros((50, 1200), dtype=np.float32)
    pulse = deconvolver.model.average_pulse(0)
    adc[15:36, 500 : 500 + pulse.shape[1]] = 1e4 * pulse
    peak = deconvolver(adc, 0).charge[:, 500]
    # Across wires remains the transform of exp(-(k / s)^2 / 2) with s = 0.42314 of Nyquist, cut at
    # Nyquist: about a Gaussian of 1 / (pi s) = 0.752 wires.
    own, neighbour = (
        quad(lambda k, w=w: np.cos(np.pi * k * w) * np.exp(-0.5 * (k / 0.42314) ** 2), 0, 1)[0]
        for w in (0, 1)
    )
    ratio = neighbour / own
    assert peak[26] / peak[25] == pytest.approx(ratio, rel=0.01)
    assert peak[24] / peak[25] == pytest.approx(ratio, rel=0.01)


def test_low_frequency_filters_tighten(deconvolver: Deconvolver, noise: np.ndarray) -> None:
    result = deconvolver(noise, 0)
    spread = [getattr(result, n).std() for n in ("wiener", "loose_lf", "tight_lf", "tighter_lf")]
    assert spread == sorted(spread, reverse=True)
    assert result.rms.mean() == pytest.approx(result.tight_lf.std(), rel=0.05)
    assert result.rms.shape == (50,)


def test_collection_needs_no_low_frequency_filter(deconvolver: Deconvolver) -> None:
    adc = np.random.default_rng(5).normal(0, 10, (60, 1200)).astype(np.float32)
    result = deconvolver(adc, 2)
    assert result.tight_lf is result.loose_lf is result.tighter_lf is result.wiener
    np.testing.assert_allclose(np.median(result.charge, axis=1), 0, atol=1e-3)


def test_dead_channels_are_ignored_and_zero(deconvolver: Deconvolver, noise: np.ndarray) -> None:
    dead = np.zeros(50, dtype=np.bool_)
    dead[20] = True
    wild = noise.copy()
    wild[20] = 1e5
    result, calm = deconvolver(wild, 0, dead), deconvolver(noise, 0, dead)
    for name in Deconvolved.__slots__:
        assert not getattr(result, name)[20].any()
        np.testing.assert_array_equal(getattr(result, name), getattr(calm, name))
        assert getattr(result, name)[19].any()


def test_results_are_finite_contiguous_float32(deconvolver: Deconvolver, noise: np.ndarray) -> None:
    result = deconvolver(noise, 0)
    for name in Deconvolved.__slots__:
        values = getattr(result, name)
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        assert np.isfinite(values).all()


def test_wrong_shapes_are_named(deconvolver: Deconvolver, noise: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"plane W: waveforms of shape \(50, 1200\)"):
        deconvolver(noise, 2)
    with pytest.raises(DataError, match="50 flags, one per wire"):
        deconvolver(noise, 0, np.zeros(3, dtype=np.bool_))
