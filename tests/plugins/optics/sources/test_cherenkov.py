"""Flashes in a tank: events depend on their key alone, charges are counts of hits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.api import ConfigError, Table
from zoo_optics.physics.detector import detector_of
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.sources.config import CherenkovConfig
from zoo_optics.specs import SAMPLE, WINDOWS

ALL = frozenset(SAMPLE) - WINDOWS - {"expected", "alive"}
KEYS = np.array([11, 12, 13, 14], dtype=np.uint64)
SMALL = {
    "tank": {"radius_cm": 150, "half_height_cm": 150, "rows": 6, "columns": 12, "rings": [8, 1]},
    "photons": [2000, 2000],
}


def source(**settings: Any) -> Cherenkov:
    return Cherenkov(CherenkovConfig.model_validate({**SMALL, **settings}))


def same(first: Table, second: Table) -> None:
    for name in ("id", "position", "direction", "photons", "charge"):
        np.testing.assert_array_equal(first[name], second[name])
    for row in range(first.rows):
        for name in ("hit_sensor", "hit_time"):
            np.testing.assert_array_equal(first[name][row], second[name][row])


def test_an_event_is_its_key_alone() -> None:
    settings = {"dark_khz": 5.0, "surfaces": {"wall_reflectivity": 0.3}}
    table = source(**settings).simulate(KEYS, ALL)
    same(table, source(**settings).simulate(KEYS, ALL))
    order = [2, 0, 3, 1]
    same(table.take(order), source(**settings).simulate(KEYS[order], ALL))
    same(table.take([1]), source(**settings).simulate(KEYS[1:2], ALL))
    assert len(np.unique(table["charge"], axis=0)) == 4


def test_fields_that_are_not_asked_for_change_nothing() -> None:
    table = source().simulate(KEYS, ALL)
    few = source().simulate(KEYS, frozenset({"position", "photons"}))
    assert set(few) == {"id", "position", "photons"}
    np.testing.assert_array_equal(few["position"], table["position"])


def test_charges_are_counts_of_hits() -> None:
    table = source(dark_khz=3.0).simulate(KEYS, ALL)
    sensors = table["charge"].shape[1]
    assert sensors == 6 * 12 + 2 * 9
    for row in range(table.rows):
        counted = np.bincount(table["hit_sensor"][row], minlength=sensors)
        np.testing.assert_array_equal(counted, table["charge"][row])
        assert len(table["hit_time"][row]) == table["charge"][row].sum()


def test_dark_hits_have_their_rate() -> None:
    """Rate x window x sensors: 20 kHz x 300 ns x 90 = 0.54 a flash."""
    keys = np.arange(1000, dtype=np.uint64)
    dark = source(dark_khz=20.0, photons=[1, 1], surfaces={"efficiency": 0.0})
    table = dark.simulate(keys, ALL)
    mean = 20e3 * 300e-9 * 90
    assert table["charge"].sum() == pytest.approx(1000 * mean, abs=4 * (1000 * mean) ** 0.5)
    time = np.concatenate([table["hit_time"][row] for row in range(table.rows)])
    assert time.min() >= 0
    assert time.max() <= 300
    assert time.mean() == pytest.approx(150, abs=4 * 300 / np.sqrt(12 * len(time)))


def test_the_spread_of_the_transit_time_is_added_to_each_hit() -> None:
    sharp = source(transit_spread_ns=0.0).simulate(KEYS, ALL)
    spread = source(transit_spread_ns=2.0).simulate(KEYS, ALL)
    np.testing.assert_array_equal(sharp["charge"], spread["charge"])
    added = np.concatenate([spread["hit_time"][k] - sharp["hit_time"][k] for k in range(4)])
    assert len(added) > 50
    assert added.std() == pytest.approx(2.0, abs=4 * 2 / np.sqrt(2 * len(added)))


def test_light_that_has_a_direction_tells_it() -> None:
    table = source(emission="cone").simulate(KEYS, ALL)
    np.testing.assert_allclose(np.linalg.norm(table["direction"], axis=1), 1, rtol=1e-6)
    assert not source().simulate(KEYS, ALL)["direction"].any()


def test_the_number_of_photons_is_even_in_its_logarithm() -> None:
    keys = np.arange(4000, dtype=np.uint64)
    photons = source(photons=[100, 10_000]).simulate(keys, frozenset({"photons"}))["photons"]
    assert photons.min() >= 100
    assert photons.max() <= 10_000
    # The logarithm to base 10 is even in 2 to 4.
    assert np.log10(photons).mean() == pytest.approx(3, abs=4 * 2 / np.sqrt(12 * 4000))


def test_rings_are_the_only_places() -> None:
    rings = {"kind": "rings", "heights_cm": [0, 50], "radii_cm": [80, 0], "divisions": [4, 1]}
    keys = np.arange(200, dtype=np.uint64)
    table = source(positions=rings).simulate(keys, frozenset({"position"}))
    places = np.unique(table["position"].round(3), axis=0)
    assert len(places) == 2 * 5
    assert set(np.hypot(places[:, 0], places[:, 1]).round(3)) == {0, 80}


def test_a_track_that_leaves_the_tank_shines_inside_alone() -> None:
    """A flash of which nothing starts inside has no hits: it is no error."""
    outside = source(emission="track", track_cm=1e6, photons=[3, 3], positions={"margin_cm": 0})
    table = outside.simulate(np.arange(20, dtype=np.uint64), ALL)
    assert table["charge"].sum() < 20


def test_facts_tell_geometry_and_water() -> None:
    facts = source().facts
    assert len(detector_of(facts).sensors) == 90
    assert facts["group_index"] == pytest.approx(1.381, abs=0.005)  # c over 21.7 cm/ns
    assert facts["medium"]["kind"] == "water"


@pytest.mark.parametrize("name", sorted(Cherenkov.variations))
def test_variations_are_settings(name: str) -> None:
    varied = source(**Cherenkov.variations[name])
    assert varied.config != source().config
    flash = frozenset({"position", "photons"})
    np.testing.assert_array_equal(
        varied.simulate(KEYS, flash)["position"], source().simulate(KEYS, flash)["position"]
    )


def test_bad_settings_are_refused() -> None:
    far = {"kind": "rings", "heights_cm": [0], "radii_cm": [200], "divisions": [4]}
    with pytest.raises(ConfigError, match="4 of 4 positions are outside of the tank"):
        source(positions=far)
    with pytest.raises(ConfigError, match="wavelengths from 100 to 100 nm"):
        source(wavelength_nm=[100, 100])
    for settings in (
        {"photons": [10, 5]},
        {"positions": {"kind": "rings", "radii_cm": [1.0], "divisions": [1, 2]}},
        {"surfaces": {"efficiency": 1.5}},
        {"surfaces": {"angular": [1.0]}},
    ):
        with pytest.raises(ValidationError):
            source(**settings)
