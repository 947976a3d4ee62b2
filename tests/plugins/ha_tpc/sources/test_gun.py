"""The gun: tracks from keys, fields, ranges, physics of whole tracks, variations, refusals."""

from __future__ import annotations

import json
import tracemalloc
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import ConfigError, Table, UsageError
from zoo_ha_tpc.physics.helix import Tracks, helix
from zoo_ha_tpc.physics.sums import TorchSums
from zoo_ha_tpc.sources import gun as module
from zoo_ha_tpc.sources.config import GunConfig
from zoo_ha_tpc.sources.gun import Gun
from zoo_ha_tpc.sources.starts import transverse_momentum
from zoo_ha_tpc.sources.variations import VARIATIONS
from zoo_ha_tpc.specs import HITS, SAMPLE, TRUTH

ALL = frozenset(SAMPLE)
KEYS = np.arange(40, 64, dtype=np.uint64)
GENERAL = {
    "phi_deg": [-180, 180],
    "start": "volume",
    "tan_lambda": [-0.8, 0.8],
    "spectrum": "log-uniform",
    "p_t_gev": [0.1, 3.0],
    "modules": {"rc_spread": 0.1, "gain_spread": 0.1},
}
LONG = {"phi_deg": [-5, 5], "least_length_mm": 1600}


def gun(**settings: Any) -> Gun:
    return Gun(GunConfig.model_validate({"start": "face", **settings}))


@cache
def sample(kind: str = "", count: int = 24) -> Table:
    settings = {"": {}, "general": GENERAL, "long": LONG}[kind]
    return gun(**settings).simulate(np.arange(40, 40 + count, dtype=np.uint64), ALL)


def same(one: Table, other: Table) -> None:
    assert set(one) == set(other)
    for name in one:
        a, b = one[name], other[name]
        if name in SAMPLE and SAMPLE[name].ragged:
            assert np.array_equal(a.offsets, b.offsets), name
            a, b = a.values, b.values
        assert np.array_equal(a, b), name


@pytest.mark.parametrize("kind", ["", "general"])
def test_an_event_is_its_key_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = [17, 3, 20]
    settings = {"": {}, "general": GENERAL}[kind]
    same(sample(kind).take(order), gun(**settings).simulate(KEYS[order], ALL))
    monkeypatch.setattr(module, "_TRACKS_AT_ONCE", 5)
    same(sample(kind), gun(**settings).simulate(KEYS, ALL))


def test_only_what_is_asked_for_and_the_same_as_with_the_rest() -> None:
    for fields in (frozenset(TRUTH), frozenset(HITS), frozenset({"cluster_z", "phi"})):
        table = gun().simulate(KEYS, fields)
        assert set(table) == fields | {"id"}
        same(table, sample().select(fields))


def test_dtypes_units_and_bounds_are_those_of_the_specs() -> None:
    table = sample("general")
    assert set(table) == ALL | {"id"}
    for name, field in SAMPLE.items():
        values = table[name].values if field.ragged else table[name]
        assert values.dtype == field.dtype, name
        assert np.isfinite(values).all()
    assert len(set(table.ids.tolist())) == len(KEYS)
    assert table["hit_row"].values.max() < 64
    assert table["hit_column"].values.max() < 144
    for row in range(table.rows):
        pads = table["hit_row"][row].astype(int) * 144 + table["hit_column"][row]
        assert (np.diff(pads) > 0).all()
    assert table["hit_charge"].values.min() >= 26


def test_other_slices_of_keys_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEYS_AT_ONCE", 7)
    same(sample(), gun().simulate(KEYS, ALL))


def test_the_sums_of_torch_make_the_same_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "sums_on", lambda _: TorchSums("cpu"))
    same(sample("general"), gun(**GENERAL).simulate(KEYS, ALL))


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="no CUDA device") as caught:
        gun(device="cuda")
    assert caught.value.where == "data.options.device"


def test_memory_is_that_of_a_slice() -> None:
    """Four times the keys: only what is returned grows."""
    peaks = []
    for count in (600, 2400):
        keys, fields = np.arange(count, dtype=np.uint64), frozenset({"phi", "y_ini"})
        source = gun()
        tracemalloc.start()
        source.simulate(keys, fields)
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 0.5


def test_no_keys() -> None:
    table = gun().simulate(KEYS[:0], ALL)
    assert table.rows == 0
    assert len(table["hit_charge"].values) == 0


def truth(count: int = 4000, **settings: Any) -> Table:
    return gun(**settings).simulate(np.arange(count, dtype=np.uint64), frozenset(TRUTH))


def test_the_talks_tracks() -> None:
    table = truth()
    p_t, plane = 1 / np.abs(table["q_over_pt"]), gun().plane
    assert 0.2 <= p_t.min() < 0.21
    assert 1.49 < p_t.max() <= 1.5001
    assert p_t.mean() == pytest.approx(0.85, abs=0.03)
    assert (table["q_over_pt"] > 0).mean() == pytest.approx(0.5, abs=0.04)
    assert np.abs(np.rad2deg(table["phi"])).max() <= 60.001
    assert not table["tan_lambda"].any()
    assert not table["z_ini"].any()
    assert np.abs(table["y_ini"]).max() <= plane.y.length_mm / 2 - 50
    assert table["x_ini"].min() >= 0
    assert 990 < table["x_ini"].max() <= 1000


def test_backward_tracks_start_on_the_other_face() -> None:
    table = truth(backward=0.3, positive=1.0)
    backward = table["z_ini"] > 0
    assert backward.mean() == pytest.approx(0.3, abs=0.04)
    np.testing.assert_allclose(table["z_ini"][backward], gun().plane.z.length_mm, rtol=1e-6)
    assert (np.abs(table["phi"][backward]) > np.pi / 2).all()
    assert (np.abs(table["phi"][~backward]) < np.pi / 2).all()
    assert (table["q_over_pt"] > 0).all()


def test_tracks_anywhere_in_any_direction() -> None:
    table = truth(**GENERAL)
    plane = gun().plane
    assert np.abs(table["phi"]).max() <= np.pi
    assert (table["phi"] > np.pi / 2).mean() > 0.15
    assert table["z_ini"].min() >= 50
    assert table["z_ini"].max() <= plane.z.length_mm - 50
    assert 0.75 < table["tan_lambda"].max() <= 0.8


@pytest.mark.parametrize(
    ("settings", "median"),
    # By hand: the middle, the geometric mean, the harmonic mean; p^-1 is log-uniform.
    [
        ({"spectrum": "uniform", "p_t_gev": [0.3, 1.5]}, 0.9),
        ({"spectrum": "log-uniform", "p_t_gev": [0.24, 1.5]}, 0.6),
        ({"spectrum": "falling", "p_t_gev": [0.25, 1.0]}, 0.4),
        ({"spectrum": "falling", "falling_power": 1, "p_t_gev": [0.24, 1.5]}, 0.6),
        ({"spectrum": "falling", "falling_power": 0, "p_t_gev": [0.3, 1.5]}, 0.9),
    ],
)
def test_spectra(settings: dict[str, Any], median: float) -> None:
    config = GunConfig.model_validate(settings)
    low, middle, high = transverse_momentum(np.array([0.0, 0.5, 1.0]), config)
    assert (low, high) == pytest.approx(config.p_t_gev)
    assert middle == pytest.approx(median)


def test_short_tracks_are_drawn_again() -> None:
    table = truth(500, **LONG)
    tracks = Tracks(*(table[f].astype(float) for f in TRUTH))
    _, y, z = helix(tracks, 0.2, np.array([1590.0]))
    assert np.abs(y).max() < 335
    assert z.max() < 1667


def test_hits_and_pads_of_a_column() -> None:
    """175 hits, 2.2 pads in a column were seen at a gain of 1000 and 286 um per root cm."""
    then = {"modules": {"gain": 1000, "rc_ns_mm2": 112}, "gas": {"transverse_um_cm": 286}}
    then["gas"] |= {"clusters_per_mm": 2.8}
    table = gun(**then).simulate(np.arange(60, dtype=np.uint64), ALL)
    assert 150 <= table["hit_charge"].lengths.mean() <= 200
    long = sample("long")
    columns = [len(np.unique(long["hit_column"][row])) for row in range(long.rows)]
    assert 2 <= (long["hit_column"].lengths / columns).mean() <= 3
    assert np.mean(columns) > 138


def truncated_means(table: Table) -> np.ndarray:
    """Of each track: mean of the lower 70 % of its columns' charges."""
    means = []
    for row in range(table.rows):
        column = np.bincount(table["hit_column"][row], table["hit_charge"][row].astype(float))
        charge = np.sort(column[column > 0])
        means.append(charge[: int(0.7 * len(charge))].mean())
    return np.array(means)


def test_the_truncated_mean_is_better_than_ten_per_cent() -> None:
    means = truncated_means(sample("long"))
    assert means.std() / means.mean() < 0.10
    # 95 electrons per cm, 1.128 cm, 1493, 34.13 counts per fC: 875 counts before the truncation.
    assert 400 < means.mean() < 875


def test_times_are_drift_and_peaking() -> None:
    table = sample()
    for row in range(table.rows):
        late = table["hit_time"][row] - 1e3 * table["x_ini"][row] / 78
        charge = table["hit_charge"][row]
        assert 350 < np.median(late[charge > np.median(charge)]) < 650
    tilted = sample("general")
    reach = np.array([np.ptp(tilted["hit_time"][row].astype(float)) for row in range(tilted.rows)])
    assert reach.max() > 5000
    assert 500 < np.median(table["hit_width"].values) < 1000


def test_slices_lie_on_the_helix_within_the_diffusion() -> None:
    """One slice per column; RMS of the distance: the diffusion over the root of the electrons."""
    settings = LONG | {"gas": {"radiation_length_m": 1e9}, "p_t_gev": [1, 3]}
    table = gun(**settings).simulate(KEYS, ALL)
    pulls = []
    for row in range(table.rows):
        one = table.take([row])
        tracks = Tracks(*(one[f].astype(float) for f in TRUTH))
        fine = np.arange(0, 1700, 0.5)
        _, y, z = helix(tracks, 0.2, fine)
        distance = one["cluster_y"].values - np.interp(one["cluster_z"].values, z[0], y[0])
        sigma = 0.31 * np.sqrt(one["x_ini"] / 10) / np.sqrt(one["cluster_electrons"].values)
        # A track is nearly along z: the slope adds hardly anything.
        pulls.append(distance / sigma)
        assert (np.diff(one["cluster_z"].values) > 0).all()
    assert np.concatenate(pulls).std() == pytest.approx(1, abs=0.05)
    assert 135 <= table["cluster_z"].lengths.mean() <= 148
    per_cm = [table["cluster_electrons"][row].sum() / 160 for row in range(table.rows)]
    assert 85 < np.mean(per_cm) < 105


def test_steep_and_backward_tracks_are_sliced_along_their_rows_in_their_order() -> None:
    steep = gun(phi_deg=[-100, -80], start="volume").simulate(KEYS[:6], ALL)
    for row in range(steep.rows):
        assert (np.diff(steep["cluster_y"][row]) < 0).mean() > 0.9
    back = gun(phi_deg=[-5, 5], backward=1.0).simulate(KEYS[:3], ALL)
    assert (np.diff(back["cluster_z"].values[:50]) < 0).all()


def test_centroids_of_columns_follow_the_track() -> None:
    """At small angles the charge's centroid is within a mm of the slice; the sign of y is right."""
    table = sample("long")
    plane, off = gun().plane, []
    for row in range(table.rows):
        column, charge = table["hit_column"][row], table["hit_charge"][row].astype(float)
        y = np.bincount(column, charge * plane.y_mm[table["hit_row"][row]], 144)
        total = np.bincount(column, charge, 144)
        seen = total > 100
        slices = np.interp(plane.z_mm[seen], table["cluster_z"][row], table["cluster_y"][row])
        off.append(y[seen] / total[seen] - slices)
    assert abs(np.median(np.concatenate(off))) < 0.2
    assert np.percentile(np.abs(np.concatenate(off)), 68) < 1.0


@pytest.mark.parametrize("variation", VARIATIONS)
def test_variations_keep_tracks_and_change_hits(variation: str) -> None:
    assert Gun.variations is VARIATIONS
    nominal, varied = sample(), gun(**VARIATIONS[variation])
    table = varied.simulate(KEYS, ALL)
    for name in ("id", *TRUTH):
        assert np.array_equal(nominal[name], table[name])
    if not variation.startswith("diffusion"):
        assert np.array_equal(nominal["cluster_y"].values, table["cluster_y"].values)
    assert not np.array_equal(nominal["hit_charge"].values, table["hit_charge"].values)
    assert json.dumps({**varied.facts, "alive": 0}) != json.dumps({**gun().facts, "alive": 1})


def test_variations_do_what_they_say() -> None:
    nominal = sample()

    def total(name: str) -> float:
        table = gun(**VARIATIONS[name]).simulate(KEYS, ALL)
        return float(table["hit_charge"].values.sum() / nominal["hit_charge"].values.sum())

    assert total("gain-10%") == pytest.approx(0.9, abs=0.02)
    assert total("noise-20%") == pytest.approx(1.0, abs=0.02)
    assert total("dead-2%") == pytest.approx(0.98, abs=0.01)


def test_dead_pads_have_no_hits_and_are_told() -> None:
    dead = gun(modules={"dead": 0.3})
    alive = dead.facts["alive"]
    assert alive.shape == (64, 144)
    assert (~alive).mean() == pytest.approx(0.3, abs=0.03)
    table = dead.simulate(KEYS, ALL)
    assert alive[table["hit_row"].values, table["hit_column"].values].all()
    assert "alive" not in gun().facts


def test_maps_of_modules() -> None:
    gains = [1.0, 0.9, 1.1, 1.0, 0.8, 1.2, 1.0, 1.0]
    facts = gun(modules={"gains": gains, "rc_spread": 0.1}).facts["modules"]
    np.testing.assert_allclose(facts["gain"], 1493 * np.array(gains))
    assert len(set(facts["rc_ns_mm2"])) == 8
    assert facts["rc_ns_mm2"] == gun(modules={"rc_spread": 0.1}).facts["modules"]["rc_ns_mm2"]


def test_facts_are_json_and_name_the_plane() -> None:
    facts = json.loads(json.dumps(gun(gas={"radiation_length_m": "inf"}).facts))
    assert facts["plane"]["name"] == "ha-tpc"
    assert facts["gas"]["radiation_length_m"] is None
    assert facts["electronics"]["threshold_adc"] == 26


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"p_t_gev": [2.0, 1.0]}, "least, largest"),
        ({"start": "face", "phi_deg": [-120, 60]}, "backward"),
        ({"tan_lambda": [0.5, -0.5]}, "least, largest"),
        ({"x_mm": [900, 100]}, "least, largest"),
        ({"p_t_gev": [0.01, 1.0]}, "0.05"),
        ({"modules": {"dead": 1.0}}, "less than 1"),
        ({"electronics": {"noise": "pink"}}, "series"),
        ({"electronics": {"sampling_ns": 90}}, "a fifth of the peaking time of 412 ns"),
        ({"modules": {"gains": [3.0] * 8}}, "less than or equal to 2"),
        ({"device": "gpu"}, "cuda"),
        ({"gas": {"drift_mm_us": 0}}, "greater than or equal to 1"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GunConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"plane": "no-such"}, "not a pad plane"),
        ({"x_mm": [0, 2000]}, "a drift of 2000 mm, where ha-tpc has 1000"),
        ({"margin_mm": 400}, "two margins of 400 mm leave nothing"),
        ({"modules": {"gains": [1.0, 1.1]}}, "2 factors for 8 modules"),
        ({"modules": {"rcs": [1.0] * 9}}, "9 factors for 8 modules"),
        ({"gas": {"drift_mm_us": 15}}, "drift up to 66667 ns; times of hits end at 65535"),
    ],
)
def test_settings_that_contradict_the_plane(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        gun(**settings)
    assert caught.value.remedy


def test_a_plane_that_hits_cannot_number(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    text = (files("zoo_ha_tpc") / "detectors" / "ha-tpc.toml").read_text()
    file.write_text(text.replace("pads = 144", "pads = 288"))
    with pytest.raises(ConfigError, match="64 rows and 288 columns; hits count to 256"):
        gun(plane=str(file))


def test_tracks_that_do_not_exist_are_not_waited_for() -> None:
    with pytest.raises(ConfigError, match="no track of 5000 mm"):
        gun(least_length_mm=5000).simulate(KEYS[:2], ALL)
