"""Noise spectra and the waveforms drawn from them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from zoo.api import ConfigError, DataError
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.noise import (
    NoiseModel,
    NoiseSettings,
    NoiseSpectrum,
    analytic_noise_spectrum,
    load_noise_spectrum,
)

NOISE_FILE = "dnn-roi/protodunehd-noise-spectra-14mVfC-v1.json.bz2"


def _flat(wires: int = 120, ticks: int = 1000, millivolt: float = 1.0) -> NoiseModel:
    detector = protodune_hd(wires=wires, ticks=ticks)
    spectrum = NoiseSpectrum("flat", np.array([0.0, 1.0]), np.full((3, 2), millivolt))
    return NoiseModel(detector, spectrum)


def test_white_noise_has_the_rms_of_its_spectrum() -> None:
    # White noise of RMS s: moduli are Rayleigh of mean s sqrt(pi n) / 2, so s = 2 / sqrt(pi) here.
    expected = 2 / np.sqrt(np.pi) * 16383 / 1400
    model = _flat()
    assert model.rms(0) == pytest.approx(expected, rel=0.002)  # the mean is left out
    noise = model.waveforms(0, np.random.default_rng(1))
    assert noise.shape == (120, 1000)
    assert noise.std() == pytest.approx(expected, rel=0.01)
    assert np.corrcoef(noise[:40]).ravel()[1:40].std() < 0.1


def test_modulus_of_drawn_noise_is_that_of_the_spectrum() -> None:
    model = NoiseModel(
        protodune_hd(wires=400, ticks=500), analytic_noise_spectrum(protodune_hd(ticks=500))
    )
    drawn = np.abs(np.fft.rfft(model.waveforms(1, np.random.default_rng(2)), axis=1)).mean(axis=0)
    frequency = np.fft.rfftfreq(500, 0.5)
    spectrum = np.interp(frequency, model.spectrum.frequency_mhz, model.spectrum.amplitude_mv[1])
    expected = spectrum * np.sqrt(500) * 16383 / 1400
    # 400 Rayleigh moduli give their mean to 2.6 %.
    np.testing.assert_allclose(drawn[1:-1], expected[1:-1], rtol=0.13)


@pytest.mark.parametrize("ticks", [1500, 1499])
def test_analytic_noise_has_the_rms_of_protodune_hd(ticks: int) -> None:
    detector = protodune_hd(wires=200, ticks=ticks)
    model = NoiseModel(detector, analytic_noise_spectrum(detector))
    for plane, expected in enumerate((13.5, 13.7, 10.7)):
        assert model.rms(plane) == pytest.approx(expected, rel=0.01)
        noise = model.waveforms(plane, np.random.default_rng(3))
        assert noise.shape == (detector.planes[plane].wires, ticks)
        assert noise.std() == pytest.approx(expected, rel=0.015)


@pytest.mark.realdata
def test_measured_noise_has_the_known_rms(real_data: Path) -> None:
    model = NoiseModel(protodune_hd(), load_noise_spectrum(real_data / NOISE_FILE))
    # Wire-Cell's simulation with this file: ADC RMS U 13.5, V 13.7, W 10.7.
    assert [round(model.rms(plane), 1) for plane in range(3)] == [13.5, 13.7, 10.7]
    noise = model.waveforms(2, np.random.default_rng(4))
    assert noise.std() == pytest.approx(10.7, rel=0.01)


@pytest.mark.realdata
def test_analytic_spectrum_resembles_the_measured_one(real_data: Path) -> None:
    measured = load_noise_spectrum(real_data / NOISE_FILE)
    analytic = analytic_noise_spectrum(protodune_hd())
    for ours, theirs in zip(analytic.amplitude_mv, measured.amplitude_mv, strict=True):
        interpolated = np.interp(measured.frequency_mhz, analytic.frequency_mhz, ours)
        np.testing.assert_allclose(interpolated, theirs, rtol=0.15)


def test_settings_scale_and_noisy() -> None:
    model, expected = _flat(), 2 / np.sqrt(np.pi) * 16383 / 1400
    loud = np.zeros(120, dtype=np.bool_)
    loud[7] = True
    settings = NoiseSettings(scale=0.5, noisy={"U": loud}, noisy_factor=8.0)
    rms = model.waveforms(0, np.random.default_rng(5), settings).std(axis=1)
    assert rms[7] == pytest.approx(4 * expected, rel=0.1)
    assert np.delete(rms, 7).mean() == pytest.approx(0.5 * expected, rel=0.02)


def test_shared_noise_covaries_within_a_board_and_across_none() -> None:
    shared = _flat(ticks=8000).shared(0, np.random.default_rng(6), NoiseSettings(coherent_adc=3.0))
    board = np.arange(120) // 40
    same = board[:, None] == board
    covariance = np.cov(shared)
    # The square of the RMS and 0. Standard errors of 8000 samples: 9 sqrt(2 / 8000) and
    # 9 / sqrt(8000), both about 0.1.
    np.testing.assert_allclose(covariance[same], 9.0, atol=0.5)
    np.testing.assert_allclose(covariance[~same], 0.0, atol=0.5)
    np.testing.assert_array_equal(shared[0], shared[39])


def test_shared_noise_is_independent_of_that_of_the_channels() -> None:
    model, expected = _flat(), 2 / np.sqrt(np.pi) * 16383 / 1400
    rng, settings = np.random.default_rng(7), NoiseSettings(coherent_adc=expected)
    both = model.waveforms(0, rng, settings) + model.shared(0, rng, settings)
    # They add in quadrature; of equal size, they make channels of a board correlate by a half.
    assert both.std() == pytest.approx(np.sqrt(2) * expected, rel=0.03)
    correlation = np.corrcoef(both[:40])[np.triu_indices(40, 1)].mean()
    assert correlation == pytest.approx(0.5, abs=0.05)


def test_equal_generators_give_equal_noise() -> None:
    model = _flat(wires=20, ticks=100)
    first, second = (model.waveforms(1, np.random.default_rng(8)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_errors_say_what_and_where(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="noise settings"):
        NoiseSettings(scale=-1.0)
    wrong = NoiseSettings(noisy={"U": np.zeros(3, dtype=np.bool_)})
    with pytest.raises(DataError, match="120 flags"):
        _flat().waveforms(0, np.random.default_rng(1), wrong)
    path = tmp_path / "noise.json"
    entry = {"plane": 0, "nsamples": 10, "const": 0.0, "freqs": [0.0, 1.0], "amps": [1.0, 1.0]}
    for document, message in (
        ([entry], "no entry"),
        ({"a": 1}, "not a Wire-Cell noise file"),
        ([{**entry, "plane": p, "amps": ["x", "y"]} for p in range(3)], "not a Wire-Cell"),
        ([{**entry, "plane": p, "freqs": [1.0, 0.0]} for p in range(3)], "do not increase"),
    ):
        path.write_text(json.dumps(document))
        with pytest.raises(DataError, match=message) as error:
            load_noise_spectrum(path)
        assert error.value.where == str(path)
