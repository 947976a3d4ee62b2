"""LArCV3 files: a small one, the one that larcv wrote of the real event, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import DataError
from zoo.data.checks import check_source
from zoo_sparse_reco.sources.files_config import LarcvH5Config
from zoo_sparse_reco.sources.larcv_h5 import LarcvH5
from zoo_sparse_reco.specs import SAMPLE

Write = Callable[..., Path]

EXTENT = [("first", "u8"), ("N", "u4")]
VOXEL = [("id", "u8"), ("value", "f4")]
META = [("number_of_voxels", "u8", 3), ("image_sizes", "f8", 3), ("origin", "f8", 3)]
PLACE = [(axis, "f8") for axis in "xyzt"]
PARTICLE = [
    ("pdg", "i4"), ("px", "f8"), ("py", "f8"), ("pz", "f8"), ("trackid", "u4"),
    ("parent_trackid", "u4"), ("process", "S64"), ("first_step", PLACE), ("last_step", PLACE),
]  # fmt: skip

# Two events on 4 x 5 x 6 voxels, z fastest: 30 x + 6 y + z.
NUMBERS = [[0, 1, 6, 30], [119]]
VALUES = [[0.1, 0.2, 0.3, 0.4], [1.0]]
CLASSES = [[0, 1, 1, 4], [1]]
CLUSTERS = [[[], [(0, 0.1), (1, 0.05)], [(1, 0.15), (6, 0.3)]], [[(119, 1.0)]]]
PARTICLES = [(11, 9, 8, 0), (2212, 8, 0, 0), (13, 3, 99, 100)]  # pdg, track, parent, px


def extents(sizes: list[int]) -> np.ndarray:
    found = np.zeros(len(sizes), EXTENT)
    found["N"] = sizes
    found["first"] = np.cumsum(sizes) - sizes
    return found


def meta(shape: tuple[int, ...] = (4, 5, 6)) -> np.ndarray:
    found = np.zeros(2, META)
    found["number_of_voxels"] = shape
    found["image_sizes"] = 0.3 * np.array(shape)
    found["origin"] = (1, 0, 0)
    return found


@pytest.fixture
def larcv3(tmp_path: Path) -> Write:
    """Writes LArCV3: datasets by path under ``Data``, changed by what is given; ``None``: none."""

    def write(changes: dict[str, Any] | None = None, name: str = "larcv3.h5") -> Path:
        arrays: dict[str, Any] = {}
        for product, values in (("pcluster", VALUES), ("pcluster_semantics", CLASSES)):
            group = f"sparse3d_{product}_group"
            pairs = [
                pair
                for n, v in zip(NUMBERS, values, strict=True)
                for pair in zip(n, v, strict=True)
            ]
            arrays[f"{group}/extents"] = extents([1, 1])
            arrays[f"{group}/voxel_extents"] = extents([4, 1])
            arrays[f"{group}/voxels"] = np.array(pairs, VOXEL)
            arrays[f"{group}/image_meta"] = meta()
        sets = [one for event in CLUSTERS for one in event]
        group = "cluster3d_pcluster_group"
        arrays[f"{group}/extents"] = extents([1, 1])
        arrays[f"{group}/projection_extents"] = extents([len(event) for event in CLUSTERS])
        arrays[f"{group}/cluster_extents"] = extents([len(one) for one in sets])
        arrays[f"{group}/voxels"] = np.array([v for one in sets for v in one], VOXEL)
        table = np.zeros(3, PARTICLE)
        for i, member in enumerate(("pdg", "trackid", "parent_trackid", "px")):
            table[member] = [row[i] for row in PARTICLES]
        table["process"] = [b"conv\0left over", b"primary\0left over", b"primary"]
        for end, x in (("first_step", 1.45), ("last_step", 2.05)):
            table[end]["x"], table[end]["y"] = x, 0.15
        table["last_step"]["z"] = [0, np.nan, 0]
        arrays["particle_pcluster_group/extents"] = extents([2, 1])
        arrays["particle_pcluster_group/particles"] = table
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, array in {**arrays, **(changes or {})}.items():
                if array is not None:
                    file[f"Data/{key}"] = array
        return path

    return write


def opened(path: Path, **options: Any) -> LarcvH5:
    return LarcvH5(LarcvH5Config.model_validate(options), path)


def read(source: LarcvH5) -> Any:
    return source.read(source.blocks()[0], slice(0, None), source.fields)


def test_products_are_joined(larcv3: Write) -> None:
    source = opened(larcv3())
    table = read(source)
    places = np.stack([table[f"voxel_{axis}"][0] for axis in "xyz"], axis=1).tolist()
    assert places == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert [table[f"voxel_{axis}"][1][0] for axis in "xyz"] == [3, 4, 5]
    np.testing.assert_allclose(table["deposit"][0], [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
    assert table["semantic"][0].tolist() == [0, 1, 1, 4]
    # The empty first cluster is of no particle; the voxel that two have is of its class.
    assert table["particle"][0].tolist() == [0, 1, 1, -1]
    assert table["fragment"][0].tolist() == [1, 2, 2, -1]
    assert table["pid"][0].tolist() == [1, 4, 4, -1]
    assert table["particle"][1].tolist() == [0]
    assert table["particle_semantic"].values.tolist() == [0, 1, 1]
    assert table["particle_parent"].values.tolist() == [1, -1, -1]
    assert table["particle_primary"].values.tolist() == [0, 1, 1]
    np.testing.assert_allclose(table["particle_start"][0][0], [1.5, 0.5, 0], rtol=1e-6)
    assert table["particle_end"][0].tolist()[1] == [-1, -1, -1]
    assert table["point_end"][0].tolist() == [0, 0]
    assert table["point_end"][1].tolist() == [0, 1]
    assert source.facts["grid"]["voxel_mm"] == pytest.approx(3)
    assert source.facts["grid"]["origin_mm"] == [10, 0, 0]
    assert "1 points are outside of the grid or unset" in source.facts["note"]
    assert check_source(source, SAMPLE).findings == ()


def test_single_events_and_few_fields(larcv3: Write) -> None:
    path = larcv3()
    source = opened(path, rows=1)
    second = source.read(source.blocks()[1], slice(0, 1), frozenset({"deposit", "particle"}))
    assert second["deposit"].values.tolist() == [1]
    assert second["particle"].values.tolist() == [0]
    with h5py.File(path, "a") as file:
        del file["Data/cluster3d_pcluster_group/voxels"]
    assert source.read(source.blocks()[0], slice(0, 1), frozenset({"semantic"}))
    with pytest.raises(DataError, match="no such dataset"):
        source.read(source.blocks()[0], slice(0, 1), frozenset({"fragment"}))


GROUP = "sparse3d_pcluster_group"
FAR = np.array([(0, 1), (1, 1), (6, 1), (120, 1), (119, 1)], VOXEL)
NAN = np.array([(0, 1), (1, np.nan), (6, 1), (30, 1), (119, 1)], VOXEL)
TWICE = np.array([(0, 1), (1, 1), (1, 1), (30, 1), (119, 1)], VOXEL)
GAP = np.array([(0, 4), (5, 1)], EXTENT)
LARGER = meta()
LARGER["number_of_voxels"][1] = (4, 5, 7)


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"energy": "reco"}, "no product 'Data/sparse3d_reco_group'"),
        ({f"{GROUP}/voxels": FAR}, {}, r"1 voxels are outside of the grid .* \(4, 0, 0\)"),
        ({f"{GROUP}/voxels": NAN}, {}, "1 energies of voxels are not finite"),
        ({f"{GROUP}/voxels": TWICE}, {"duplicates": "refuse"}, "1 of 5 voxels are listed again"),
        ({f"{GROUP}/voxels": FAR[:2]}, {}, "fewer rows than the product tells"),
        ({f"{GROUP}/voxels": None}, {}, "no such dataset"),
        ({f"{GROUP}/voxels": np.zeros(5)}, {}, "no member id, value"),
        ({f"{GROUP}/voxel_extents": GAP}, {}, "does not follow one another"),
        ({f"{GROUP}/extents": extents([2, 0])}, {}, "several tensors of voxels"),
        ({f"{GROUP}/extents": extents([])}, {}, "no events"),
        ({f"{GROUP}/image_meta": LARGER}, {}, "grids of several sizes"),
        ({f"{GROUP}/image_meta": meta((0, 5, 6))}, {}, "grids of several sizes, or of none"),
        ({"particle_pcluster_group/extents": extents([1, 1])}, {}, "3 clusters for 1 particles"),
        ({"particle_pcluster_group/particles": np.zeros(1, PARTICLE)}, {}, "fewer rows"),
    ],
)
def test_bad_files_are_refused(
    larcv3: Write, changes: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(larcv3(changes), **options)
    assert "larcv3.h5" in caught.value.where
    assert caught.value.remedy


def test_repeated_voxels_are_merged(larcv3: Write) -> None:
    source = opened(larcv3({f"{GROUP}/voxels": TWICE}))
    assert read(source)["deposit"][0].tolist() == [1, 2, 1]
    assert "1 of 5 voxels repeat others: merged" in source.facts["note"]


def test_truncated_files_are_refused(larcv3: Write) -> None:
    path = larcv3()
    whole = path.read_bytes()
    for kept in (0, 200, len(whole) // 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match="truncated, damaged or no HDF5"):
            opened(path)


def test_files_with_different_products_do_not_mix(larcv3: Write) -> None:
    larcv3(name="a.h5")
    gone = {f"sparse3d_pcluster_semantics_group/{n}": None for n in ("extents", "voxel_extents")}
    gone |= {f"sparse3d_pcluster_semantics_group/{n}": None for n in ("voxels", "image_meta")}
    folder = larcv3(gone, name="b.h5").parent
    with pytest.raises(DataError, match="different products"):
        opened(folder)
    assert "semantic" not in opened(folder, semantics="").fields


@pytest.mark.realdata
def test_the_file_that_larcv_wrote_is_the_real_event(real_data: Path) -> None:
    """PILArNet-M's event 7675 and its tracks, written by larcv 3.5.1."""
    folder = real_data / "sparse-reco" / "pilarnet"
    source = opened(folder / "larcv3_written_by_larcv_3.5.1.h5", unit_mm=3)
    table = read(source)
    with np.load(folder / "pilarnet_m_test_event7675.npz", allow_pickle=False) as kept:
        event = {name: kept[name] for name in kept.files}
    rows = np.lexsort(event["voxel"].T[::-1])
    assert table["deposit"].lengths.tolist() == [1390, 706]
    for axis in range(3):
        assert np.array_equal(table[f"voxel_{'xyz'[axis]}"][0], event["voxel"][rows, axis])
    assert np.array_equal(table["deposit"][0], event["energy_mev"][rows])
    assert np.array_equal(table["semantic"][0], event["segment_motif"][rows])
    assert np.array_equal(table["particle"][0], event["instance_particle"][rows])
    known = event["instance_particle"][rows] >= 0
    assert np.array_equal(table["pid"][0][known], event["segment_pid"][rows][known])
    track = event["segment_motif"][rows] == 1
    assert np.array_equal(table["deposit"][1], event["energy_mev"][rows][track])
    assert not len(table["point_x"].values), "places that were never set are no points"
    assert source.facts["grid"]["shape"] == [768, 768, 768]
    assert source.facts["grid"]["voxel_mm"] == 3
    assert check_source(source, SAMPLE).findings == ()
