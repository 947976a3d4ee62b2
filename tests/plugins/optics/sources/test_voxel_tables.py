"""Photon libraries and larnd-sim's light tables: what is read, what is refused, and how little."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import ConfigError, DataError, Table
from zoo.data.checks import check_source
from zoo_optics.sources.files_config import LutNpzConfig, PhotonLibraryConfig
from zoo_optics.sources.lut_npz import LutNpz
from zoo_optics.sources.npz_member import npz_members
from zoo_optics.sources.photon_library import PhotonLibrary
from zoo_optics.sources.voxel_tables import VoxelTable
from zoo_optics.specs import SAMPLE

FIELDS = frozenset({"position", "photons", "charge"})
Open = Callable[..., PhotonLibrary]
OpenLut = Callable[..., LutNpz]


@pytest.fixture
def library(tmp_path: Path, light: ModuleType) -> Open:
    """Opens libraries of the invented box."""

    def opened(path: Path, **options: Any) -> PhotonLibrary:
        given = {"geometry": str(tmp_path / "opdet-geom.json"), "photons": light.VOXEL_PHOTONS}
        if "geometry" not in options:
            light.opdet_file(tmp_path)
        return PhotonLibrary(PhotonLibraryConfig.model_validate(given | options), path)

    return opened


@pytest.fixture
def lut(tmp_path: Path, light: ModuleType) -> OpenLut:
    """Opens light tables of the invented box."""

    def opened(path: Path, **options: Any) -> LutNpz:
        geometry = str(light.opdet_file(tmp_path))
        given = {"geometry": geometry, "photons": light.VOXEL_PHOTONS}
        corners = {"low_cm": light.BOX[0], "high_cm": light.BOX[1]}
        return LutNpz(LutNpzConfig.model_validate(given | corners | options), path)

    return opened


def everything(source: VoxelTable, fields: frozenset[str] = FIELDS) -> Table:
    return Table.concat([source.read(b, slice(0, b.rows), fields) for b in source.blocks()])


def grid(table: Table, name: str, light: ModuleType, *, x_fastest: bool) -> np.ndarray[Any, Any]:
    """A column as (nx, ny, nz, ...)."""
    values = table[name]
    shape = light.VOXELS[::-1] if x_fastest else light.VOXELS
    values = values.reshape(*shape, *values.shape[1:])
    return values.swapaxes(0, 2) if x_fastest else values


@pytest.mark.parametrize("rows", [0, 7, 100])
def test_a_library_is_what_was_written(
    tmp_path: Path, light: ModuleType, library: Open, rows: int
) -> None:
    found = library(light.write_library(tmp_path / "plib.h5"), rows=rows)
    table = everything(found)
    assert table.rows == math.prod(light.VOXELS) == len(np.unique(table.ids))
    position = grid(table, "position", light, x_fastest=True)
    np.testing.assert_allclose(position, light.voxel_middles(), atol=1e-4)
    charge = grid(table, "charge", light, x_fastest=True)
    # The counts themselves, not rounded: photons times visibility.
    counts = light.visibilities() * light.VOXEL_PHOTONS
    np.testing.assert_allclose(charge, counts, rtol=1e-6, atol=1e-6)
    assert set(table["photons"].tolist()) == {light.VOXEL_PHOTONS}
    assert "expected" not in found.fields
    assert found.facts["channels"] == list(range(12))
    assert check_source(found, SAMPLE).findings == ()


def test_blocks_are_whole_chunks(
    tmp_path: Path, light: ModuleType, library: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo_optics.sources.voxel_tables._BLOCK_BYTES", 100 * 12 * 4)
    found = library(light.write_library(tmp_path / "plib.h5"))
    *_, last = found.blocks()
    assert {block.rows for block in found.blocks()} == {80}  # 100 voxels fit, 80 are whole chunks
    part = found.read(last, slice(last.rows - 3, last.rows), FIELDS)
    np.testing.assert_array_equal(part["charge"], everything(found)["charge"][-3:])


def test_only_rows_asked_for_are_read(
    tmp_path: Path, light: ModuleType, library: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = library(light.write_library(tmp_path / "plib.h5"), rows=50, look=16)
    asked: list[int] = []
    get = h5py.Dataset.__getitem__

    def counted(self: h5py.Dataset, rows: Any, *rest: Any, **more: Any) -> Any:
        values = get(self, rows, *rest, **more)
        if self.name == "/vis":
            asked.append(len(values))
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    found.read(found.blocks()[3], slice(0, 50), FIELDS)
    assert asked == [50]
    asked.clear()
    library(light.write_library(tmp_path / "plib.h5"), rows=50, look=16)
    assert sum(asked) <= 16  # opening reads what is looked at


@pytest.mark.parametrize("kind", ["library", "lut", "packed lut"])
def test_memory_is_that_of_a_block(
    tmp_path: Path, light: ModuleType, library: Open, lut: OpenLut, kind: str
) -> None:
    """Tables of 18 MiB and more, one after another: the peak is that of some copies of 1 MiB."""
    position, normals = light.wall()
    shape = (60, 80, 80) if kind == "library" else (12, 16, 20)
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(*light.BOX, shape, strict=True)]
    middles = np.meshgrid(*[(e[1:] + e[:-1]) / 2 for e in edges], indexing="ij")
    points = np.stack(middles, axis=-1).reshape(-1, 3)
    seen = light.share(points, position, normals, radius=10).reshape(*shape, 12)
    if kind == "library":
        path = light.write_library(tmp_path / "big.h5", seen, (4000, 12), numvox=np.array(shape))
    else:
        path = light.write_lut(tmp_path / "big.npz", seen, packed=kind == "packed lut")
    del middles, points, seen
    tracemalloc.start()
    found = (library if kind == "library" else lut)(path)
    for block in found.blocks():
        found.read(block, slice(0, block.rows), FIELDS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    table = found.voxels * 12 * (4 if kind == "library" else 408)
    assert table > 17 * 2**20
    assert peak < 10 * 2**20


def test_an_exact_table_is_what_is_expected(
    tmp_path: Path, light: ModuleType, library: Open
) -> None:
    path = light.write_library(tmp_path / "plib.h5")
    table = everything(library(path, exact=True), FIELDS | {"expected"})
    np.testing.assert_array_equal(table["expected"], table["charge"])
    counted = library(path)
    with pytest.raises(DataError, match="it has no expected") as caught:
        counted.read(counted.blocks()[0], slice(0, 1), frozenset({"expected"}))
    assert "data.options.exact" in caught.value.remedy


def test_efficiencies_are_applied(tmp_path: Path, light: ModuleType, library: Open) -> None:
    plain = everything(library(light.write_library(tmp_path / "a.h5")))["charge"]
    half = everything(library(light.write_library(tmp_path / "b.h5", eff=0.5)))["charge"]
    np.testing.assert_allclose(half, plain / 2, rtol=1e-6)
    each = np.linspace(0.1, 0.9, 12)
    found = everything(library(light.write_library(tmp_path / "c.h5", eff=each)))["charge"]
    np.testing.assert_allclose(found, plain * each, rtol=1e-6)
    with pytest.raises(DataError, match=r"efficiencies of shape \(5,\) for 12 channels"):
        library(light.write_library(tmp_path / "d.h5", eff=each[:5]))


def test_dead_channels_are_left_out(tmp_path: Path, light: ModuleType, library: Open) -> None:
    alive = [0, 1, 2, 4, 5, 6, 7, 9, 11]
    path = light.write_library(tmp_path / "plib.h5")
    found = library(path, geometry=str(light.opdet_file(tmp_path, alive)))
    whole = everything(library(path))["charge"]
    np.testing.assert_array_equal(everything(found)["charge"], whole[:, alive])
    assert found.facts["channels"] == alive
    np.testing.assert_allclose(found.detector.sensors.position_cm, light.wall()[0][alive])
    np.testing.assert_array_equal(found.detector.sensors.direction, light.wall()[1][alive])


def test_photons_of_the_library(tmp_path: Path, light: ModuleType, library: Open) -> None:
    path = light.write_library(tmp_path / "plib.h5")
    with pytest.raises(ConfigError, match="not told how many photons a voxel was simulated with"):
        library(path, photons=0.0)
    told = light.write_library(tmp_path / "told.h5", n_simulated=5000)
    assert library(told, photons=0.0).photons == 5000
    assert library(told, photons=700.0).photons == 700
    with pytest.raises(ConfigError, match="the geometry is missing"):
        library(path, geometry="")


def test_wrong_sizes_are_refused(tmp_path: Path, light: ModuleType, library: Open) -> None:
    path = light.write_library(tmp_path / "a.h5", numvox=np.array([5, 8, 13]))
    with pytest.raises(DataError, match="480 rows for 5 x 8 x 13 voxels"):
        library(path)
    path = light.write_library(tmp_path / "b.h5", min=np.array([0.0, 0, 0]))
    with pytest.raises(DataError, match=r"numvox .*, min .*, max"):
        library(path)
    path = light.write_library(tmp_path / "c.h5", vis=np.zeros((480, 12, 3)), chunks=True)
    with pytest.raises(DataError, match=r"instead of \(N, any\)"):
        library(path)
    more = np.concatenate([light.visibilities()] * 2, axis=3)
    path = tmp_path / "d.h5"
    light.write_library(path, more)
    with pytest.raises(DataError, match="24 channels, the geometry has 168 sensors"):
        library(path, geometry=str(light.tank_file(tmp_path)))
    with pytest.raises(DataError, match="no such dataset"):
        library(light.write_library(tmp_path / "e.h5", numvox=None))


def test_large_chunks_are_refused(
    tmp_path: Path, light: ModuleType, library: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo_optics.sources.photon_library._LARGEST_CHUNK", 1000)
    with pytest.raises(DataError, match="each of which must be unpacked whole") as caught:
        library(light.write_library(tmp_path / "plib.h5"))
    assert "h5repack -l vis:CHUNK=1024x12" in caught.value.remedy


def test_counts_are_no_visibilities(tmp_path: Path, light: ModuleType, library: Open) -> None:
    counts = light.visibilities() * light.VOXEL_PHOTONS
    with pytest.raises(DataError, match=r"are not between 0 and 1, the first") as caught:
        library(light.write_library(tmp_path / "plib.h5", counts))
    assert "divide counts by the photons" in caught.value.remedy
    bad = light.visibilities()
    bad[2, 3, 4, 5] = np.nan
    found = library(light.write_library(tmp_path / "nan.h5", bad), look=1)
    with pytest.raises(DataError, match=r"nan of channel 5") as caught:
        everything(found)
    assert caught.value.where.endswith(f"voxel {2 + 5 * (3 + 8 * 4)}")


def test_dark_and_copied_tables_are_refused(
    tmp_path: Path, light: ModuleType, library: Open
) -> None:
    dark = 0 * light.visibilities()
    with pytest.raises(DataError, match=r"all charges of the \d+ rows looked at are zero"):
        library(light.write_library(tmp_path / "dark.h5", dark))
    copied = np.broadcast_to(light.visibilities()[2, 3, 4], (*light.VOXELS, 12))
    with pytest.raises(DataError, match="voxels looked at are copies of one"):
        library(light.write_library(tmp_path / "copy.h5", copied))


def test_a_wrong_order_is_refused(tmp_path: Path, light: ModuleType, library: Open) -> None:
    order = np.random.default_rng(4).permutation(12)
    mixed = light.write_library(tmp_path / "mixed.h5", light.visibilities()[..., order])
    with pytest.raises(DataError, match="charges do not follow the solid angles"):
        library(mixed)
    slow = light.visibilities().transpose(2, 1, 0, 3).reshape(*light.VOXELS, 12)
    with pytest.raises(DataError, match="charges do not follow the solid angles"):
        library(light.write_library(tmp_path / "z_fastest.h5", slow))


@pytest.mark.parametrize(
    ("scale", "told"),
    [(10.0, "1/10 times as large (mm instead of cm)"), (0.01, "100 times as large (m ")],
)
def test_corners_in_other_units(
    tmp_path: Path, light: ModuleType, library: Open, scale: float, told: str
) -> None:
    low, high = (np.array(corner) * scale for corner in light.BOX)
    path = light.write_library(tmp_path / "plib.h5", min=low, max=high)
    with pytest.raises(DataError, match=r"sensors from .* are not those of a table") as caught:
        library(path, geometry=str(tank_of_box(tmp_path, light)))
    assert f"the table's corners would fit {told}" in caught.value.remedy


def tank_of_box(folder: Path, light: ModuleType) -> Path:
    """The wall's sensors as an .npz, which needs a tank around them."""
    position, direction = light.wall()
    path = folder / "wall.npz"
    np.savez(
        path, positions_cm=position, directions=direction, radius=3.0, height=6.0, sensor_radius=0.1
    )
    return path


def test_directions_of_sensors_inside(tmp_path: Path, light: ModuleType, library: Open) -> None:
    """Two drift volumes in one library, a cathode with sensors between them."""
    seen = np.concatenate([light.visibilities(), 0 * light.visibilities()])
    more = {"numvox": np.array([10, 8, 12]), "max": np.array([100.0, 80, 240])}
    path = light.write_library(tmp_path / "plib.h5", seen, **more)
    with pytest.raises(
        DataError, match=r"12 of 12 sensors stand inside of the volume, up to 80 cm"
    ):
        library(path)
    assert library(path, geometry=str(tank_of_box(tmp_path, light)))


@pytest.mark.parametrize("packed", [False, True])
def test_a_lut_is_what_was_written(
    tmp_path: Path, light: ModuleType, lut: OpenLut, packed: bool
) -> None:
    found = lut(light.write_lut(tmp_path / "lut.npz", packed=packed), rows=50)
    table = everything(found)
    position = grid(table, "position", light, x_fastest=False)
    np.testing.assert_allclose(position, light.voxel_middles(), atol=1e-4)
    charge = grid(table, "charge", light, x_fastest=False)
    counts = light.visibilities() * light.VOXEL_PHOTONS
    np.testing.assert_allclose(charge, counts, rtol=1e-6, atol=1e-6)
    assert check_source(found, SAMPLE).findings == ()


def test_reversed_axes(tmp_path: Path, light: ModuleType, lut: OpenLut) -> None:
    path = light.write_lut(tmp_path / "lut.npz", light.visibilities()[::-1, :, ::-1])
    with pytest.raises(DataError, match="charges do not follow the solid angles"):
        lut(path)
    table = everything(lut(path, reversed_axes=["x", "z"]))
    position = grid(table, "position", light, x_fastest=False)
    np.testing.assert_allclose(position, light.voxel_middles()[::-1, :, ::-1], atol=1e-4)


def test_a_lut_is_never_unpickled(tmp_path: Path, light: ModuleType, lut: OpenLut) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("it was unpickled",)

    path = tmp_path / "objects.npz"
    np.savez(path, arr=np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects, which are never unpickled"):
        lut(path)


def test_what_a_lut_must_have(tmp_path: Path, light: ModuleType, lut: OpenLut) -> None:
    path = light.write_lut(tmp_path / "lut.npz")
    with pytest.raises(ConfigError, match="does not tell where its voxels are"):
        lut(path, low_cm=None)
    with pytest.raises(ConfigError, match="is not below high_cm"):
        lut(path, low_cm=light.BOX[1])
    np.savez(tmp_path / "plain.npz", vis=light.visibilities())
    with pytest.raises(DataError, match=r"no array \(nx, ny, nz, channels\) with one number 'vis'"):
        lut(tmp_path / "plain.npz")
    turned = np.asfortranarray(np.zeros((2, 3, 4, 12), [("vis", "f4")]))
    np.savez(tmp_path / "fortran.npz", arr=turned)
    with pytest.raises(DataError, match="Fortran order"):
        lut(tmp_path / "fortran.npz")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"no \.npz file, or a damaged one"):
        lut(path)
    with pytest.raises(DataError, match=r"no \.npz file"):
        lut(tmp_path / "absent.npz")


def test_a_member_is_read_in_pieces(tmp_path: Path) -> None:
    values = np.arange(100_000, dtype=np.int32).reshape(1000, 100)
    for name, save in (("stored", np.savez), ("packed", np.savez_compressed)):
        path = tmp_path / f"{name}.npz"
        save(path, other=np.zeros(3), values=values)
        member = npz_members(path)["values"]
        assert (member.shape, member.dtype, member.values) == ((1000, 100), np.int32, 100_000)
        np.testing.assert_array_equal(member.read(70_001, 500), np.arange(70_001, 70_501))
        with pytest.raises(DataError, match="100000 values, asked for 10 from 99999"):
            member.read(99_999, 10)


@pytest.mark.realdata
def test_the_2x2_time_file_is_no_lut(real_data: Path, lut: OpenLut) -> None:
    path = next((real_data / "optics" / "sirentv_2x2").glob("*.npz"))
    member = npz_members(path)["cdf"]
    assert member.values == 4800  # 48 channels x 100 ns
    with np.load(path, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(member.read(100, 60), arrays["cdf"][100:160])
    with pytest.raises(DataError, match="with one number 'vis'"):
        lut(path)


def test_dead_channels_are_told(tmp_path: Path, light: ModuleType, library: Open) -> None:
    found = library(light.write_library(tmp_path / "plib.h5"), dead=[0, 11])
    by_hand = ~np.isin(np.arange(12), [0, 11])
    np.testing.assert_array_equal(found.facts["alive"], by_hand)
    table = everything(found, found.fields)
    np.testing.assert_array_equal(table["alive"], np.tile(by_hand, (table.rows, 1)))
    assert check_source(found, SAMPLE).findings == ()
    with pytest.raises(ConfigError, match="no sensor has the channel 12"):
        library(light.write_library(tmp_path / "other.h5"), dead=[12])
