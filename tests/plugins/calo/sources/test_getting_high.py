"""Files of layers: what is read of them, crops, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import ConfigError, DataError
from zoo.data.checks import check_source
from zoo_calo.physics.showers import dense
from zoo_calo.sources.crops import crop_of
from zoo_calo.sources.files_config import GettingHighConfig
from zoo_calo.sources.getting_high import GettingHigh
from zoo_calo.sources.layouts import ECAL_PLANES_MM, HCAL_PLANES_MM, known_grid
from zoo_calo.specs import SAMPLE

FIELDS = frozenset({"energy", "cell", "deposit"})


def opened(path: Path, **options: Any) -> GettingHigh:
    return GettingHigh(GettingHighConfig.model_validate(options), path)


def read(source: GettingHigh, fields: frozenset[str] = FIELDS) -> Any:
    block = source.blocks()[0]
    return source.read(block, slice(0, block.rows), fields)


def test_showers_are_what_was_written(files: Any) -> None:
    energy, layers = files.showers((30, 30, 30))
    source = opened(files.write("30x30", energy, layers))
    table = read(source)
    np.testing.assert_array_equal(table["energy"], energy[:, 0])
    found = dense(table["cell"], table["deposit"], 27_000)
    np.testing.assert_array_equal(found, layers.reshape(12, -1))
    # Cell 1800 is layer 2, x 0, y 0: published order (layer, x, z).
    assert source.grid.layer[2 * 900 + 7 * 30 + 4] == 2
    x, y = source.grid.x_mm[7 * 30 + 4], source.grid.y_mm[7 * 30 + 4]
    assert x == pytest.approx(-81 + 8.5 * 5.088333)
    assert y == pytest.approx(-77 + 4.5 * 5.088333)
    assert check_source(source, SAMPLE).findings == ()
    assert source.facts["files"] == {"format": "getting-high", "group": "30x30"}


def test_ids_do_not_depend_on_settings_and_parts_are_parts(files: Any) -> None:
    path = files.write("30x30", *files.showers((30, 30, 30)))
    whole, pieces = opened(path), opened(path, rows=5)
    assert [block.rows for block in pieces.blocks()] == [5, 5, 2]
    table = read(whole)
    second = pieces.read(pieces.blocks()[1], slice(1, 3), frozenset({"deposit"}))
    assert set(second) == {"id", "deposit"}
    np.testing.assert_array_equal(second.ids, table.ids[6:8])
    np.testing.assert_array_equal(second["deposit"][0], table["deposit"][6])
    assert len(np.unique(table.ids)) == 12


def test_layers_are_not_read_for_energies_alone(files: Any, monkeypatch: Any) -> None:
    source = opened(files.write("30x30", *files.showers((30, 30, 30))))
    monkeypatch.setattr("zoo_calo.sources.getting_high.listed", None)
    assert set(read(source, frozenset({"energy"}))) == {"id", "energy"}


@pytest.mark.parametrize(
    ("shape", "group", "cell_mm", "depths"),
    [
        ((30, 30, 30), "30x30", 5.088333, (1.5, 200.5)),
        ((30, 30, 40), "30x30x40", 5.088333, (1.5, 200.5)),
        ((48, 48, 48), "hcal_only", 30.5, (21.0, 1268.0)),
        ((48, 25, 25), "hcal_only", 30.5, (21.0, 1268.0)),
    ],
)
def test_published_layers_have_their_grid(
    files: Any, shape: tuple[int, int, int], group: str, cell_mm: float, depths: Any
) -> None:
    angles = {"theta": np.full((12, 1), 1.2, np.float32)} if shape[2] == 40 else {}
    source = opened(files.write(group, *files.showers(shape), **angles))
    grid = source.grid
    assert grid.shape == shape
    assert grid.box is not None
    assert grid.box.cell_mm == cell_mm
    assert (grid.depth_mm[0], grid.depth_mm[-1]) == depths
    weights = (1.0,) * 20 + (2.0,) * 10 if shape[0] == 30 else (1.0,) * 48
    assert grid.layer_weight == weights
    assert ("theta" in source.fields) == bool(angles)
    assert len(read(source, source.fields)["energy"]) <= 12


def test_planes_are_those_of_the_detector() -> None:
    """Pairs of silicon about a tungsten plate; ILD's scintillator layers are 26.7 mm apart."""
    assert (len(ECAL_PLANES_MM), len(HCAL_PLANES_MM)) == (30, 48)
    assert np.all(np.diff(ECAL_PLANES_MM) > 2)
    pitch = np.diff(HCAL_PLANES_MM)
    assert 26 <= pitch.min() <= pitch.max() <= 29
    grid = known_grid((48, 25, 25))
    assert grid is not None
    # The published crop is about the gun, at x = 30 mm and z = 1000 mm, to half a cell.
    assert abs(grid.x_mm.mean()) < 30.5 / 2
    assert abs(grid.y_mm.mean()) < 30.5 / 2


def test_crops_are_the_published_ones_and_lose_nothing(files: Any) -> None:
    energy, layers = files.showers((48, 48, 48), 5)
    path = files.write("hcal_only", energy, layers)
    source = opened(path, crop="25x25")
    assert source.grid.shape == (48, 25, 25)
    table = read(source, FIELDS | {"outside"})
    found = dense(table["cell"], table["deposit"], 48 * 625)
    np.testing.assert_array_equal(found, layers[:, :, 13:38, 11:36].reshape(5, -1))
    total = layers.sum(axis=(1, 2, 3), dtype=np.float64)
    np.testing.assert_allclose(found.sum(axis=1) + table["outside"], total, rtol=1e-6)
    whole = known_grid((48, 48, 48))
    small = opened(path, crop="13x13").grid
    assert whole is not None
    # The core is the middle of the crop: the same cell at the same place.
    assert small.x_mm[0] == pytest.approx(whole.x_mm[19 * 48])
    assert small.y_mm[0] == pytest.approx(whole.y_mm[17])
    assert small.shape == (48, 13, 13)


@pytest.mark.parametrize("text", ["7x7", "38:13,11:36", "13:38"])
def test_crops_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no crop"):
        crop_of(text)


def test_a_crop_beyond_the_layers_is_refused(files: Any) -> None:
    path = files.write("30x30", *files.showers((30, 30, 30)))
    with pytest.raises(ConfigError, match=r"13:38,11:36 of a grid of 30 x 30 cells"):
        opened(path, crop="25x25")


def test_the_group_is_found_or_named(files: Any) -> None:
    path = files.write("30x30", *files.showers((30, 30, 30)))
    with h5py.File(path, "a") as file:
        file.copy("30x30", "again")
    with pytest.raises(DataError, match="2 groups with energy and layers") as caught:
        opened(path)
    assert "again" in caught.value.remedy
    assert opened(path, group="again").facts["files"]["group"] == "again"
    with pytest.raises(DataError, match="no group 'none'"):
        opened(path, group="none")


def test_a_grid_that_the_file_tells_is_used(files: Any) -> None:
    energy, layers = files.showers((4, 5, 6))
    path = files.write("tiny", energy, layers)
    with pytest.raises(DataError, match="whose places are not known") as caught:
        opened(path)
    assert "zoo_grid" in caught.value.remedy
    grid = known_grid((30, 30, 30))
    assert grid is not None
    for size, message in (((5, 6), None), ((6, 5), r"and a grid of")):
        facts = grid.facts()
        facts["grid"] |= {"depth_mm": [1, 2, 3, 4], "layer_weight": [1] * 4}
        facts["grid"]["box"] |= {"nx": size[0], "ny": size[1]}
        with h5py.File(path, "a") as file:
            file["tiny"].attrs["zoo_grid"] = json.dumps(facts)
        if message is None:
            assert opened(path).grid.shape == (4, 5, 6)
        else:
            with pytest.raises(DataError, match=message):
                opened(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factor": 1e-3}, r"0\.03 MeV is seen for each GeV"),
        ({"factor": 1e3}, "MeV is seen for each GeV"),
        ({"factor": 0}, "12 of the 12 showers looked at have no energy"),
        ({"factor": -1}, "energies of cells are negative"),
        ({"factor": np.nan}, "values are not finite"),
        ({"energy": 0}, "particles have no positive energy: row 0 has 0 GeV"),
        ({"energy": np.nan}, "not finite"),
    ],
)
def test_showers_that_are_none_are_refused(
    files: Any, changes: dict[str, float], message: str
) -> None:
    energy, layers = files.showers((30, 30, 30))
    if "energy" in changes:
        energy[:] = changes["energy"]
    path = files.write("30x30", energy, layers * np.float32(changes.get("factor", 1)))
    with pytest.raises(DataError, match=message) as caught:
        opened(path)
    assert str(path) in caught.value.where
    if changes.get("factor") == 1e-3:
        assert "it would fit cells in GeV" in caught.value.remedy


def test_a_few_empty_showers_are_no_error_and_many_are(files: Any) -> None:
    energy, layers = files.showers((30, 30, 30), 40)
    layers[3] = 0
    assert len(read(opened(files.write("30x30", energy, layers)))["deposit"][3]) == 0
    layers[:10] = 0
    path = files.write("30x30", energy, layers)
    with pytest.raises(DataError, match="10 of the 40 showers looked at have no energy"):
        opened(path)
    opened(path, most_empty=0.5)


def test_a_bad_cell_that_no_look_saw_is_found_when_it_is_read(files: Any) -> None:
    energy, layers = files.showers((30, 30, 30), 40)
    layers[11, 3, 3, 3] = -1
    source = opened(files.write("30x30", energy, layers), look=8)
    with pytest.raises(DataError, match="1 energies of cells are negative, the lowest is -1 MeV"):
        read(source)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("layers", np.ones((12, 27_000), np.float32), r"shape \(12, 27000\) instead of"),
        ("layers", np.ones((12, 30, 30, 30), "S3"), "instead of numbers"),
        ("energy", np.ones(12, np.float32), r"shape \(12,\) instead of \(N, 1\)"),
        ("energy", np.ones((11, 1), np.float32), "11 rows for 12 showers"),
        ("theta", np.full((12, 1), 60, np.float32), "polar angles from 60 to 60"),
    ],
)
def test_arrays_of_another_shape_are_refused(
    files: Any, name: str, values: np.ndarray[Any, Any], message: str
) -> None:
    energy, layers = files.showers((30, 30, 30))
    arrays = {"energy": energy, "layers": layers, name: values}
    path = files.write("30x30", **arrays)
    with pytest.raises(DataError, match=message):
        opened(path)


def test_a_truncated_file_is_refused(files: Any) -> None:
    path = files.write("30x30", *files.showers((30, 30, 30)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="truncated, damaged or no HDF5 file"):
        opened(path)
    path.write_text("no HDF5")
    with pytest.raises(DataError, match="truncated, damaged or no HDF5 file"):
        opened(path)


def test_damaged_bytes_are_refused_or_change_numbers_alone(files: Any) -> None:
    """Whatever byte of the first 4 KiB is wrong: an error that names the file, or none."""
    path = files.write("30x30", *files.showers((30, 30, 30), 2))
    content = path.read_bytes()
    refused = 0
    for place in range(0, 4096, 97):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            read(opened(path))
        except DataError as error:
            refused += str(path) in error.where
    assert refused >= 5


def test_a_file_that_declares_more_than_it_holds_is_refused(files: Any) -> None:
    path = files.write("30x30", *files.showers((30, 30, 30)))
    with h5py.File(path, "a") as file:
        del file["30x30/layers"]
        file["30x30"].create_dataset(
            "layers", shape=(10**7, 30, 30, 30), dtype="f4", chunks=(1, 30, 30, 30)
        )
    with pytest.raises(DataError, match="are declared, and 0 bytes are stored"):
        opened(path)


def test_folders_are_read_in_the_order_of_names(files: Any, tmp_path: Path) -> None:
    for name, seed in (("b.h5", 2), ("a.hdf5", 1)):
        files.write("30x30", *files.showers((30, 30, 30), 3, seed)).rename(tmp_path / name)
    source = opened(tmp_path)
    assert [block.key for block in source.blocks()] == [
        "a.hdf5, showers 0 to 2",
        "b.h5, showers 0 to 2",
    ]
    with pytest.raises(DataError, match="it has no theta"):
        read(source, frozenset({"theta"}))
    files.write("hcal_only", *files.showers((48, 13, 13), 3)).rename(tmp_path / "c.h5")
    with pytest.raises(DataError, match="files of different detectors"):
        opened(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"no \.h5 or \.hdf5 file"):
        opened(empty)
