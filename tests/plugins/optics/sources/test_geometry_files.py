"""Sensors from files of others: WCTE's design, WCSim's table, DUNE's optical detectors."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from zoo.api import ConfigError, DataError
from zoo_optics.physics.detector import Box
from zoo_optics.sources.cherenkov import tank
from zoo_optics.sources.config import TankConfig
from zoo_optics.sources.files_config import PhotonLibraryConfig, SimpleSimConfig
from zoo_optics.sources.geometries import load_detector
from zoo_optics.sources.opdets import load_opdets, wall_normals
from zoo_optics.sources.photon_library import PhotonLibrary
from zoo_optics.sources.simplesim import SimpleSim

PDHD = Box((-360.0, 0.0, 0.0), (360.0, 610.0, 464.0))


def design(tmp_path: Path, **changes: Any) -> Path:
    """Two modules of one sensor, mm, y vertical."""
    sensor = {
        "properties": {"size": 75},
        "placement": {"location": [100.0, -200.0, 50.0], "direction_z": [0.0, 1.0, 0.0]},
    }
    upper = {
        "properties": {"size": 75} | changes,
        "placement": {"location": [0.0, 400.0, -30.0], "direction_z": [0.0, 0.0, 1.0]},
    }
    path = tmp_path / "design.json"
    path.write_text(
        json.dumps({"mpmts": {"10": {"pmts": {"0": upper}}, "2": {"pmts": {"0": sensor}}}})
    )
    return path


def geofile(tmp_path: Path, position: Any, direction: Any, vertical: str) -> Path:
    """WCSim's table of sensors, cm, last sensor first; ours (x, y, z) is its (x, z, -y)."""
    where = np.where(np.abs(direction[:, 2]) < 0.5, 1, np.where(direction[:, 2] < 0, 0, 2))
    columns = [position, direction]
    if vertical == "y":
        columns = [np.stack([v[:, 0], v[:, 2], -v[:, 1]], axis=1) for v in columns]
    rows = zip(*columns, where, strict=True)
    lines = [
        " ".join(map(str, (number, 1, number, *place, *normal, which)))
        for number, (place, normal, which) in enumerate(rows, start=1)
    ]
    path = tmp_path / "geofile.txt"
    path.write_text("\n".join(["header"] * 5 + lines[::-1]))
    return path


def test_a_design_is_turned_and_centred(tmp_path: Path) -> None:
    sensors = load_detector(design(tmp_path)).sensors
    # (x, y, z) mm -> (x, -z, y - 100) / 10 cm, in the order of the modules' numbers.
    np.testing.assert_allclose(sensors.position_cm, [[10, -5, -30], [0, 3, 30]])
    np.testing.assert_allclose(sensors.direction, [[0, 0, 1], [0, -1, 0]])
    assert sensors.radius_cm == pytest.approx(3.75)


def test_no_design(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no geometry.*sensors of 2 sizes"):
        load_detector(design(tmp_path, size=80))
    path = tmp_path / "else.json"
    path.write_text('{"mpmts": 3}')
    with pytest.raises(DataError, match="no geometry") as caught:
        load_detector(path)
    assert "WCTE's design (.json)" in caught.value.remedy


@pytest.mark.realdata
def test_wcte_is_that_of_the_arrays(real_data: Path) -> None:
    """2014 sensors, to 0.1 mm, of the same design derived by others into an .npz."""
    folder = real_data / "optics" / "wcte"
    found = load_detector(folder / "wcte_v11_20250513.json")
    with np.load(folder / "wcte_design_geometry.npz", allow_pickle=False) as arrays:
        position, direction = arrays["positions_mm"], arrays["directions"]
        radius = float(arrays["sensor_radius"])
    assert found.sensors.position_cm.shape == position.shape == (2014, 3)
    distance, partner = cKDTree(10 * found.sensors.position_cm).query(position)
    assert distance.max() < 0.1  # mm
    assert len(np.unique(partner)) == 2014
    np.testing.assert_allclose(found.sensors.direction[partner], direction, atol=1e-6)
    assert found.sensors.radius_cm == pytest.approx(100 * radius)
    arrays_of = load_detector(folder / "wcte_design_geometry.npz")
    assert found.sensors.digest == arrays_of.sensors.digest  # the order is the same, too
    assert found.volume.high == pytest.approx(arrays_of.volume.high, abs=1.0)


@pytest.mark.parametrize("vertical", ["y", "z"])
def test_the_table_tells_what_is_vertical(tmp_path: Path, light: ModuleType, vertical: str) -> None:
    position, direction = light.tank()
    sensors = load_detector(geofile(tmp_path, position, direction, vertical)).sensors
    np.testing.assert_allclose(sensors.position_cm, position, atol=1e-9)
    np.testing.assert_allclose(sensors.direction, direction, atol=1e-9)


def test_a_table_takes_its_tank_from_the_settings(tmp_path: Path, light: ModuleType) -> None:
    position, direction = light.tank()
    radius, height = np.hypot(*position[:, :2].T).max() + 3, np.abs(position[:, 2]).max() + 7
    told: dict[str, Any] = {
        "geometry": str(geofile(tmp_path, position, direction, "y")),
        "radius_cm": radius,
        "half_height_cm": height,
        "sensor_radius_cm": 2.5,
    }
    detector = tank(TankConfig(**told))
    assert detector.volume.high.tolist() == [radius, radius, height]
    assert detector.sensors.radius_cm == 2.5
    np.testing.assert_allclose(detector.sensors.position_cm, position, atol=1e-9)
    with pytest.raises(ConfigError, match=f"the tank at {radius + 60:g} and {height + 60:g} cm"):
        tank(TankConfig(**told | {"radius_cm": radius + 60, "half_height_cm": height + 60}))
    with pytest.raises(DataError, match="sensors reach") as caught:
        tank(TankConfig(**told | {"radius_cm": radius / 2}))
    assert "radius_cm and half_height_cm" in caught.value.remedy


def test_optical_detectors(tmp_path: Path, light: ModuleType) -> None:
    sensors, number = load_opdets(light.opdet_file(tmp_path), Box(*light.BOX), 10.0)
    assert number.tolist() == list(range(12))
    np.testing.assert_allclose(sensors.position_cm, light.wall()[0])
    np.testing.assert_array_equal(sensors.direction, light.wall()[1])
    path = tmp_path / "twice.json"
    path.write_text(json.dumps({"opdets": [{"opdet": 1, "x": 0, "y": 0, "z": 0}] * 2}))
    with pytest.raises(DataError, match="2 detectors with 1 numbers"):
        load_opdets(path, Box(*light.BOX), 10.0)
    path.write_text('{"opdets": [{"opdet": 1}]}')
    with pytest.raises(DataError, match="no optical detectors"):
        load_opdets(path, Box(*light.BOX), 10.0)


@pytest.mark.realdata
def test_protodune_hd(real_data: Path) -> None:
    """160 detectors behind both anodes, looking at the cathode between them."""
    path = real_data / "optics" / "dune_wct" / "pdhd-opdet-geom.json"
    sensors, number = load_opdets(path, PDHD, 10.0)
    assert number.tolist() == list(range(160))
    np.testing.assert_allclose(
        np.unique(np.abs(sensors.position_cm[:, 0])), [356.245655, 356.445655]
    )
    np.testing.assert_array_equal(sensors.direction[:, 0], -np.sign(sensors.position_cm[:, 0]))
    assert not sensors.direction[:, 1:].any()


@pytest.mark.realdata
def test_protodune_vd_has_detectors_inside(real_data: Path) -> None:
    """Eight of its 36 are in the cathode, seen from both sides: directions must be told."""
    path = real_data / "optics" / "dune_wct" / "pdvd-opdet-geom.json"
    box = Box((-340.0, -340.0, 0.0), (340.0, 340.0, 300.0))
    with pytest.raises(DataError, match=r"\d+ of 36 sensors stand inside of the volume") as caught:
        load_opdets(path, box, 10.0)
    assert "npz with directions" in caught.value.remedy
    found = json.loads(path.read_text())["opdets"]
    cathode = np.array([[s["x"], s["y"], s["z"]] for s in found if abs(s["x"]) < 1]) / 10
    assert len(cathode) == 8
    lower = Box((-340.0, -340.0, 0.0), (0.0, 340.0, 300.0))  # one drift volume has it at its wall
    np.testing.assert_array_equal(wall_normals(cathode, lower, "")[:, 0], -np.ones(8))


@pytest.mark.realdata
def test_a_library_of_protodune_hd(tmp_path: Path, real_data: Path, light: ModuleType) -> None:
    geometry = real_data / "optics" / "dune_wct" / "pdhd-opdet-geom.json"
    sensors, _ = load_opdets(geometry, PDHD, 10.0)
    shape = (12, 10, 8)
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(PDHD.low, PDHD.high, shape, strict=True)]
    middles = np.stack(
        np.meshgrid(*[(e[1:] + e[:-1]) / 2 for e in edges], indexing="ij"), axis=-1
    ).reshape(-1, 3)
    seen = light.share(middles, sensors.position_cm, sensors.direction, radius=10)
    seen *= middles[:, :1] * sensors.position_cm[:, 0] > 0  # the cathode lets no light pass
    counts = np.random.default_rng(1).poisson(1e6 * seen) / 1e6
    grid = {"numvox": np.array(shape), "min": PDHD.low, "max": PDHD.high}
    path = light.write_library(tmp_path / "pdhd.h5", counts.reshape(*shape, 160), (64, 160), **grid)
    config = PhotonLibraryConfig(geometry=str(geometry), photons=1e6)
    found = PhotonLibrary(config, path)
    (block,) = found.blocks()
    table = found.read(block, slice(100, 103), frozenset({"position", "charge"}))
    x, y, z = np.unravel_index(np.arange(100, 103), shape, order="F")
    row = (x * shape[1] + y) * shape[2] + z
    np.testing.assert_allclose(table["position"], middles[row], atol=1e-3)
    np.testing.assert_allclose(table["charge"], 1e6 * counts[row], rtol=1e-5, atol=1e-5)
    mixed = counts[:, np.random.default_rng(2).permutation(160)].reshape(*shape, 160)
    with pytest.raises(DataError, match="do not follow the solid angles"):
        PhotonLibrary(config, light.write_library(tmp_path / "m.h5", mixed, (64, 160), **grid))


@pytest.mark.realdata
@pytest.mark.parametrize(
    "geometry", ["simplesim/simplesim_geometry.npz", "wcte/wcte_v11_20250513.json"]
)
def test_events_in_a_real_tank(
    tmp_path: Path, real_data: Path, light: ModuleType, geometry: str
) -> None:
    """9946 sensors of the talk's tank, 2014 of WCTE: the right order is read, another refused."""
    file = real_data / "optics" / geometry
    detector = load_detector(file)
    sensors = detector.sensors
    rng = np.random.default_rng(3)
    position = 0.6 * detector.volume.points(rng.random((6, 3)))
    mean = 10_000 * light.share(
        position, sensors.position_cm, sensors.direction, radius=sensors.radius_cm
    )
    charge = rng.poisson(mean).astype(np.float64)
    found = SimpleSim(
        SimpleSimConfig(geometry=str(file)),
        light.write_simplesim(tmp_path / "right.h5", position, charge),
    )
    assert found.facts["geometry"]["digest"] == sensors.digest
    mixed = charge[:, rng.permutation(len(sensors))]
    path = light.write_simplesim(tmp_path / "mixed.h5", position, mixed)
    with pytest.raises(DataError, match="charges do not follow the solid angles"):
        SimpleSim(SimpleSimConfig(geometry=str(file)), path)
