"""Each variation against what it must do, on events that stay the same."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from zoo.api import Table, generator
from zoo_dnn_roi.physics.depos import Depos
from zoo_dnn_roi.physics.noise import NoiseSettings
from zoo_dnn_roi.physics.tracks import muon_track
from zoo_dnn_roi.sources.config import TracksConfig
from zoo_dnn_roi.sources.simulators import Cosmics, Tracks
from zoo_dnn_roi.sources.variations import VARIATIONS
from zoo_dnn_roi.specs import SAMPLE, SHOWER_FIELDS

NOMINAL: Mapping[str, Any] = {
    "detector": {"wires": 48, "ticks": 800, "drift_length_mm": 500.0},
    "length_mm": 150.0,
    "theta_xz": [0, 30, 60],
    "cosmics": [1, 2],
}
KEYS = np.array([3, 77], np.uint64)
FIELDS = frozenset(SAMPLE) - SHOWER_FIELDS
MM_PER_TICK = 1.565 * 0.5
PITCH_MM = 4.6691


@cache
def simulator(variation: str = "", *, ticks: int = 800, drift_mm: float = 500.0) -> Tracks:
    options = dict(NOMINAL)
    options["detector"] = NOMINAL["detector"] | {"ticks": ticks, "drift_length_mm": drift_mm}
    for name, value in VARIATIONS.get(variation, {}).items():
        both = isinstance(value, Mapping) and name in options
        options[name] = options[name] | value if both else value
    return Tracks(TracksConfig.model_validate(options))


@cache
def events(variation: str = "") -> Table:
    return simulator(variation).simulate(KEYS, FIELDS)


def full_depth(variation: str = "") -> Tracks:
    """The same piece with the whole drift of the detector."""
    return simulator(variation, ticks=5200, drift_mm=3530.0)


def test_the_simulators_declare_them() -> None:
    assert Tracks.variations is Cosmics.variations is VARIATIONS
    assert list(VARIATIONS) == [
        *("noise-1.2", "coherent-noise", "noisy-2-percent", "dead-2-percent"),
        *("diffusion", "lifetime", "gain", "field-response"),
    ]


@pytest.mark.parametrize("variation", VARIATIONS)
def test_muons_and_detector_stay_and_the_facts_tell_the_change(variation: str) -> None:
    nominal, varied = simulator(), simulator(variation)
    for key in KEYS:
        (before, one), (after, other) = (s.depositions(generator(key)) for s in (nominal, varied))
        assert one == other
        for column in Depos.__slots__:
            np.testing.assert_array_equal(getattr(before, column), getattr(after, column))
    assert nominal.facts["geometry"] == varied.facts["geometry"]
    assert nominal.facts != varied.facts
    same = {"id", "theta_xz", "plane", "dead", "noisy"} - {variation.partition("-")[0]}
    for field in same:
        np.testing.assert_array_equal(events()[field], events(variation)[field])
    assert not np.array_equal(events()["decon_charge"], events(variation)["decon_charge"])


@pytest.mark.parametrize("variation", sorted(VARIATIONS.keys() - {"diffusion", "lifetime"}))
def test_the_truth_stays_where_nothing_happens_before_the_wires(variation: str) -> None:
    np.testing.assert_array_equal(events()["truth"], events(variation)["truth"])


def quiet(variation: str) -> np.ndarray:
    """Deconvolved noise over the nominal one, on wires without true charge."""
    wires = events()["truth"].max(axis=2) == 0
    assert wires.sum() > 20
    ratio: np.ndarray = events(variation)["rms"][wires] / events()["rms"][wires]
    return ratio


def test_noise_is_larger_by_a_fifth() -> None:
    assert quiet("noise-1.2").mean() == pytest.approx(1.2, rel=0.02)


def test_coherent_noise_comes_on_top_of_the_same_event() -> None:
    simulation = simulator()._simulation
    clouds = simulation.drift(muon_track(150.0, 30.0, centre_mm=(250.0, 0.0, 0.0)))
    without, having = (
        simulation.waveforms(clouds, generator(9), NoiseSettings(coherent_adc=rms))
        for rms in (0.0, VARIATIONS["coherent-noise"]["coherent_adc"])
    )
    for name in "UVW":
        added = having[name] - without[name]
        board = np.arange(len(added)) // 40
        same = board[:, None] == board
        covariance = np.cov(added)
        # The square of 5 counts. Of 800 samples correlated over a few ticks some 300 count.
        np.testing.assert_allclose(covariance[same], 25.0, atol=5 * 25 * np.sqrt(2 / 300))
        np.testing.assert_allclose(covariance[~same], 0.0, atol=5 * 25 * np.sqrt(1 / 300))


def test_coherent_noise_is_seen_behind_the_deconvolution() -> None:
    assert 1.1 < quiet("coherent-noise").mean() < 1.25  # what the comment on its size says


@pytest.mark.parametrize("flag", ["noisy", "dead"])
def test_two_percent_of_the_channels(flag: str) -> None:
    varied = simulator(f"{flag}-2-percent")
    found = varied.simulate(np.arange(12, dtype=np.uint64), frozenset({flag, "rms"}))
    count, wires = int(found[flag].sum()), found[flag].size
    assert abs(count - 0.02 * wires) < 4 * np.sqrt(0.02 * 0.98 * wires)
    chosen = found[flag] > 0
    if flag == "dead":
        assert not found["rms"][chosen].any()
    else:  # the wire filter mixes neighbours, so that not all of the factor 5 is left
        assert found["rms"][chosen].mean() > 2.5 * np.median(found["rms"][~chosen])


def test_diffusion_has_the_widths_of_its_constants() -> None:
    depos = Depos(*(np.array([value]) for value in (3000.0, 0.0, 0.0, 0.0, 1e6)))
    drift_us = 3000.0 / 1.565
    variances = []
    for variation in ("", "diffusion"):
        simulation = full_depth(variation)._simulation
        truth = simulation.truth(simulation.drift(depos))["U"].astype(np.float64)
        variances.append([_variance(truth.sum(axis=1 - axis)) for axis in (0, 1)])
    wires, ticks = np.array(variances[0]) - np.array(variances[1])
    # sigma^2 = 2 D t; 1 cm2/s is 1e-4 mm2/us. Patches end at 3 sigma: 3 % of a variance is lost.
    expected_wires = 2 * (12.0 - 8.8) * 1e-4 * drift_us / PITCH_MM**2
    expected_ticks = 2 * (7.2 - 4.0) * 1e-4 * drift_us / MM_PER_TICK**2
    assert wires == pytest.approx(expected_wires, rel=0.06)
    assert ticks == pytest.approx(expected_ticks, rel=0.06)


def _variance(density: np.ndarray) -> float:
    place = np.arange(len(density))
    mean = np.average(place, weights=density)
    return float(np.average((place - mean) ** 2, weights=density))


def test_lifetime_leaves_the_charge_of_its_exponential() -> None:
    nominal, varied = full_depth(), full_depth("lifetime")
    depos = muon_track(150.0, 20.0, centre_mm=(2800.0, 0.0, 0.0))
    charges = []
    for one in (nominal, varied):
        clouds = one._simulation.drift(depos, np.random.default_rng(1))
        charges.append(one._simulation.truth(clouds)["U"].sum(dtype=np.float64))
    left = [np.exp(-depos.x / 1.565e3 / tau) @ depos.electrons for tau in (8.0, 35.0)]
    assert charges[1] / charges[0] == pytest.approx(left[1] / left[0], rel=3e-3)
    assert left[1] / left[0] == pytest.approx(1.19, abs=0.01)  # exp(1.79 (1/8 - 1/35))


def test_gain_is_on_the_signal_and_not_on_the_noise() -> None:
    simulations = [simulator(name)._simulation for name in ("", "gain")]
    clouds = simulations[0].drift(muon_track(150.0, 30.0, centre_mm=(250.0, 0.0, 0.0)))
    charges = [one.deconvolve(one.waveforms(clouds, None)) for one in simulations]
    for name in "UVW":
        one, other = (planes[name].charge for planes in charges)
        np.testing.assert_allclose(other, 1.05 * one, atol=1e-4 * np.abs(one).max())
    noise = [one.waveforms(clouds, generator(4))["U"] for one in simulations]
    signal = [one.waveforms(clouds, None)["U"] for one in simulations]
    np.testing.assert_allclose(noise[1] - signal[1], noise[0] - signal[0], atol=1e-3)


def test_planes_further_apart_give_larger_slow_induction_signals() -> None:
    nominal, varied = (simulator(name)._simulation for name in ("", "field-response"))
    for plane in (0, 1):
        # A bipolar pulse of zero integral has the first moment of its weighting potential's
        # integral along the path. Summed over wires that potential falls linearly over each gap,
        # so that the moment grows as the gaps do: by 0.5 mm in 4.71 mm.
        moments = [
            one.signal.average_pulse(plane).sum(axis=0) @ np.arange(one.signal.pulse_ticks)
            for one in (nominal, varied)
        ]
        assert moments[1] / moments[0] == pytest.approx(1 + 0.5 / 4.71, rel=0.01)
    collected = [one.signal.response.charge()[2] for one in (nominal, varied)]
    np.testing.assert_allclose(collected[1], collected[0], atol=1e-3)
    assumed = [one.deconvolver.model.pulses for one in (nominal, varied)]
    np.testing.assert_array_equal(assumed[0], assumed[1])


def test_charge_does_not_close_with_another_field_response() -> None:
    simulations = [simulator(name)._simulation for name in ("", "field-response")]
    clouds = simulations[0].drift(muon_track(150.0, 0.0, centre_mm=(250.0, 0.0, 0.0)))
    truth = simulations[0].truth(clouds)
    closure = []
    for one in simulations:
        planes = one.deconvolve(one.waveforms(clouds, None))
        closure.append({n: planes[n].charge[truth[n] > 1].sum() / truth[n].sum() for n in "UVW"})
    for name in "UV":
        assert closure[0][name] == pytest.approx(1, abs=0.04)
        assert 1.04 < closure[1][name] / closure[0][name] < 1.12
    assert closure[1]["W"] == pytest.approx(closure[0]["W"], rel=0.02)
