"""Windows from samples and from arrays of others: the same, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo_optics.reconstruction.window_files import read_windows
from zoo_optics.reconstruction.windows import (
    FIELDS,
    Window,
    drift_of,
    require_windows,
    windows_of,
)
from zoo_optics.sources.lar_windows import LarWindows
from zoo_optics.sources.windows_config import LarWindowsConfig


def source() -> LarWindows:
    settings = {"interactions": 5, "without_flash": 0.2, "without_charge": 0.2}
    return LarWindows(LarWindowsConfig.model_validate(settings))


def samples(windows: int = 6) -> Table:
    return source().simulate(np.arange(1, windows + 1, dtype=np.uint64), frozenset(FIELDS))


def arrays(given: list[Window]) -> dict[str, Any]:
    """Windows as a stranger would write them: flashes last first, windows backwards."""
    made = given[::-1]
    lit = [(one, flash) for one in made for flash in range(len(one.time_us))[::-1]]
    place = {(one.name, flash): number for number, (one, flash) in enumerate(lit)}
    told = [(one, row) for one in made for row in range(len(one.candidates))]
    truth = [
        place.get((one.name, -1 if one.truth is None else int(one.truth[row])), -1)
        for one, row in told
    ]
    number = {one.name: 100 - count for count, one in enumerate(made)}
    candidates = [one.candidates[row] for one, row in told]
    sensors = source().box.detector.sensors
    return {
        "sensor_cm": sensors.position_cm,
        "sensor_direction": sensors.direction,
        "sensor_radius_cm": sensors.radius_cm,
        "low_cm": source().volume.low,
        "high_cm": source().volume.high,
        "drift_cm_us": np.array([0.16, 0.0, 0.0]),
        "candidate_window": np.array([number[one.name] for one, _ in told]),
        "candidate_segments": np.array([len(one.photons) for one in candidates]),
        "segment_cm": np.concatenate([one.place_cm for one in candidates]),
        "segment_photons": np.concatenate([one.photons for one in candidates]),
        "flash_window": np.array([number[one.name] for one, _ in lit]),
        "flash_us": np.array([one.time_us[flash] for one, flash in lit]),
        "flash_charge": np.array([one.charge[flash] for one, flash in lit]),
        "candidate_flash": np.array(truth),
    }


def test_rows_of_a_window_become_candidates_and_sorted_flashes() -> None:
    table = samples()
    made = list(windows_of(table, "test"))
    assert len(made) == 6
    assert sum(len(one.candidates) for one in made) == int((table["segment_cm"].lengths > 0).sum())
    assert sum(len(one.time_us) for one in made) == int((table["charge"].sum(1) >= 1).sum())
    assert 0 < sum(len(one.candidates) for one in made) < 30
    for one in made:
        assert (np.diff(one.time_us) >= 0).all()
        assert one.truth is not None
        for candidate, flash in zip(one.candidates, one.truth, strict=True):
            row = int(np.flatnonzero(table.ids == candidate.id)[0])
            charge = table["charge"][row]
            if flash >= 0:
                np.testing.assert_array_equal(one.charge[flash], charge)
                assert one.time_us[flash] == table["flash_us"][row]
            else:
                assert charge.sum() < 1
            np.testing.assert_array_equal(candidate.place_cm, table["segment_cm"][row])


def test_rows_in_another_order_are_the_same_windows() -> None:
    table = samples()
    mixed = table.take(np.random.default_rng(1).permutation(table.rows))
    names = {one.name: one for one in windows_of(mixed, "test")}
    for one in windows_of(table, "test"):
        np.testing.assert_array_equal(names[one.name].charge, one.charge)


def test_arrays_of_others_are_the_same_windows(tmp_path: Path) -> None:
    made = list(windows_of(samples(), "test"))
    np.savez(tmp_path / "windows.npz", **arrays(made))
    facts, found = read_windows(tmp_path / "windows.npz")
    assert facts["geometry"]["digest"] == source().facts["geometry"]["digest"]
    np.testing.assert_allclose(drift_of(facts, "test"), [0.16, 0, 0])
    assert len(found) == len(made)
    for one, other in zip(made, found, strict=True):
        np.testing.assert_array_equal(other.charge, one.charge)
        np.testing.assert_array_equal(other.time_us, one.time_us)
        np.testing.assert_array_equal(other.truth, one.truth)
        for mine, theirs in zip(one.candidates, other.candidates, strict=True):
            np.testing.assert_array_equal(theirs.place_cm, mine.place_cm)
            np.testing.assert_array_equal(theirs.photons, mine.photons)


def test_the_truth_may_be_unknown(tmp_path: Path) -> None:
    content = arrays(list(windows_of(samples(), "test")))
    del content["candidate_flash"]
    np.savez(tmp_path / "windows.npz", **content)
    assert all(one.truth is None for one in read_windows(tmp_path / "windows.npz")[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flash_us": None}, "the arrays flash_us are missing"),
        ({"segment_cm": np.zeros((4, 2))}, r"'segment_cm' is float64 \(4, 2\), not numbers"),
        ({"flash_us": np.zeros(3)}, "'flash_us' is|'flash_charge' is"),
        ({"candidate_segments": 0}, "segments, the file"),
        ({"flash_us": np.nan}, "a charge or a time of a flash is negative or not finite"),
        ({"segment_photons": -1.0}, "is negative or not finite"),
        ({"candidate_flash": 10_000}, "the true flash 10000 is not in the window"),
        ({"low_cm": np.array(["a", "b", "c"])}, "'low_cm' is"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    content = arrays(list(windows_of(samples(), "test")))
    for name, value in change.items():
        if value is None:
            del content[name]
        elif np.ndim(value):
            content[name] = value
        else:
            content[name] = np.array(content[name])
            content[name][0] = value
    np.savez(tmp_path / "windows.npz", **content)
    with pytest.raises(DataError, match=message) as caught:
        read_windows(tmp_path / "windows.npz")
    assert "windows.npz" in caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize("content", [None, b"no archive", b"PK\x03\x04 cut"])
def test_what_is_no_npz(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "windows.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"no \.npz of plain arrays"):
        read_windows(path)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "windows.npz", sensor_cm=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match=r"no \.npz of plain arrays"):
        read_windows(tmp_path / "windows.npz")


def test_samples_without_windows_are_refused() -> None:
    with pytest.raises(DataError, match="no windows: the fields flash_us, segment_cm") as caught:
        require_windows(samples().select(["window", "charge", "segment_photons"]), "box.h5")
    assert "lar-windows" in caught.value.remedy


@pytest.mark.parametrize("drift", [None, [1.0], [0.1, float("nan"), 0.0]])
def test_the_drift_must_be_told(drift: list[float] | None) -> None:
    facts = {} if drift is None else {"drift_cm_us": drift}
    with pytest.raises(DataError, match="speed of the drift is not known"):
        drift_of(facts, "box.h5")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("charge", np.nan, "a charge or a time of a flash"),
        ("flash_us", np.inf, "a charge or a time of a flash"),
    ],
)
def test_bad_samples_are_refused(name: str, value: float, message: str) -> None:
    table = samples(1)
    column = table[name].copy()
    column[table["charge"].sum(1).argmax()] = value
    if name == "charge":
        column = np.where(np.isnan(column), np.inf, column)
    with pytest.raises(DataError, match=message):
        list(windows_of(table.with_columns({name: column}), "test"))
