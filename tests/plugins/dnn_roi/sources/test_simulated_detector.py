"""Simulators of a detector that a geometry file describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from zoo.api import ConfigError, DataError, Table
from zoo.data.checks import check_source
from zoo.data.simulated import SimulatedSource
from zoo.prediction.compatibility import require_facts
from zoo_dnn_roi.baselines import BaselineConfig, Traditional
from zoo_dnn_roi.metrics import RoiMetrics
from zoo_dnn_roi.sources.config import CosmicsConfig, ShowersConfig, TracksConfig
from zoo_dnn_roi.sources.layout import load_layout
from zoo_dnn_roi.sources.showers import Showers
from zoo_dnn_roi.sources.simulators import Cosmics, EventSimulator, Tracks
from zoo_dnn_roi.sources.variations import VARIATIONS
from zoo_dnn_roi.sources.wct_hdf5 import WctHdf5
from zoo_dnn_roi.sources.wirecell_config import WctHdf5Config
from zoo_dnn_roi.specs import SAMPLE, SHOWER_FIELDS

KEYS = np.array([3, 77], np.uint64)
FIELDS = frozenset(SAMPLE) - SHOWER_FIELDS
TRACK: Mapping[str, Any] = {"length_mm": 50.0, "theta_xz": [30], "noise_scale": 0.0}

# The smaller piece of ProtoDUNE-HD that tests of the simulators use, written down.
HD = """\
name = "written"
tick_ns = 500.0
ticks = [100, 900]
[[planes]]
name = "{u}"
induction = true
channels = [0, 48]
pitch_mm = 4.6691
angle_deg = 35.707
[[planes]]
name = "{v}"
induction = true
channels = [48, 96]
pitch_mm = 4.6691
angle_deg = -35.707
[[planes]]
name = "{w}"
induction = false
channels = [96, 154]
pitch_mm = 4.792
angle_deg = 0.0
[readout]
drift_length_mm = 500.0
"""
PIECE = {"wires": 48, "ticks": 800, "drift_length_mm": 500.0}


def written(folder: Path, u: str = "U", v: str = "V", w: str = "W") -> str:
    path = folder / f"{u}{v}{w}.toml"
    path.write_text(HD.format(u=u, v=v, w=w))
    return str(path)


def invented(
    folder: Path, wct: ModuleType, readout: str = "", *, ticks: bool = True, crop: str = ""
) -> str:
    """That of the adapters' tests, larger: 48, 48 and 52 wires of 3 and 2.5 mm, 400 ns."""
    path = Path(wct.geometry(folder, (48, 48, 52)))
    text = path.read_text()
    if ticks:
        text = text.replace("tick_ns = 400.0", "tick_ns = 400.0\nticks = [0, 700]")
    if crop:
        text = text.replace("channels = [0, 48]", f"channels = [0, 48]\ncrop = {crop}")
    path.write_text(f"{text}\n[readout]\n{readout}" if readout else text)
    return str(path)


def tracks(geometry: str, **options: Any) -> Tracks:
    detector = {"geometry": geometry} | options.pop("detector", {})
    return Tracks(TracksConfig.model_validate({**TRACK, "detector": detector, **options}))


def digits(table: Table) -> dict[str, bytes]:
    return {name: np.ascontiguousarray(table[name]).tobytes() for name in table}


@pytest.mark.parametrize("names", [("U", "V", "W"), ("Z", "Y", "X")])
@pytest.mark.parametrize(
    ("simulator", "options", "fields"),
    [
        (Cosmics, CosmicsConfig(cosmics=(2, 4), dead=0.05, noisy=0.05), FIELDS),
        (Tracks, TracksConfig(length_mm=150, coherent_adc=5, theta_xz=(30,)), FIELDS),
        (Tracks, TracksConfig(length_mm=150, signal_response="analytic-wide"), FIELDS),
        (Showers, ShowersConfig(theta_xz=(20,), energy_mev=(200, 200)), frozenset(SAMPLE)),
    ],
)
def test_a_piece_of_protodune_hd_from_a_file_is_that_of_the_settings(
    tmp_path: Path,
    names: tuple[str, str, str],
    simulator: type[EventSimulator[Any]],
    options: Any,
    fields: frozenset[str],
) -> None:
    """Bit for bit, whatever the planes are called: all constants go by their order."""

    def made(detector: Mapping[str, Any]) -> EventSimulator[Any]:
        raw = options.model_dump(exclude_unset=True) | {"detector": detector}
        return simulator(type(options).model_validate(raw))

    file, plain = made({"geometry": written(tmp_path, *names)}), made(PIECE)
    assert digits(file.simulate(KEYS, fields)) == digits(plain.simulate(KEYS, fields))
    same = {*plain.facts} - {"geometry", "readout"}
    assert {name: file.facts[name] for name in same} == {n: plain.facts[n] for n in same}
    assert (file.facts["geometry"] == plain.facts["geometry"]) == (names == ("U", "V", "W"))
    assert file.facts["planes"] == list(names)


def test_without_a_file_no_fact_is_new() -> None:
    assert set(Cosmics(CosmicsConfig()).facts) == {
        *("geometry", "readout", "field_response", "signal_response", "gain", "drift"),
        *("noise_spectrum", "noise", "traditional_chain"),
    }
    facts = Cosmics(CosmicsConfig()).facts
    assert facts["readout"] == {"wires": {"U": 400, "V": 400, "W": 480}, "ticks": 6000}


def test_the_readout_is_no_part_of_the_digest(tmp_path: Path, wct: ModuleType) -> None:
    plain = load_layout(invented(tmp_path, wct)).digest
    file = invented(tmp_path, wct, "lifetime_ms = 3.0\nadc_bits = 12")
    assert load_layout(file).digest == plain
    # As it was before files could have this table: that of an earlier version of the plugin.
    assert load_layout("protodune-hd").digest[:16] == "0fb73b2fafa79058"


def test_planes_and_ticks_are_those_of_the_file(tmp_path: Path, wct: ModuleType) -> None:
    file = invented(tmp_path, wct)
    source = SimulatedSource(tracks(file), seed=1, events=1)
    assert check_source(source, SAMPLE).findings == ()
    event = tracks(file).simulate(KEYS, FIELDS)
    assert event["loose_lf"].shape == (4, 48, 700)
    assert event["plane"].tolist() == [0, 1, 0, 1]
    facts = tracks(file).facts
    assert facts["detector"] == "invented"
    assert facts["readout"] == {"wires": {"A": 48, "B": 48, "C": 52}, "ticks": 700}
    assert facts["geometry"] == {
        "pitch_mm": {"A": 3.0, "B": 3.0, "C": 2.5},
        "angle_deg": {"A": 60.0, "B": -20.0, "C": 0.0},
        "tick_ns": 400.0,
    }
    assert facts["electronics"] == {
        "gain_mv_fc": 14.0,
        "peaking_us": 2.2,
        "adc_bits": 14,
        "adc_range_mv": 1400.0,
    }
    # A file without ticks leaves their number to the setting.
    free = tracks(invented(tmp_path, wct, ticks=False), detector={"ticks": 500})
    assert free.simulate(KEYS[:1], frozenset({"truth"}))["truth"].shape == (2, 48, 500)


def test_charge_and_time_of_a_track_in_closed_form(tmp_path: Path, wct: ModuleType) -> None:
    """A muon leaves 2.1 MeV/cm, 0.705 / 23.6 eV electrons of it, of which exp(-t / 5 ms) arrive.

    The recombination is the modified box model's at 0.5 kV/cm (JINST 8 (2013) P08005).
    """
    readout = "drift_speed_mm_us = 1.2\ndrift_length_mm = 200.0\nlifetime_ms = 5.0"
    quiet = "\nlongitudinal_cm2_s = 0.0\ntransverse_cm2_s = 0.0"
    file = invented(tmp_path, wct, readout + quiet, ticks=False)
    simulator = tracks(file, length_mm=50.0, detector={"ticks": 1000})
    event = simulator.simulate(np.arange(8, dtype=np.uint64), frozenset({"truth"}))
    truth = event["truth"].astype(np.float64)
    middle_us = (np.arange(1000) + 0.5) * 0.4
    arrival_us = np.array([np.average(middle_us, weights=q.sum(0)) for q in truth])
    # Of 200 mm, 40 at both borders stay free: the middle of a track of 50 mm sin 30 has 95.
    # The charge fluctuates along the track, so that its mean is not quite in the middle.
    assert np.abs(arrival_us - 100 / 1.2).max() < 95 / 2 / 1.2 + 0.3
    assert np.ptp(arrival_us) > 20
    electrons = 5.0 * 2.1e6 * 0.705 / 23.6 * np.exp(-arrival_us * 1e-3 / 5)
    np.testing.assert_allclose(truth.sum(axis=(1, 2)), electrons, rtol=0.12)  # Landau's width
    assert truth.sum() == pytest.approx(electrons.sum(), rel=0.04)
    # Neighbouring wires of A are 3 / cos 60 mm apart along z, and that times tan 30 in x.
    delays = [np.diff(_arrival_by_wire(plane, middle_us)) for plane in truth[::2]]
    delay_us = 6 * np.tan(np.deg2rad(30)) / 1.2
    assert np.median(np.concatenate(delays)) == pytest.approx(delay_us, rel=0.1)


def _arrival_by_wire(
    truth: NDArray[np.float64], time_us: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of wires that a track crosses from end to end: blurring pulls the others to its middle."""
    busy = truth[truth.sum(axis=1) > 0.5 * truth.sum(axis=1).max()][2:-2]
    return np.array([np.average(time_us, weights=wire) for wire in busy])


def test_electronics_and_converter_of_the_file(tmp_path: Path, wct: ModuleType) -> None:
    readout = "gain_mv_fc = 7.8\npeaking_us = 1.1\nadc_bits = 12\nadc_range_mv = 2000.0"
    other, plain = (tracks(invented(tmp_path, wct, said)) for said in (readout, ""))
    assert other.facts["electronics"]["gain_mv_fc"] == 7.8
    heights = [
        -simulator._simulation.signal.average_pulse(2)[10].min() for simulator in (other, plain)
    ]
    # A shorter shaper sees the same charge in less time; the rest is gain and counts per mV.
    ratio = heights[0] / heights[1] / (7.8 / 14) / (4095 / 2000 * 1400 / 16383)
    assert 0.6 < ratio < 1
    charges = [
        s.simulate(KEYS, frozenset({"decon_charge"}))["decon_charge"] for s in (other, plain)
    ]
    assert charges[0].max() == pytest.approx(charges[1].max(), rel=0.05)


def test_settings_of_the_readout_win_over_the_file(tmp_path: Path, wct: ModuleType) -> None:
    file = invented(tmp_path, wct, "lifetime_ms = 3.0\nlongitudinal_cm2_s = 5.0")
    assert tracks(file).detector.lifetime_ms == 3
    assert tracks(file, detector={"lifetime_ms": 8.0}).detector.lifetime_ms == 8
    varied = tracks(file, detector=VARIATIONS["diffusion"]["detector"]).facts["drift"]
    assert (varied["longitudinal_cm2_s"], varied["transverse_cm2_s"]) == (4.0, 8.8)
    assert varied["lifetime_ms"] == 3


@pytest.mark.parametrize(("name", "value"), [("wires", 48), ("ticks", 700)])
def test_settings_that_the_file_says_are_refused(
    tmp_path: Path, wct: ModuleType, name: str, value: int
) -> None:
    file = invented(tmp_path, wct)
    with pytest.raises(
        ConfigError, match=f"{name} are set, and said by the geometry file"
    ) as caught:
        tracks(file, detector={name: value})
    assert caught.value.where == f"data.options.detector.{name}"
    assert "leave the setting out" in caught.value.remedy


def test_a_file_in_the_wrong_place_is_told_the_right_one() -> None:
    with pytest.raises(ValidationError, match=r"detector\.geometry=my\.toml"):
        TracksConfig.model_validate({"detector": "my.toml"})


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("pitch_mm = 2.5", "", "plane C has no pitch_mm"),
        ("angle_deg = -20.0", "", "plane B has no angle_deg"),
        ("induction = false", "induction = true", "one or two induction planes"),
        ("induction = true\nchannels = [0,", "induction = false\nchannels = [0,", "mp2 and mp3"),
        ("angle_deg = -20.0", "angle_deg = 60.0", "wires of A and B are parallel"),
        ("angle_deg = 60.0", "angle_deg = 0.0", "wires of A and C are parallel"),
        ("[0, 48]", "[0, 48]\ncrop = [0, 23]", "plane A has 23 wires"),
        ("[0, 700]", "[0, 399]", "399 ticks are used"),
        ("400.0", "128.0", "ticks of 128 ns"),
        ("[0, 700]", "[0, 700]\nreadout = {lifetime_ms = 0.0}", "readout.lifetime_ms"),
        ("[0, 700]", "[0, 700]\nreadout = {drift_speed = 1.6}", "Extra inputs"),
        ("[0, 700]", "[0, 700]\nreadout = {peaking_us = 4.4}", "readout.peaking_us"),
        ("[0, 700]", "[0, 700]\nreadout = {drift_speed_mm_us = 0.5}", "700 ticks are used"),
    ],
)
def test_files_that_cannot_be_simulated_are_refused(
    tmp_path: Path, wct: ModuleType, old: str, new: str, match: str
) -> None:
    path = Path(invented(tmp_path, wct))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=match) as caught:
        tracks(str(path))
    assert caught.value.where == str(path)
    assert caught.value.remedy


def test_two_planes_are_too_few(tmp_path: Path, wct: ModuleType) -> None:
    path = Path(invented(tmp_path, wct))
    a, _, c = path.read_text().split("[[planes]]")[1:]
    head = 'name = "two"\ntick_ns = 400.0\n[[planes]]'
    path.write_text(head + a + "[[planes]]" + c.replace("[96, 148]", "[48, 100]"))
    with pytest.raises(ConfigError, match=r"planes A \(induction\), C \(collection\)") as caught:
        tracks(str(path))
    assert "wct-hdf5" in caught.value.remedy


def test_a_preset_without_angles_cannot_be_simulated() -> None:
    for preset in ("icarus", "sbnd"):
        with pytest.raises(ConfigError, match="plane U has no angle_deg"):
            tracks(preset)
    whole = tracks("protodune-hd", length_mm=1400.0)
    assert [plane.wires for plane in whole.detector.planes] == [800, 800, 960]


def test_planes_of_different_size_one_at_a_time(tmp_path: Path, wct: ModuleType) -> None:
    file = invented(tmp_path, wct, crop="[8, 40]")
    with pytest.raises(ConfigError, match="planes of different size") as caught:
        tracks(file)
    assert "data.options.planes=['A']" in caught.value.remedy
    with pytest.raises(ConfigError, match="no induction plane 'C'"):
        tracks(file, planes=["C"])
    first, second = (tracks(file, planes=[name]) for name in "AB")
    events = [one.simulate(KEYS, FIELDS) for one in (first, second)]
    assert [event["truth"].shape for event in events] == [(2, 32, 700), (2, 48, 700)]
    assert [event["plane"].tolist() for event in events] == [[0, 0], [1, 1]]
    assert check_source(SimulatedSource(second, seed=1, events=2), SAMPLE).findings == ()


def test_a_chosen_plane_is_that_of_the_pair() -> None:
    options = {"detector": PIECE, "length_mm": 150.0, "theta_xz": [30]}
    both, alone = (
        Tracks(TracksConfig.model_validate(options | {"planes": planes})).simulate(KEYS, FIELDS)
        for planes in ([], ["V"])
    )
    for name in FIELDS - {"id"}:
        np.testing.assert_array_equal(alone[name], both[name][1::2])


class Weights:
    """What is compared of weights: the facts of their data."""

    needs: frozenset[str] = frozenset()

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts


def test_weights_know_their_detector(tmp_path: Path, wct: ModuleType) -> None:
    file = invented(tmp_path, wct)
    mine = tracks(file).facts
    hd = Tracks(TracksConfig.model_validate({"detector": PIECE, "length_mm": 150.0})).facts
    for weights, data in ((mine, hd), (hd, mine)):
        with pytest.raises(DataError, match=r"'geometry\.(angle_deg|pitch_mm|tick_ns)'"):
            require_facts("net", Weights(weights), data, "data")
    other = tmp_path / "other"
    other.mkdir()
    longer = tracks(invented(other, wct, ticks=False), detector={"ticks": 700}).facts
    assert mine["geometry"] == longer["geometry"]
    with pytest.raises(DataError, match="geometry_digest"):
        require_facts("net", Weights(mine), longer, "data")
    lively = tracks(file, detector={"lifetime_ms": 3.0}, noise_scale=2.0).facts
    require_facts("net", Weights(mine), lively, "data")


def test_frames_of_the_same_file_suit_the_weights(tmp_path: Path, wct: ModuleType) -> None:
    file = invented(tmp_path, wct, "lifetime_ms = 3.0")
    frames = wct.write_pair(tmp_path, sizes={"channels": 148, "ticks": 700})
    read = WctHdf5(WctHdf5Config(detector=file), frames)
    simulated = tracks(file).facts
    shared = {"detector", "geometry", "geometry_digest"}
    assert {n: read.facts[n] for n in shared} == {n: simulated[n] for n in shared}
    require_facts("net", Weights(simulated), read.facts, "frames")
    require_facts("net", Weights(read.facts), simulated, "simulation")


def test_showers_are_measured_in_the_pitch_of_their_plane(tmp_path: Path, wct: ModuleType) -> None:
    """Facts come back from a file with their keys sorted: names alone do not tell the order."""
    path = Path(invented(tmp_path, wct))
    text = path.read_text().replace('"A"', '"late"').replace('"B"', '"early"')
    path.write_text(
        text.replace("pitch_mm = 3.0\nangle_deg = -20", "pitch_mm = 6.0\nangle_deg = -20")
    )
    options = {"theta_xz": [20], "energy_mev": [100, 100], "noise_scale": 0.0}
    simulator = Showers(
        ShowersConfig.model_validate(options | {"detector": {"geometry": str(path)}})
    )
    event = simulator.simulate(KEYS[:1], frozenset(SAMPLE))
    answer = Traditional(BaselineConfig(), simulator.facts).predict(event)
    sorted_facts = _sorted(simulator.facts)
    assert list(sorted_facts["geometry"]["pitch_mm"]) == ["C", "early", "late"]
    found, again = (
        RoiMetrics(facts).measure(event, answer) for facts in (simulator.facts, sorted_facts)
    )
    np.testing.assert_array_equal(found["shower_angle"], again["shower_angle"])
    assert np.isfinite(found["shower_angle"]).all()


def _sorted(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _sorted(facts[name]) if isinstance(facts[name], Mapping) else facts[name]
        for name in sorted(facts)
    }
