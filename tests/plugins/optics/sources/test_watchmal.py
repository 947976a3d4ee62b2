"""WatChMaL's files: axes, angles, photons, and what is refused. All files are written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import ConfigError, DataError
from zoo.data.checks import check_source
from zoo_optics.sources.files_config import WatchmalConfig
from zoo_optics.sources.upright import direction_of_angles, upright
from zoo_optics.sources.watchmal import Watchmal
from zoo_optics.specs import SAMPLE

FIELDS = frozenset({"position", "direction", "photons", "charge"})
Open = Callable[..., Watchmal]


@pytest.fixture
def source(tmp_path: Path, light: ModuleType) -> Open:
    """Opens files of the invented tank."""

    def opened(path: Path, **options: Any) -> Watchmal:
        geometry = str(light.tank_file(tmp_path))
        given = {"geometry": geometry, "photons_per_mev": 25.0} | options
        return Watchmal(WatchmalConfig.model_validate(given), path)

    return opened


def directions(count: int) -> np.ndarray[Any, Any]:
    vectors = np.random.default_rng(5).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def file(tmp_path: Path, light: ModuleType) -> Path:
    """Ten particles."""
    position, direction = light.places(10), directions(10)
    charge = light.charges(position, forward=direction)
    return Path(light.write_watchmal(tmp_path / "digi.h5", position, direction, charge))


def test_the_frame_is_turned() -> None:
    # The file's vertical y is our z; the map keeps handedness: x cross y = z.
    x, y, z = upright(np.eye(3))
    assert y.tolist() == [0, 0, 1]
    assert np.cross(x, y).tolist() == z.tolist()
    # Down along the file's -y; level along its z, our -y.
    angles = np.array([[np.pi, 0.0], [np.pi / 2, np.pi / 2]])
    np.testing.assert_allclose(direction_of_angles(angles), [[0, 0, -1], [0, -1, 0]], atol=1e-12)


def test_events_are_what_was_written(file: Path, light: ModuleType, source: Open) -> None:
    found = source(file)
    table = found.read(found.blocks()[0], slice(0, 10), FIELDS)
    np.testing.assert_allclose(table["position"], light.places(10), atol=1e-3)
    np.testing.assert_allclose(table["direction"], directions(10), atol=1e-6)
    charge = light.charges(light.places(10), forward=directions(10))
    np.testing.assert_array_equal(table["charge"], charge)
    expected = np.rint(25 * np.linspace(200, 900, 10).astype(np.float32))
    np.testing.assert_array_equal(table["photons"], expected)
    assert found.facts["labels"] == {"0": 4, "1": 3, "2": 3}
    assert found.facts["files"] == {"format": "WatChMaL", "unit": "cm", "axes": "x, -z, y"}
    assert check_source(found, SAMPLE).findings == ()
    fixed = source(file, photons=500.0, photons_per_mev=0.0)
    assert set(fixed.read(fixed.blocks()[0], slice(0, 10), FIELDS)["photons"].tolist()) == {500}


def test_photons_must_be_told(file: Path, source: Open) -> None:
    with pytest.raises(ConfigError, match="not told how many photons an event starts"):
        source(file, photons_per_mev=0.0)
    with pytest.raises(ValueError, match="not both"):
        source(file, photons=500.0)


def test_times_count_from_a_trigger(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position, direction = light.places(10), directions(10)
    charge = light.charges(position, forward=direction)
    # WCSim's digits count from a trigger, at 950 ns, which comes when half of the hits have come.
    arrival = np.linalg.norm(position[:, None] - light.tank()[0], axis=2) / 21.6
    times = 950 + arrival - np.median(arrival, axis=1, keepdims=True)
    path = light.write_watchmal(tmp_path / "t.h5", position, direction, charge, times=times)
    assert "hit_time" not in source(path).fields
    with pytest.raises(DataError, match="come before light can") as caught:
        source(path, start_ns=950.0)
    assert "count from a trigger" in caught.value.remedy


def test_a_permuted_geometry_is_refused(
    tmp_path: Path, file: Path, light: ModuleType, source: Open
) -> None:
    with h5py.File(file, "r+") as content:
        order = np.random.default_rng(2).permutation(len(light.tank()[0]))
        content["hit_pmt"][:] = order[content["hit_pmt"][:]]
    with pytest.raises(
        DataError, match=r"light does not go where its direction says: .* [+-]0\.[01]"
    ):
        source(file)


def test_mirrored_axes_are_refused(tmp_path: Path, light: ModuleType, source: Open) -> None:
    """As of a reader that takes z of the file for z."""
    position, direction = light.places(10), directions(10)
    charge = light.charges(position, forward=direction)
    path = light.write_watchmal(tmp_path / "m.h5", position, -direction, charge)
    with pytest.raises(DataError, match=r"light does not go .* -0\."):
        source(path)


def test_angles_in_degrees_are_refused(file: Path, source: Open) -> None:
    with h5py.File(file, "r+") as content:
        content["angles"][:] = np.degrees(content["angles"][:])
    with pytest.raises(DataError, match="polar angles from") as caught:
        source(file)
    assert "radians" in caught.value.remedy


def test_positions_in_mm_are_refused(tmp_path: Path, light: ModuleType, source: Open) -> None:
    position, direction = light.places(10), directions(10)
    charge = light.charges(position, forward=direction)
    path = light.write_watchmal(tmp_path / "mm.h5", 10 * position, direction, charge)
    with pytest.raises(DataError, match="outside of the volume") as caught:
        source(path)
    assert "1/10 times as large (mm instead of cm)" in caught.value.remedy


@pytest.mark.parametrize("name", ["angles", "energies", "labels"])
def test_what_is_missing_is_named(file: Path, source: Open, name: str) -> None:
    with h5py.File(file, "r+") as content:
        del content[name]

    def opened_and_read() -> None:
        found = source(file)
        found.read(found.blocks()[0], slice(0, 1), FIELDS)

    with pytest.raises(DataError, match="no such dataset") as caught:
        opened_and_read()
    assert caught.value.where.endswith(f"/{name}")
