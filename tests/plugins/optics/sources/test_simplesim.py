"""SimpleSim's files: what is read, and what is refused. All files are written here."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import ConfigError, DataError, Table
from zoo.data.checks import check_source
from zoo_optics.physics.detector import detector_of
from zoo_optics.sources.files_config import SimpleSimConfig
from zoo_optics.sources.simplesim import SimpleSim
from zoo_optics.specs import SAMPLE
from zoo_optics.times.hits import clock_of, hits_of

FIELDS = frozenset({"position", "direction", "photons", "charge"})
Open = Callable[..., SimpleSim]


@pytest.fixture
def source(tmp_path: Path, light: ModuleType) -> Open:
    """Opens files of the invented tank."""

    def opened(path: Path, **options: Any) -> SimpleSim:
        given = {"geometry": str(tmp_path / "tank.npz"), "photons": light.PHOTONS} | options
        if "geometry" not in options:
            light.tank_file(tmp_path)
        return SimpleSim(SimpleSimConfig.model_validate(given), path)

    return opened


@pytest.fixture
def folder(tmp_path: Path, light: ModuleType) -> Path:
    """Twelve files of one event each."""
    found = tmp_path / "files"
    found.mkdir()
    position = light.places(12)
    charge = light.charges(position)
    for number in range(12):
        rows = slice(number, number + 1)
        light.write_simplesim(found / f"{number:02d}.h5", position[rows], charge[rows])
    return found


def everything(source: SimpleSim, fields: frozenset[str] = FIELDS) -> Table:
    return Table.concat([source.read(b, slice(0, b.rows), fields) for b in source.blocks()])


def test_a_folder_is_what_was_written(folder: Path, light: ModuleType, source: Open) -> None:
    found = source(folder)
    assert [block.rows for block in found.blocks()] == [1] * 12
    assert len({block.group for block in found.blocks()}) == 12
    assert found.fields == FIELDS
    table, position = everything(found), light.places(12)
    np.testing.assert_allclose(table["position"], position, atol=1e-4)
    np.testing.assert_array_equal(table["charge"], light.charges(position))
    assert set(table["photons"].tolist()) == {light.PHOTONS}
    assert not table["direction"].any()
    assert len(np.unique(table.ids)) == 12


def test_many_events_of_one_file(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(20)
    charge = light.charges(position)
    path = light.write_simplesim(tmp_path / "all.h5", position, charge)
    found = source(path, rows=8)
    assert [block.rows for block in found.blocks()] == [8, 8, 4]
    np.testing.assert_array_equal(everything(found)["charge"], charge)
    part = found.read(found.blocks()[1], slice(3, 5), frozenset({"charge"}))
    np.testing.assert_array_equal(part["charge"], charge[11:13])
    assert part.ids.tolist() == everything(found).ids[11:13].tolist()
    # A START index gives the same events.
    start = light.write_simplesim(tmp_path / "start.h5", position, charge, index="start")
    np.testing.assert_array_equal(everything(source(start))["charge"], charge)


def test_the_core_finds_nothing_wrong(folder: Path, source: Open) -> None:
    assert check_source(source(folder), SAMPLE).findings == ()


def test_facts_tell_units_geometry_and_times(folder: Path, light: ModuleType, source: Open) -> None:
    facts = source(folder).facts
    np.testing.assert_allclose(detector_of(facts).sensors.position_cm, light.tank()[0])
    assert len(facts["geometry"]["digest"]) == 64
    assert facts["files"] == {"format": "SimpleSim", "unit": "m", "axes": "x, y, z"}
    assert facts["note"].startswith("Hit times of 12 of 12 files are constant")


def test_constant_times_are_no_field(folder: Path, source: Open) -> None:
    found = source(folder, start_ns=0.0)
    assert not found.fields & {"hit_time", "hit_sensor"}
    with pytest.raises(DataError, match="it has no hit_time") as caught:
        found.read(found.blocks()[0], slice(0, 1), frozenset({"hit_time"}))
    assert "constant" in caught.value.remedy


def test_times_that_differ(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(6)
    charge = light.charges(position)
    distance = np.linalg.norm(position[:, None] - light.tank()[0], axis=2)
    times = 7.0 + distance / 21.6  # ns: the light starts at 7 ns, 21.6 cm/ns in water
    path = light.write_simplesim(tmp_path / "timed.h5", position, charge, times=times)
    assert source(path).fields == FIELDS  # nobody said when the light starts
    assert "start_ns" in source(path).facts["note"]
    found = source(path, start_ns=7.0)
    table = everything(found, FIELDS | {"hit_sensor", "hit_time"})
    sensor, time = table["hit_sensor"], table["hit_time"]
    assert sensor.lengths.tolist() == np.count_nonzero(charge, axis=1).tolist()
    for row in range(6):
        np.testing.assert_allclose(time[row], distance[row, sensor[row]] / 21.6, atol=1e-3)
    assert check_source(found, SAMPLE).findings == ()
    assert not {"note", "group_index"} & set(found.facts)
    told = source(path, start_ns=7.0, group_index=29.9792458 / 21.6).facts
    late = hits_of(table, told, clock_of(told)).late_ns
    np.testing.assert_allclose(late, 0, atol=1e-3)


def test_lengths_are_not_taken_for_times(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(6)
    metres = np.linalg.norm(position[:, None] - light.tank()[0], axis=2) / 100
    path = light.write_simplesim(
        tmp_path / "lengths.h5", position, light.charges(position), times=metres
    )
    with pytest.raises(DataError, match="hits come before light can: their median is") as caught:
        source(path, start_ns=0.0)
    assert "start_ns" in caught.value.remedy


def test_without_geometry(folder: Path, source: Open) -> None:
    with pytest.raises(ConfigError, match="the geometry is missing"):
        source(folder, geometry="")


def test_zero_charges_are_refused(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(5)
    charge = light.charges(position)
    path = light.write_simplesim(tmp_path / "dark.h5", position, charge)
    with h5py.File(path, "r+") as file:
        file["hit_charge"][:] = 0
    with pytest.raises(DataError, match="all charges of the 5 rows looked at are zero") as caught:
        source(path)
    assert "dark.h5" in caught.value.where
    nothing = light.write_simplesim(tmp_path / "nothing.h5", position, 0 * charge, index="start")
    with pytest.raises(DataError, match="all charges of the 5 rows looked at are zero"):
        source(nothing)


def test_copied_events_are_refused(folder: Path, light: ModuleType, source: Open) -> None:
    position = light.places(12)
    charge = light.charges(position)
    light.write_simplesim(folder / "99.h5", position[11:], charge[4:5])
    with pytest.raises(DataError, match=r"copied events: .* event 0 of .*04\.h5") as caught:
        source(folder)
    assert caught.value.where.endswith("99.h5, event 0")


def test_copies_that_were_not_looked_at(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(40)
    charge = light.charges(position)
    charge[30] = charge[13]
    found = source(light.write_simplesim(tmp_path / "copy.h5", position, charge), look=4)
    check = check_source(found, SAMPLE)
    assert [f.severity for f in check.findings] == ["error"]
    assert "copied events: all charges are those of event 13" in check.findings[0].problem


def test_reading_twice_is_no_copy(folder: Path, source: Open) -> None:
    found = source(folder)
    np.testing.assert_array_equal(everything(found)["charge"], everything(found)["charge"])


def test_a_permuted_geometry_is_refused(
    tmp_path: Path, folder: Path, light: ModuleType, source: Open
) -> None:
    count = len(light.tank()[0])
    order = np.random.default_rng(3).permutation(count)
    with pytest.raises(DataError, match="charges do not follow the solid angles") as caught:
        source(folder, geometry=str(light.tank_file(tmp_path, order)))
    assert "sensors in the order" in caught.value.remedy
    with pytest.raises(DataError, match="charges do not follow the solid angles"):
        source(folder, geometry=str(light.tank_file(tmp_path, range(count)[::-1])))
    # Who knows better may read it.
    assert source(folder, geometry=str(light.tank_file(tmp_path, order)), agreement=-10)


def test_normals_of_others_are_refused(
    tmp_path: Path, folder: Path, light: ModuleType, source: Open
) -> None:
    normals = light.tank()[1]
    outward = light.tank_file(tmp_path, directions=-normals)
    with pytest.raises(DataError, match=r"sensors look away .* is -0\.[5-9]"):
        source(folder, geometry=str(outward))
    mixed = normals[np.random.default_rng(3).permutation(len(normals))]
    with pytest.raises(DataError, match=r"sensors look away .* is [+-]0\.[01]"):
        source(folder, geometry=str(light.tank_file(tmp_path, directions=mixed)))


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (100, r"1/100 times as large \(cm instead of m\)"),
        (1000, "1/1000 times as large"),
        (10, "1/10 times as large"),
    ],
)
def test_wrong_units_are_refused(
    tmp_path: Path, light: ModuleType, source: Open, factor: float, told: str
) -> None:
    position = light.places(8)
    path = light.write_simplesim(tmp_path / "unit.h5", factor * position, light.charges(position))
    with pytest.raises(DataError, match="positions lie outside of the volume") as caught:
        source(path)
    assert re.search(told, caught.value.remedy)


def test_another_geometry_is_refused(
    tmp_path: Path, folder: Path, light: ModuleType, source: Open
) -> None:
    few = light.tank_file(tmp_path, range(100))
    with pytest.raises(DataError, match=r"hits of sensors \d+ to \d+, the geometry has 0 to 99"):
        source(folder, geometry=str(few))


def test_damaged_files(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(5)
    charge = light.charges(position)
    for name, message in (
        ("hit_pmt", "no such dataset"),
        ("evt_id", "no such dataset"),
        ("event_hits_index", "no such dataset"),
    ):
        path = light.write_simplesim(tmp_path / "lacks.h5", position, charge)
        with h5py.File(path, "r+") as file:
            del file[name]
        with pytest.raises(DataError, match=message) as caught:
            source(path)
        assert caught.value.where.endswith(f"/{name}")
    path = light.write_simplesim(tmp_path / "shape.h5", position, charge)
    with h5py.File(path, "r+") as file:
        del file["positions"]
        file["positions"] = position
    with pytest.raises(DataError, match=r"shape \(5, 3\) instead of \(N, 1, 3\)"):
        source(path)
    path = light.write_simplesim(tmp_path / "nan.h5", position, charge)
    with h5py.File(path, "r+") as file:
        file["hit_charge"][3] = np.nan
    with pytest.raises(DataError, match="1 values are not finite"):
        source(path)
    path = light.write_simplesim(tmp_path / "short.h5", position, charge)
    with h5py.File(path, "r+") as file:
        time = file["hit_time"][:-1]
        del file["hit_time"]
        file["hit_time"] = time
    with pytest.raises(DataError, match=r"entries for \d+ hits"):
        source(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match="truncated, damaged or no HDF5 file"):
        source(path)
    with pytest.raises(DataError, match="no such file"):
        source(tmp_path / "absent.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no HDF5 file"):
        source(tmp_path / "empty")


def test_an_ambiguous_index_is_refused(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position = light.places(5)
    charge = light.charges(position)
    charge[0] = 0  # END of an empty first event: 0, as a START index begins
    path = light.write_simplesim(tmp_path / "index.h5", position, charge)
    with pytest.raises(DataError, match="ambiguous"):
        source(path)
    np.testing.assert_array_equal(everything(source(path, index="end"))["charge"], charge)


def test_dead_channels_are_told(folder: Path, light: ModuleType, source: Open) -> None:
    found = source(folder, dead=[2, 5])
    sensors = len(found.detector.sensors)
    by_hand = ~np.isin(np.arange(sensors), [2, 5])
    np.testing.assert_array_equal(found.facts["alive"], by_hand)
    table = everything(found, found.fields)
    np.testing.assert_array_equal(table["alive"], np.tile(by_hand, (12, 1)))
    assert check_source(found, SAMPLE).findings == ()
    assert "alive" not in source(folder).facts
    with pytest.raises(ConfigError, match="no sensor has the channel 100000"):
        source(folder, dead=[100_000])
