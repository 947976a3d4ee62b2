"""Simulated events: what they are made of, what does not change them, and what their facts tell."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from zoo.api import ConfigError, Table, ZooError, generator
from zoo_dnn_roi.baselines import BaselineConfig, Traditional
from zoo_dnn_roi.physics.geometry import Detector
from zoo_dnn_roi.sources.config import CosmicsConfig, DetectorConfig, TracksConfig
from zoo_dnn_roi.sources.simulators import Cosmics, Tracks

DETECTOR = {"wires": 48, "ticks": 800, "drift_length_mm": 500.0}
FIELDS = frozenset(
    {"truth", "decon_charge", "loose_lf", "mp2", "mp3", "traditional", "theta_xz", "rms"}
)


def tracks(**options: Any) -> Tracks:
    nominal = {"detector": DETECTOR, "length_mm": 150.0, "theta_xz": [0, 30, 60]}
    return Tracks(TracksConfig.model_validate(nominal | options))


def keys(*numbers: int) -> NDArray[np.uint64]:
    return np.array(numbers, np.uint64)


def check_regression(event: Table, expected: dict[str, float]) -> None:
    found = {
        "theta_xz": float(event["theta_xz"][0]),
        "true charge": float(event["truth"].sum(dtype=np.float64)),
        "charge": float(np.abs(event["decon_charge"]).sum(dtype=np.float64)),
        "U, wire 7, tick 333": float(event["loose_lf"][0, 7, 333]),
        "V, wire 40, tick 90": float(event["loose_lf"][1, 40, 90]),
        "mp2": float(event["mp2"].sum()),
        "mp3": float(event["mp3"].sum()),
        "traditional": float(event["traditional"].sum()),
    }
    assert found == pytest.approx(expected, rel=2e-3, nan_ok=True)


def test_the_track_of_a_key_stays_what_it_is() -> None:
    # Regression: with other draws, data of a seed could not be made again.
    check_regression(
        tracks().simulate(keys(3), FIELDS),
        {
            "theta_xz": 60.0,
            "true charge": 1859100.0,
            "charge": 18007268.0,
            "U, wire 7, tick 333": -86.20974,
            "V, wire 40, tick 90": 301.6470,
            "mp2": 6280,
            "mp3": 2680,
            "traditional": 2716,
        },
    )


def test_the_cosmic_event_of_a_key_stays_what_it_is() -> None:
    config = CosmicsConfig.model_validate({"detector": DETECTOR, "cosmics": [1, 5]})
    check_regression(
        Cosmics(config).simulate(keys(77), FIELDS),
        {
            "theta_xz": np.nan,
            "true charge": 8895000.6,
            "charge": 26128468.0,
            "U, wire 7, tick 333": 344.7016,
            "V, wire 40, tick 90": 554.1399,
            "mp2": 15730,
            "mp3": 8490,
            "traditional": 6041,
        },
    )


def test_the_traditional_row_is_the_charge_that_comes_with_the_sample() -> None:
    # A network that sees `gauss` sees what the baseline answers; the facts tell by which chain.
    simulator = tracks()
    event = simulator.simulate(keys(3), FIELDS | {"gauss"})
    answer = Traditional(BaselineConfig(), simulator.facts).predict(event)
    np.testing.assert_array_equal(answer["charge"], event["gauss"])
    assert event["gauss"].dtype == np.float32
    assert event["gauss"].max() > 1000
    assert not event["gauss"][event["traditional"] == 0].any()
    assert simulator.facts["traditional_chain"] == 2


def test_an_event_does_not_depend_on_the_others() -> None:
    together, alone = (tracks().simulate(keys(*some), FIELDS) for some in ((3, 77), (77,)))
    for field in alone:
        np.testing.assert_array_equal(together[field][2:], alone[field])


def test_a_track_lies_inside_the_readout_at_its_angle() -> None:
    simulator = tracks(theta_xz=[40.0])
    depos, label = simulator.depositions(generator(5))
    slope = np.polyfit(depos.z, depos.x, 1)[0]
    assert np.rad2deg(np.arctan(slope)) == pytest.approx(label.theta_xz) == 40
    assert simulator.detector.seen(depos.y, depos.z).all()
    assert depos.x.min() > 0


def test_a_track_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="larger than the readout"):
        tracks(length_mm=900.0)


def test_the_drift_of_the_settings_is_that_of_the_detector() -> None:
    default = {field.name: field.default for field in dataclasses.fields(Detector)}
    settings = DetectorConfig()
    for name in ("longitudinal_cm2_s", "transverse_cm2_s", "lifetime_ms", "drift_length_mm"):
        assert getattr(settings, name) == default[name]
    changed = tracks(detector=DETECTOR | {"lifetime_ms": 3.0, "transverse_cm2_s": 9.0}).detector
    assert (changed.lifetime_ms, changed.transverse_cm2_s) == (3, 9)
    assert changed.longitudinal_cm2_s == 7.2


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.0},
        {"gain": float("inf")},
        {"detector": {"lifetime_ms": 0.0}},
        {"detector": {"longitudinal_cm2_s": -1.0}},
        {"detector": {"transverse_cm2_s": float("nan")}},
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TracksConfig.model_validate(settings)


def test_facts_name_the_response_of_the_signals() -> None:
    analytic = {"name": "analytic", "sha256": ""}
    nominal, wide = tracks().facts, tracks(signal_response="analytic-wide").facts
    assert nominal["field_response"] == nominal["signal_response"] == analytic
    assert wide["field_response"] == analytic
    assert wide["signal_response"] == {"name": "analytic-wide", "sha256": ""}


def test_a_missing_response_of_the_signals_is_named(tmp_path: Path) -> None:
    simulator = tracks(signal_response=str(tmp_path / "absent.json"))
    with pytest.raises(ZooError, match=r"absent\.json"):
        simulator.simulate(keys(1), FIELDS)


@pytest.mark.realdata
def test_signals_of_another_file_than_the_deconvolution_assumes(real_data: Path) -> None:
    file = real_data / "dnn-roi" / "dune-garfield-1d565.json.bz2"
    mixed = tracks(signal_response=str(file))
    assert mixed.facts["signal_response"]["name"] == file.name
    assert mixed._simulation.signal.response.name == file.name
    assumed = mixed._simulation.deconvolver.model
    np.testing.assert_array_equal(assumed.pulses, tracks()._simulation.signal.pulses)
