"""Cluster tensors in HDF5: both orders of columns, points, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import DataError
from zoo.data.checks import check_source
from zoo_sparse_reco.sources.files_config import MlrecoH5Config
from zoo_sparse_reco.sources.mlreco_h5 import MlrecoH5
from zoo_sparse_reco.specs import SAMPLE

# x, y, z, batch, value, cluster, group, interaction, nu, class; events 0 and 2
MLRECO = np.array(
    [
        (5, 1, 2, 0, 0.5, 3, 4, 0, -1, 1),
        (5, 1, 1, 0, 0.25, 3, 4, 0, -1, 1),
        (2, 2, 2, 0, 1.0, 1, -1, -1, -1, 4),
        (7, 7, 7, 2, 2.0, 0, 0, 1, 0, 6),
    ],
    np.float32,
)
# batch, x, y, z, value, cluster, particle, group, ancestor, interaction, nu, kind, group primary,
# interaction primary, vertex, momentum, ancestor's kind and momentum, class
SPINE = np.array(
    [
        (0, 5, 1, 2, 0.5, 3, 9, 4, 0, 0, -1, 4, 1, 1, 5, 1, 1.5, 0.3, 4, 0.3, 1),
        (0, 5, 1, 1, 0.25, 3, 9, 4, 0, 0, -1, 4, 1, 1, 5, 1, 1.5, 0.3, 4, 0.3, 1),
        (0, 2, 2, 2, 1.0, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 4),
        (2, 7, 7, 7, 2.0, 0, 2, 0, 0, 1, 0, 0, 0, 0, -1, -1, -1, 0.1, 0, 0.1, 0),
    ],
    np.float32,
)
POINTS = np.array(
    [
        (2, 7.5, 7, 7, 8, 8, 8, 0, 0),
        (2, 1.5, 1, 1, 2.5, 2, 2, 0, 1),
        (2, 1.5, 1, 1, 2.5, 2, 2, 0, 4),
        (2, 900, 1, 1, 2, 2, 2, 0, 0),
    ],
    np.float32,
)


def write(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


def opened(path: Path, **options: Any) -> MlrecoH5:
    return MlrecoH5(MlrecoH5Config.model_validate(options), path)


def read(source: MlrecoH5) -> Any:
    return source.read(source.blocks()[0], slice(0, None), source.fields)


def test_ten_columns_are_those_of_lartpc_mlreco3d(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "a.h5", cluster_label=MLRECO))
    table = read(source)
    assert table["deposit"].lengths.tolist() == [3, 1]
    places = np.stack([table[f"voxel_{axis}"][0] for axis in "xyz"], axis=1).tolist()
    assert places == [[2, 2, 2], [5, 1, 1], [5, 1, 2]]
    assert table["deposit"][0].tolist() == [1.0, 0.25, 0.5]
    assert table["semantic"][0].tolist() == [4, 1, 1]
    assert table["semantic"][1].tolist() == [-1], "6 is unknown"
    assert table["fragment"][0].tolist() == [1, 3, 3]
    assert table["voxel_group"][0].tolist() == [-1, 4, 4]
    assert table["interaction"][0].tolist() == [-1, 0, 0]
    assert "particle" not in source.fields
    assert check_source(source, SAMPLE).findings == ()


def test_twenty_one_columns_are_spines(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "a.h5", cluster_label=SPINE, coord_label=POINTS), rows=1)
    assert [block.rows for block in source.blocks()] == [1, 1]
    first, second = (source.read(b, slice(0, 1), source.fields) for b in source.blocks())
    assert first["voxel_z"][0].tolist() == [2, 1, 2]
    assert first["particle"][0].tolist() == [-1, 9, 9]
    assert first["pid"][0].tolist() == [-1, 4, 4]
    assert first["particle_id"][0].tolist() == [9]
    assert first["particle_group"][0].tolist() == [4]
    assert first["particle_pid"][0].tolist() == [4]
    assert first["particle_primary"][0].tolist() == [1]
    assert second["particle_semantic"][0].tolist() == [0]
    assert first["interaction_id"][0].tolist() == [0]
    assert first["interaction_vertex"][0].tolist() == [[5, 1, 1.5]]
    assert second["interaction_vertex"][0].tolist() == [[-1, -1, -1]]
    # Starts of all but low energy, ends of tracks.
    assert not len(first["point_x"][0])
    assert second["point_x"][0].tolist() == [7.5, 1.5, 2.5]
    assert second["point_end"][0].tolist() == [0, 0, 1]
    assert second["point_semantic"][0].tolist() == [0, 1, 1]
    assert "1 points are outside of the grid" in source.facts["note"]
    assert check_source(source, SAMPLE).findings == ()
    points = source.read(source.blocks()[1], slice(0, 1), frozenset({"point_y"}))
    assert points["point_y"][0].tolist() == [7, 1, 2]


def test_hip_mip_has_no_points_whose_kind_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", cluster_label=SPINE, coord_label=POINTS)
    source = opened(path, scheme="hip-mip")
    assert read(source)["semantic"][0].tolist() == [2, 0, 0]
    assert not {field for field in source.fields if field.startswith("point")}


def changed(row: int, column: int, value: float) -> np.ndarray:
    table = MLRECO.copy()
    table[row, column] = value
    return table


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"data": MLRECO}, {}, "no such dataset"),
        ({"cluster_label": MLRECO[:, :9]}, {}, "9 columns"),
        ({"cluster_label": MLRECO}, {"layout": "spine"}, "10 columns"),
        ({"cluster_label": MLRECO[0]}, {}, "instead of rows of numbers"),
        ({"cluster_label": MLRECO.astype("S4")}, {}, "instead of rows of numbers"),
        ({"cluster_label": MLRECO[::-1]}, {}, "numbers of events in column 3 fall"),
        ({"cluster_label": changed(1, 3, np.nan)}, {}, "numbers of events in column 3 fall"),
        ({"cluster_label": MLRECO[:0]}, {}, "no events"),
        ({"cluster_label": changed(1, 4, np.nan)}, {}, "1 energies of voxels are not finite"),
        ({"cluster_label": changed(1, 4, -2)}, {}, "1 energies of voxels are negative"),
        ({"cluster_label": changed(1, 0, 800)}, {}, "1 voxels are outside of the grid"),
        ({"cluster_label": changed(1, 0, -1)}, {}, "1 voxels are outside of the grid"),
        ({"cluster_label": changed(1, 0, 0.5)}, {}, "1 voxels are at no whole number"),
        ({"cluster_label": changed(1, 9, 7)}, {}, "semantic of no class, such as 7"),
        ({"cluster_label": changed(1, 2, 2)}, {"duplicates": "refuse"}, "1 of 4 voxels are listed"),
        ({"cluster_label": MLRECO, "coord_label": POINTS[:, 1:]}, {}, "8 columns instead of 9"),
        ({"cluster_label": MLRECO[:3], "coord_label": POINTS}, {}, "points of events that have no"),
        ({"cluster_label": MLRECO}, {"scheme": "hip-mip"}, "needs the kinds of particles"),
    ],
)
def test_bad_files_are_refused(
    tmp_path: Path, arrays: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "tensors.h5", **arrays)
    with pytest.raises(DataError, match=message) as caught:
        opened(path, **options)
    assert "tensors.h5" in caught.value.where
    assert caught.value.remedy


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", cluster_label=np.tile(MLRECO[:1], (1000, 1)))
    whole = path.read_bytes()
    for kept in (0, 200, len(whole) // 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match="truncated, damaged or no HDF5"):
            opened(path)


def test_arrays_that_were_never_written_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("cluster_label", (10**9, 10), "f4", chunks=(1000, 10))
    with pytest.raises(DataError, match="0 bytes are stored"):
        opened(path)


def test_files_with_other_columns_do_not_mix(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", cluster_label=MLRECO)
    write(tmp_path / "b.h5", cluster_label=SPINE)
    with pytest.raises(DataError, match="files with different columns"):
        opened(tmp_path)
