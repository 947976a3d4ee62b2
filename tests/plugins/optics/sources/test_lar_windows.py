"""Windows of interactions: light and charge of the same tracks, at the times they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import Table
from zoo_optics.physics.detector import Box
from zoo_optics.sources.lar_windows import LarWindows, inside_length
from zoo_optics.sources.windows_config import LarWindowsConfig
from zoo_optics.specs import SAMPLE

FIELDS = frozenset(SAMPLE) - {"hit_sensor", "hit_time", "alive"}


def made(windows: int = 20, **options: Any) -> tuple[LarWindows, Table]:
    source = LarWindows(LarWindowsConfig.model_validate(options))
    return source, source.simulate(np.arange(1, windows + 1, dtype=np.uint64), FIELDS)


def test_a_row_depends_on_its_key_alone() -> None:
    source, table = made(3, interactions=4)
    again = source.simulate(np.array([3], dtype=np.uint64), FIELDS)
    np.testing.assert_array_equal(again.ids, table.ids[8:])
    for name in ("charge", "expected", "flash_us", "window"):
        np.testing.assert_array_equal(again[name], table[name][8:])
    for row in range(4):
        np.testing.assert_array_equal(again["segment_cm"][row], table["segment_cm"][8 + row])
    assert len(np.unique(table["window"])) == 3


def test_with_the_time_of_the_flash_segments_lie_inside() -> None:
    source, table = made()
    drift = np.array(source.facts["drift_cm_us"])
    apart = 0
    for row in range(table.rows):
        place = table["segment_cm"][row].astype(np.float64)
        true = place + drift * table["flash_us"][row]
        assert ((true > source.volume.low - 0.01) & (true < source.volume.high + 0.01)).all()
        apart += not source.volume.holds(place).all()
    assert apart > 40  # without it, many of 160 do not


def test_the_light_of_a_point_is_photons_times_visibility() -> None:
    source, table = made(
        5, track_cm=[0.01, 0.01], yield_spread=0.0, segment_spread=0.0, photons_per_cm=1e8
    )
    np.testing.assert_array_equal(table["segment_cm"].lengths, 1)
    seen = source.box.visibility(table["position"].astype(np.float64))
    photons = table["segment_photons"].values.astype(np.float64)
    np.testing.assert_allclose(photons, 1e6, rtol=1e-5)
    np.testing.assert_allclose(table["expected"], photons[:, None] * seen, rtol=2e-3)


def test_segments_are_short_and_share_the_photons() -> None:
    _, table = made(10, segment_cm=4.0, yield_spread=0.0, segment_spread=0.0)
    for row in range(table.rows):
        place = table["segment_cm"][row].astype(np.float64)
        photons = table["segment_photons"][row].astype(np.float64)
        if len(place) > 1:
            step = np.linalg.norm(np.diff(place, axis=0), axis=1)
            assert step.max() < 4.01
            np.testing.assert_allclose(photons, 50_000 * step.mean(), rtol=1e-3)
        assert photons.sum() == pytest.approx(float(table["photons"][row]), rel=1e-5)


def test_charges_are_counts_of_what_is_expected() -> None:
    _, table = made(40, box={"efficiency": 0.001})
    expected = table["expected"].astype(np.float64)
    pull = (table["charge"] - expected) / np.sqrt(np.maximum(expected, 1e-9))
    assert float(pull[expected > 1].std()) == pytest.approx(1, abs=0.05)
    assert float(table["charge"].sum()) == pytest.approx(float(expected.sum()), rel=0.02)


def test_the_light_yield_spreads() -> None:
    _, table = made(60, yield_spread=0.2, segment_spread=0.0)
    told = np.array([table["segment_photons"][row].sum() for row in range(table.rows)])
    assert float(np.log(table["photons"] / told).std()) == pytest.approx(0.2, rel=0.1)


def test_some_have_no_charge_and_some_no_light() -> None:
    _, table = made(60, without_charge=0.3, without_flash=0.2)
    bare = table["segment_cm"].lengths == 0
    dark = table["charge"].sum(1) == 0
    assert float(bare.mean()) == pytest.approx(0.3, abs=0.07)
    assert float(dark.mean()) == pytest.approx(0.2, abs=0.06)
    assert (table["expected"][dark] == 0).all()
    np.testing.assert_array_equal(table["segment_photons"].lengths == 0, bare)


def test_times_fill_the_window() -> None:
    _, table = made(60, window_us=300.0)
    assert 0 <= table["flash_us"].min() < 10
    assert 290 < table["flash_us"].max() <= 300


def test_the_way_to_the_wall() -> None:
    """By hand: from (1, 2, 3) in the box to (4, 10, 10)."""
    box = Box((0.0, 0.0, 0.0), (4.0, 10.0, 10.0))
    way = np.array([[1.0, 0, 0], [0, -1.0, 0], [0.6, 0.8, 0], [0, 0, -1.0]])
    found = inside_length(box, np.tile([1.0, 2.0, 3.0], (4, 1)), way)
    np.testing.assert_allclose(found, [3, 2, 5, 3])


def test_variations_are_settings() -> None:
    for changes in LarWindows.variations.values():
        assert LarWindows(LarWindowsConfig.model_validate(changes)).facts


@pytest.mark.parametrize(
    "settings",
    [
        {"track_cm": [10, 5]},
        {"interactions": 0},
        {"drift_cm_us": 0},
        {"without_flash": 1.5},
        {"box": {"rows": 0}},
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LarWindowsConfig.model_validate(settings)
