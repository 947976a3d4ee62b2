"""Hits as a network learns from them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Ragged, Table
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import SirenPairConfig
from zoo_optics.times.hits import clock_of, fit_clock, hit_targets, hits_of

Drawn = Callable[..., Table]
Facts = Callable[..., dict[str, Any]]


def two_flashes() -> Table:
    """At the tank's middle and 100 cm above; hits of the sensor at (200, 0, -75) and of the cap."""
    return Table(
        {
            "id": np.array([3, 4], np.uint64),
            "position": np.array([[0, 0, 0], [0, 0, 100]], np.float32),
            "photons": np.array([10, 10], np.float32),
            "charge": np.zeros((2, 34), np.float32),
            "hit_sensor": Ragged(np.array([0, 28, 0, 28], np.int32), np.array([0, 3, 4])),
            "hit_time": Ragged(np.array([10, 7, 90, 260], np.float32), np.array([0, 3, 4])),
        }
    )


def test_residuals_by_hand(facts: Facts) -> None:
    """c = 29.9792458 cm/ns (SI), n_g = 1.38: 21.724 cm/ns."""
    hits = hits_of(two_flashes(), facts(), clock_of(facts()))
    side = (200.0**2 + 75**2) ** 0.5
    np.testing.assert_allclose(hits.distance_cm, [side, 150, side, 50], rtol=1e-6)
    expected = np.array([10, 7, 90, 260]) - hits.distance_cm / 21.7240911594
    np.testing.assert_allclose(hits.late_ns, expected, atol=1e-6)
    np.testing.assert_array_equal(hits.flash, [0, 0, 0, 1])


def test_a_pair_stands_once_whatever_its_hits(facts: Facts) -> None:
    found = hit_targets(two_flashes(), facts(), clock_of(facts()))
    pairs = set(zip(found["pair_flash"].tolist(), found["pair_sensor"].tolist(), strict=True))
    assert pairs == {(0, 0), (0, 28), (1, 28)}
    assert len(found["pair_flash"]) == 3
    of_hit = found["hit_pair"]
    np.testing.assert_array_equal(found["pair_flash"][of_hit], [0, 0, 0, 1])
    np.testing.assert_array_equal(found["pair_sensor"][of_hit], [0, 28, 0, 28])
    # The window ends at 250 ns.
    np.testing.assert_allclose(found["hit_flat"], [1 / 250, 1 / 250, 1 / 250, 0], rtol=1e-6)


def test_dark_hits_of_the_facts(facts: Facts) -> None:
    """4 kHz in 250 ns: 1e-3 of a hit."""
    assert clock_of(facts(dark_khz=4.0)).dark == pytest.approx(1e-3)
    assert clock_of(facts()).dark == 0


def test_the_window_is_told_or_that_of_the_training(facts: Facts) -> None:
    assert fit_clock(facts(), iter([two_flashes()])) == {}
    untold = facts()
    del untold["window_ns"]
    later = two_flashes().with_columns(
        {"hit_time": Ragged(np.array([-4, 8, 8, 8], np.float32), np.array([0, 3, 4]))}
    )
    constants = fit_clock(untold, iter([two_flashes(), later]))
    assert constants == {"time_window_ns": [-4.0, 260.0]}
    assert clock_of(untold, constants).window_ns == (-4.0, 260.0)


def test_no_more_is_read_than_needed(facts: Facts) -> None:
    """Where the window is told, a simulation is not made twice."""

    def tables() -> Any:
        yield two_flashes()
        raise AssertionError("read on")

    assert fit_clock(facts(), tables()) == {}


def _with_times(values: list[float]) -> Table:
    times = Ragged(np.array(values, np.float32), np.array([0, 3, 4]))
    return two_flashes().with_columns({"hit_time": times})


@pytest.mark.parametrize("values", [[0, 0, 0, 0], [950, 950, 950, 950]])
def test_constant_times_are_refused(facts: Facts, values: list[float]) -> None:
    config = SirenPairConfig(time=True)
    with pytest.raises(DataError, match="times of each flash are all the same") as told:
        OpticsCodec.fit(config, facts(), iter([_with_times(values)]))
    assert told.value.remedy.startswith("set model.time = false")
    assert OpticsCodec.fit(SirenPairConfig(), facts(), iter([_with_times(values)])) == {}


def test_data_without_hits_are_refused(facts: Facts) -> None:
    none = Ragged(np.zeros(0, np.float32), np.zeros(3, np.int64))
    dark = two_flashes().with_columns({"hit_time": none, "hit_sensor": none})
    with pytest.raises(DataError, match="no flash has a hit"):
        fit_clock(facts(), iter([dark]))
    with pytest.raises(DataError, match="the data have no hit times") as told:
        fit_clock(facts(), iter([two_flashes().select(["position", "charge"])]))
    assert told.value.where == "model.time: hit_sensor"


def test_data_that_do_not_tell_the_speed_of_light(facts: Facts) -> None:
    silent = facts()
    del silent["group_index"]
    with pytest.raises(DataError, match="how fast light is") as told:
        clock_of(silent)
    assert "data.options.group_index" in told.value.remedy
    note = "Hit times of 1 of 1 files are constant: there are charges alone"
    with pytest.raises(DataError, match="constant"):
        clock_of({**silent, "note": note})


def test_hits_of_no_sensor(facts: Facts) -> None:
    wrong = two_flashes().with_columns(
        {"hit_sensor": Ragged(np.array([0, 28, 0, 34], np.int32), np.array([0, 3, 4]))}
    )
    with pytest.raises(DataError, match="hits of sensors 0 to 34, the detector has 0 to 33"):
        hit_targets(wrong, facts(), clock_of(facts()))


def test_the_codec_makes_targets_only_where_times_are_wanted(drawn: Drawn, facts: Facts) -> None:
    table = drawn(3)
    plain = OpticsCodec(SirenPairConfig(), facts(), {})
    assert set(plain.encode(table).targets) == {"charge", "photons"}
    assert plain.targets == {"charge", "photons"}
    timed = OpticsCodec(SirenPairConfig(time=True), facts(), {})
    assert timed.targets == {"charge", "photons", "hit_sensor", "hit_time"}
    assert len(timed.encode(table).targets["hit_late"]) == 180
    bare = table.select(["position", "photons"])
    assert timed.encode(bare).targets.keys() == {"photons"}
