"""The whole chain: is the charge that went in the charge that comes out?

Two closed forms tell what must be lost. The charge filter is 0 at zero frequency, so that every
deconvolved induction waveform, padded to N ticks, sums to zero: its charge Q lies on a pedestal of
-Q / N. A window of n ticks therefore keeps 1 - n / N of the charge, and the whole readout of T
ticks only 1 - T / N: the response of induction wires, whose integral is zero, cannot measure the
mean.
Collection wires lose nothing, because their baseline is restored from the empty samples.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from zoo.api import ConfigError, DataError
from zoo_dnn_roi.physics.field_response import load_field_response
from zoo_dnn_roi.physics.geometry import protodune_hd
from zoo_dnn_roi.physics.noise import NoiseSettings, load_noise_spectrum
from zoo_dnn_roi.physics.simulation import Simulation
from zoo_dnn_roi.physics.tracks import cosmic_muons, muon_track

FIELD_FILE = "dnn-roi/dune-garfield-1d565.json.bz2"
NOISE_FILE = "dnn-roi/protodunehd-noise-spectra-14mVfC-v1.json.bz2"


@pytest.fixture(scope="module")
def analytic() -> Simulation:
    return Simulation(protodune_hd(wires=200))


@pytest.fixture(scope="module")
def garfield(real_data: Path) -> Simulation:
    return Simulation(
        protodune_hd(wires=200),
        load_field_response(real_data / FIELD_FILE),
        load_noise_spectrum(real_data / NOISE_FILE),
    )


@pytest.fixture(scope="module")
def small() -> Simulation:
    return Simulation(protodune_hd(wires=40, ticks=799, drift_length_mm=500.0))


def _windows(truth: np.ndarray, margin: int) -> np.ndarray:
    """On each wire the ticks from the first to the last true charge, and a margin, bool."""
    mask = np.zeros(truth.shape, dtype=np.bool_)
    for wire in np.flatnonzero((truth > 1).any(axis=1)):
        ticks = np.flatnonzero(truth[wire] > 1)
        mask[wire, max(0, ticks[0] - margin) : ticks[-1] + margin + 1] = True
    return mask


def _check_closure(simulation: Simulation, angle: float) -> None:
    clouds = simulation.drift(muon_track(700.0, angle))
    truth = simulation.truth(clouds)
    deconvolved = simulation.deconvolve(simulation.waveforms(clouds, None))
    padded = next_fast_len(6000 + simulation.signal.pulse_ticks, real=True)
    total = clouds.electrons.sum()
    np.testing.assert_allclose(truth["W"].sum(), total, rtol=1e-4)
    assert deconvolved["W"].charge.sum() == pytest.approx(total, rel=0.01)
    for name in "UV":
        charge = deconvolved[name].charge
        window = _windows(truth[name], 30)
        seen = charge[window].sum() / total
        assert seen == pytest.approx(1, abs=0.03)
        share = truth[name].sum(axis=1) / total
        assert seen == pytest.approx(1 - (share * window.sum(axis=1)).sum() / padded, abs=0.003)
        assert charge.sum() / total == pytest.approx(1 - 6000 / padded, abs=0.003)


@pytest.mark.parametrize("angle", [0, 30, 60])
def test_charge_closes_with_the_analytic_response(analytic: Simulation, angle: float) -> None:
    _check_closure(analytic, angle)


@pytest.mark.realdata
@pytest.mark.parametrize("angle", [0, 30, 60])
def test_charge_closes_with_the_garfield_response(garfield: Simulation, angle: float) -> None:
    _check_closure(garfield, angle)


@pytest.mark.realdata
def test_pulse_heights_with_the_garfield_response(garfield: Simulation) -> None:
    # Wire-Cell, 1000 electrons, 14 mV/fC and 2.2 us: U -5.7/+5.4, V -5.6/+5.6, W -21.6 ADC.
    pulses = [1000 * garfield.signal.average_pulse(plane)[10] for plane in range(3)]
    heights = [(round(float(p.min()), 1), round(float(p.max()), 1)) for p in pulses]
    assert heights[:2] == [(-5.7, 5.4), (-5.6, 5.6)]
    assert heights[2][0] == -21.6


@pytest.mark.realdata
def test_charge_of_the_garfield_response(garfield: Simulation) -> None:
    charge = garfield.signal.response.charge()
    # Central paths: W collects 0.986 of an electron, U and V nothing.
    assert charge[2, 10, 5] == pytest.approx(-0.986, abs=0.001)
    np.testing.assert_allclose(charge[:2, 10], 0, atol=0.005)


@pytest.mark.realdata
def test_deconvolved_noise_of_protodune_hd(garfield: Simulation) -> None:
    # Wire-Cell's chain on this noise: RMS behind the tight filter U 200, V 202, W 174 electrons.
    for plane, expected in enumerate((200, 202, 174)):
        adc = garfield.noise.waveforms(plane, np.random.default_rng(plane))
        assert garfield.deconvolver(adc, plane).rms.mean() == pytest.approx(expected, rel=0.03)


def test_deconvolved_noise_of_the_analytic_chain(analytic: Simulation) -> None:
    # What our closed forms give; frames of the real detector have 240, 246 and 186 electrons.
    for plane, expected in enumerate((252, 249, 176)):
        adc = analytic.noise.waveforms(plane, np.random.default_rng(plane))
        assert analytic.deconvolver(adc, plane).rms.mean() == pytest.approx(expected, rel=0.03)


def test_truth_and_charge_agree_cell_by_cell(analytic: Simulation) -> None:
    clouds = analytic.drift(muon_track(700.0, 30.0))
    truth = analytic.truth(clouds)
    deconvolved = analytic.deconvolve(analytic.waveforms(clouds, None))
    for name in "UVW":
        charge, expected = deconvolved[name].charge, truth[name]
        # Wire-Cell's closure at 30 degrees: peaks within 1 to 6 %, at the same tick.
        assert charge.max() == pytest.approx(expected.max(), rel=0.09)
        assert np.corrcoef(charge.ravel(), expected.ravel())[0, 1] > 0.99
        busy = expected.sum(axis=1) > 0.5 * expected.sum(axis=1).max()
        lag = charge[busy].argmax(axis=1) - expected[busy].argmax(axis=1)
        assert np.abs(np.median(lag)) <= 1


Waveforms = dict[str, NDArray[np.float32]]


def _event(simulation: Simulation, seed: int) -> tuple[Waveforms, Waveforms]:
    rng = np.random.default_rng(seed)
    clouds = simulation.drift(cosmic_muons(simulation.detector, rng), rng)
    return simulation.truth(clouds), simulation.waveforms(clouds, rng)


def test_equal_seeds_give_equal_bits(small: Simulation) -> None:
    truth, adc = _event(small, 1)
    again_truth, again_adc = _event(small, 1)
    _, other_adc = _event(small, 2)
    for name in "UVW":
        np.testing.assert_array_equal(truth[name], again_truth[name])
        np.testing.assert_array_equal(adc[name], again_adc[name])
        assert not np.array_equal(adc[name], other_adc[name])
    first, second = small.deconvolve(adc), small.deconvolve(adc)
    np.testing.assert_array_equal(first["U"].loose_lf, second["U"].loose_lf)


def test_a_prime_number_of_ticks_is_no_trouble(small: Simulation) -> None:
    assert small.detector.ticks == 797 + 2
    odd = Simulation(protodune_hd(wires=40, ticks=797, drift_length_mm=500.0))
    truth, adc = _event(odd, 3)
    deconvolved = odd.deconvolve(adc)
    for name, wires in (("U", 40), ("V", 40), ("W", 48)):
        assert truth[name].shape == adc[name].shape == (wires, 797)
        assert deconvolved[name].charge.shape == (wires, 797)


def test_noise_switches(small: Simulation) -> None:
    clouds = small.drift(muon_track(100.0, 20.0, centre_mm=(200.0, 0.0, 0.0)))
    quiet = small.waveforms(clouds, None)
    silent = small.waveforms(clouds, np.random.default_rng(1), NoiseSettings(scale=0.0))
    loud = small.waveforms(clouds, np.random.default_rng(1), NoiseSettings(scale=2.0))
    for name, rms in (("U", 13.5), ("V", 13.7), ("W", 10.7)):
        np.testing.assert_array_equal(quiet[name], silent[name])
        assert (loud[name] - quiet[name]).std() == pytest.approx(2 * rms, rel=0.05)


def test_dead_channels_and_whole_counts(small: Simulation) -> None:
    dead = {"V": np.arange(40) == 11}
    clouds = small.drift(muon_track(100.0, 20.0, centre_mm=(200.0, 0.0, 0.0)))
    adc = small.waveforms(clouds, np.random.default_rng(1), dead=dead, digital=True)
    exact = small.waveforms(clouds, np.random.default_rng(1))
    for name in "UVW":
        np.testing.assert_array_equal(adc[name], np.rint(adc[name]))
        kept = np.ones(len(adc[name]), dtype=np.bool_) if name != "V" else ~dead["V"]
        assert np.abs(adc[name] - exact[name])[kept].max() <= 0.5 + 1e-3
    assert not adc["V"][11].any()
    assert not small.deconvolve(adc, dead)["V"].charge[11].any()
    with pytest.raises(DataError, match="one per wire"):
        small.waveforms(clouds, None, dead={"V": np.arange(3) == 1})


def test_only_known_planes_are_deconvolved(small: Simulation) -> None:
    _, adc = _event(small, 4)
    assert list(small.deconvolve({"V": adc["V"]})) == ["V"]
    with pytest.raises(ConfigError, match="no plane 'X'"):
        small.deconvolve({"X": adc["V"]})
