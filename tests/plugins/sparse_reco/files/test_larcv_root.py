"""LArCV2 files: clusters decoded, products joined, the file that ROOT wrote, what is refused."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.api import DataError, UsageError
from zoo.data.checks import check_source
from zoo_sparse_reco.sources import larcv_root
from zoo_sparse_reco.sources.files_config import LarcvRootConfig
from zoo_sparse_reco.sources.larcv_root import LarcvRoot
from zoo_sparse_reco.sources.root_clusters import clusters_of
from zoo_sparse_reco.specs import SAMPLE

NO_UPROOT = "uproot is not installed: pip install 'detector-zoo[larcv]'"

# One entry as ROOT 6.40 wrote it: clusters of 1 and 2 voxels, member by member.
ENTRY = bytes.fromhex(
    "40000028 400a 0000 7a384fda"
    "00000001 0000000000000007 3f000000"
    "00000002 0000000000000008 0000000000000009 3f800000 40000000"
)
ENTRY = struct.pack(">I", 0x40000000 | (len(ENTRY) - 4)) + ENTRY[4:]


def test_clusters_are_decoded() -> None:
    content = np.frombuffer(ENTRY, np.uint8)
    sizes, numbers, values = clusters_of(content, 2, "here")
    assert sizes.tolist() == [1, 2]
    assert numbers.tolist() == [7, 8, 9]
    assert values.tolist() == [0.5, 1.0, 2.0]
    # With a version of the class there is no checksum.
    short = ENTRY[:6] + b"\0\2" + ENTRY[12:]
    short = struct.pack(">I", 0x40000000 | (len(short) - 4)) + short[4:]
    assert clusters_of(np.frombuffer(short, np.uint8), 2, "here")[1].tolist() == [7, 8, 9]
    none = clusters_of(np.frombuffer(ENTRY[:12], np.uint8), 0, "here")
    assert [len(part) for part in none] == [0, 0, 0]


@pytest.mark.parametrize(
    ("content", "clusters", "message"),
    [
        (ENTRY[:-4], 2, "bytes should follow the first 4"),
        (ENTRY[:6], 2, "6 bytes"),
        (ENTRY, 1, "28 bytes are left over"),
        (ENTRY, 3, "cluster 2 of 3 is not there"),
        (b"\x40\0\0\x0c\x40\x0a\0\0abcd\0\0\0\x05", 1, "cluster 0 should have 5 voxels"),
        (ENTRY[:4] + b"\0\x0a" + ENTRY[6:], 2, "object by object"),
    ],
)
def test_clusters_that_cannot_be_decoded(content: bytes, clusters: int, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        clusters_of(np.frombuffer(content, np.uint8), clusters, "file.root, event 4")
    assert caught.value.where == "file.root, event 4"


def packed(clusters: Any) -> np.ndarray:
    """Clusters of (number, value) as ROOT writes them."""
    body = b"\x40\x0a\0\0abcd"
    for one in clusters:
        body += struct.pack(">I", len(one))
        body += b"".join(struct.pack(">Q", number) for number, _ in one)
        body += b"".join(struct.pack(">f", value) for _, value in one)
    return np.frombuffer(struct.pack(">I", 0x40000000 | len(body)) + body, np.uint8)


class Tree(dict[str, Any]):
    """What is used of a tree of uproot: branches by path, which read runs of events."""

    name = "tree"

    @property
    def num_entries(self) -> int:
        return len(next(iter(self.values())).values)


class Branch:
    """Values of every event."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def array(self, _: Any = None, *, entry_start: int, entry_stop: int, library: str) -> Any:
        assert library == "np"
        return self.values[entry_start:entry_stop]


def jagged(rows: Any, dtype: Any = None) -> Branch:
    found = np.empty(len(rows), object)
    found[:] = [np.asarray(row, dtype) for row in rows]
    return Branch(found)


def meta(events: int, shape: Any = (4, 5, 6), low: Any = (-1.0, 0.0, 0.0)) -> dict[str, Branch]:
    found = {}
    for i, axis in enumerate("xyz"):
        found[f"b/larcv/_meta._{axis}num"] = Branch(np.full(events, shape[i], np.uint64))
        found[f"b/larcv/_meta._{axis}len"] = Branch(np.full(events, 0.3))
        found[f"b/larcv/_meta._{axis}min"] = Branch(np.full(events, low[i]))
    return found


def voxels(numbers: Any, values: Any, **options: Any) -> Tree:
    leaf = "b/larcv::VoxelSet/_voxel_v/_voxel_v."
    leaves = {f"{leaf}_id": jagged(numbers, np.uint64), f"{leaf}_value": jagged(values, np.float32)}
    return Tree({**leaves, **meta(len(numbers), **options)})


CLUSTERS = [
    [[(3, 0.2), (4, 0.3)], [(4, 0.5), (9, 1.0)], [(119, 0.1)]],
    [[(0, 1.0)]],
]


def products() -> dict[str, Tree]:
    """Two events on 4 x 5 x 6 voxels of 3 mm: a shower, a track, and what is of no particle."""
    clusters = Tree(
        {
            "b/_voxel_vv/_voxel_vv._id": jagged([[0, 1, 2], [0]], np.uint16),
            "b/_voxel_vv/_voxel_vv._voxel_v": jagged([packed(one) for one in CLUSTERS]),
            **meta(2),
        }
    )
    columns: dict[str, Any] = {
        "pdg": [[22, 2212], [13]],
        "shape": [[0, 1], [1]],
        "group_id": [[0, 65535], [0]],
        "interaction_id": [[0, 0], [5]],
        "parent_id": [[65535, 0], [0]],
        "px": [[0.0, 300.0], [100.0]],
        "py": [[0.0, 400.0], [0.0]],
        "pz": [[200.0, 0.0], [0.0]],
    }
    leaves = {f"b/_part_v/_part_v._{name}": jagged(rows) for name, rows in columns.items()}
    texts = np.empty(2, object)
    texts[:] = [np.array(["conv", "primary"], object), np.array(["primary"], object)]
    leaves["b/_part_v/_part_v._process"] = Branch(texts)
    for name, x in (("first_step", 0.0), ("last_step", -0.85), ("ancestor_vtx", -0.7)):
        for axis, value in zip("xyz", (x, 0.15, 0.45), strict=True):
            rows = [[value, 1e300], [value]]  # the second one was never set
            leaves[f"b/_part_v/_part_v._{name}._{axis}"] = jagged(rows, np.float64)
    return {
        "sparse3d_pcluster_tree": voxels([[3, 4, 9, 119], [0]], [[0.2, 0.8, 1, 0.1], [1]]),
        "sparse3d_pcluster_semantics_tree": voxels([[119, 9, 4, 3], [0]], [[4, 1, 1, 0], [1]]),
        "cluster3d_pcluster_tree": clusters,
        "particle_pcluster_tree": Tree(leaves),
    }


class File(dict[str, Any]):
    def keys(self) -> Any:  # uproot's names have cycles
        return [f"{name};1" for name in self]


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> File:
    """What uproot would open."""
    found = File(products())

    class Uproot:
        AsDtype = AsJagged = staticmethod(lambda kind: kind)

        @staticmethod
        def open(path: str) -> File:
            assert path.endswith("events.root")
            return found

    monkeypatch.setattr(larcv_root, "import_module", {"uproot": Uproot}.__getitem__)
    (tmp_path / "events.root").write_bytes(b"root")
    return found


def opened(tmp_path: Path, **options: Any) -> LarcvRoot:
    return LarcvRoot(LarcvRootConfig.model_validate(options), tmp_path / "events.root")


def read(source: LarcvRoot, fields: frozenset[str] | None = None) -> Any:
    return source.read(source.blocks()[0], slice(0, None), fields or source.fields)


def test_products_are_joined(file: File, tmp_path: Path) -> None:
    """Numbers run x fastest: 119 is the last of 4 x 5 x 6, (3, 4, 5)."""
    source = opened(tmp_path)
    table = read(source)
    places = np.stack([table[f"voxel_{axis}"][0] for axis in "xyz"], axis=1).tolist()
    assert places == [[0, 1, 0], [1, 2, 0], [3, 0, 0], [3, 4, 5]]  # 4, 9, 3, 119
    np.testing.assert_allclose(table["deposit"][0], [0.8, 1, 0.2, 0.1], rtol=1e-6)
    assert table["semantic"][0].tolist() == [1, 1, 0, 4]
    assert table["fragment"][0].tolist() == [1, 1, 0, 2]
    assert table["particle"][0].tolist() == [1, 1, 0, -1], "the last cluster is of no particle"
    assert table["pid"][0].tolist() == [4, 4, 0, -1]
    assert table["voxel_group"][0].tolist() == [-1, -1, 0, -1]
    assert table["interaction"][1].tolist() == [5]
    assert table["particle_semantic"][0].tolist() == [0, 1]
    assert table["particle_parent"][0].tolist() == [-1, 0]
    assert table["particle_primary"][0].tolist() == [0, 1]
    # 500 MeV/c of a proton: sqrt(500^2 + 938.27^2) - 938.27; of a muon with 100: 39.8.
    np.testing.assert_allclose(table["particle_energy"].values, [200, 124.9, 39.8], rtol=1e-3)
    np.testing.assert_allclose(table["particle_start"][0], [[10 / 3, 0.5, 1.5], [-1, -1, -1]])
    assert table["interaction_id"].values.tolist() == [0, 5]
    np.testing.assert_allclose(table["interaction_vertex"][0], [[1, 0.5, 1.5]], rtol=1e-6)
    # Starts of both, an end of the track; of the second particle neither is known.
    assert table["point_particle"].values.tolist() == [0, 0, 0]
    assert table["point_end"][1].tolist() == [0, 1]
    np.testing.assert_allclose(table["point_x"][1], [10 / 3, 0.5], rtol=1e-6)
    assert source.facts["grid"] | {"name": ""} == {
        "name": "",
        "shape": [4, 5, 6],
        "voxel_mm": 3.0,
        "origin_mm": [-10.0, 0.0, 0.0],
        "scheme": "spine",
    }
    assert source.facts["note"] == (
        "Of 2 events looked at: 2 points are outside of the grid or unset: dropped."
    )
    assert check_source(source, SAMPLE).findings == ()


def test_a_voxel_of_two_particles_is_of_its_class(file: File, tmp_path: Path) -> None:
    """Voxel 4: without classes of voxels the precedence decides, with them the class does."""
    without = {"semantics": ""}
    assert read(opened(tmp_path, **without))["particle"][0].tolist()[0] == 1
    order = ("shower", "track", "michel", "delta", "low-energy")
    assert read(opened(tmp_path, **without, precedence=order))["particle"][0].tolist()[0] == 0
    assert read(opened(tmp_path, precedence=order))["particle"][0].tolist()[0] == 1


def test_products_that_are_absent(file: File, tmp_path: Path) -> None:
    del file["sparse3d_pcluster_semantics_tree"], file["particle_pcluster_tree"]
    source = opened(tmp_path)
    assert source.fields == {"voxel_x", "voxel_y", "voxel_z", "deposit", "fragment", "particle"}
    assert read(source)["particle"][0].tolist() == [1, 1, 0, 2]
    del file["cluster3d_pcluster_tree"]
    assert opened(tmp_path).fields == {"voxel_x", "voxel_y", "voxel_z", "deposit"}


def test_classes_of_particles_are_those_of_their_voxels(file: File, tmp_path: Path) -> None:
    del file["particle_pcluster_tree"]["b/_part_v/_part_v._shape"]
    table = read(opened(tmp_path))
    assert table["particle_semantic"][0].tolist() == [0, 1]
    assert table["particle"][0].tolist() == [1, 1, 0, -1]


def test_only_what_is_asked_for_is_read(file: File, tmp_path: Path) -> None:
    source = opened(tmp_path)
    del file["particle_pcluster_tree"], file["cluster3d_pcluster_tree"]
    table = read(source, frozenset({"semantic"}))
    assert set(table) == {"id", "semantic"}
    with pytest.raises(DataError, match="no tree"):
        read(source, frozenset({"particle"}))


def test_bad_files_are_refused(file: File, tmp_path: Path) -> None:
    def refused(match: str, **options: Any) -> DataError:
        with pytest.raises(DataError, match=match) as caught:
            opened(tmp_path, **options)
        assert "events.root" in caught.value.where
        assert caught.value.remedy
        return caught.value

    error = refused("no tree 'sparse3d_reco_tree'", energy="reco")
    assert "sparse3d_pcluster_tree" in error.remedy
    trees = products()
    file["sparse3d_pcluster_tree"] = voxels([[3, 120], [0]], [[1, 1], [1]])
    refused(r"1 voxels are outside of the grid of \(4, 5, 6\), such as \(0, 0, 6\)")
    file["sparse3d_pcluster_tree"] = voxels([[3, 4], [0]], [[1, np.nan], [1]])
    refused("1 energies of voxels are not finite")
    file["sparse3d_pcluster_tree"] = voxels([[3, 3], [0]], [[1, 1], [1]])
    refused("1 of 3 voxels are listed again", duplicates="refuse")
    file["sparse3d_pcluster_tree"] = voxels([], [])
    refused("no events")
    file["sparse3d_pcluster_tree"] = voxels([[3], [4]], [[1], [1]])
    file["sparse3d_pcluster_tree"]["b/larcv/_meta._xnum"] = Branch(np.array([4, 5]))
    refused("grids of several sizes")
    file["sparse3d_pcluster_tree"] = voxels([[3], [4]], [[1], [1]])
    file["sparse3d_pcluster_tree"]["b/larcv/_meta._ylen"] = Branch(np.array([0.4, 0.4]))
    refused("voxels of")
    file["sparse3d_pcluster_tree"] = Tree(meta(2))
    refused("no leaf '_voxel_v/_voxel_v._id'")
    file["sparse3d_pcluster_tree"] = trees["sparse3d_pcluster_tree"]
    file["particle_pcluster_tree"]["b/_part_v/_part_v._pdg"] = jagged([[22], [13]])
    for name in [one for one in file["particle_pcluster_tree"] if not one.endswith("_pdg")]:
        del file["particle_pcluster_tree"][name]
    refused("3 clusters for 1 particles")


def test_without_uproot_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(larcv_root, "import_module", absent)
    with pytest.raises(UsageError, match="needs the package uproot") as caught:
        opened(tmp_path)
    assert "detector-zoo[larcv]" in caught.value.remedy


# Not marked as one of the real data: without the extra it is skipped where they are.
def test_a_file_that_root_wrote(real_data: Path) -> None:
    """Event e has clusters of 2, 3, ... voxels from number 1000 e + 10 c on, worth 0, 0.5, ..."""
    if importlib.util.find_spec("uproot") is None:
        pytest.skip(NO_UPROOT)
    path = real_data / "sparse-reco" / "mini_larcv2_replica.root"
    source = LarcvRoot(LarcvRootConfig(), path)
    table = read(source)
    assert table["deposit"].lengths.tolist() == [9, 14, 20, 27, 35]
    assert "semantic" not in source.fields
    for event in range(5):
        number, value, cluster = [], [], []
        for c in range(event + 3):
            number += [1000 * event + 10 * c + i for i in range(c + 2)]
            value += [0.5 * i for i in range(c + 2)]
            cluster += [c] * (c + 2)
        x, y = np.array(number) % 768, np.array(number) // 768  # x fastest; all have z = 0
        order = np.lexsort((y, x))
        assert np.array_equal(table["voxel_x"][event], x[order])
        assert np.array_equal(table["voxel_y"][event], y[order])
        assert not table["voxel_z"][event].any()
        assert np.array_equal(table["deposit"][event], np.array(value, np.float32)[order])
        assert np.array_equal(table["fragment"][event], np.array(cluster)[order])
        assert table["particle_id"][event].tolist() == list(range(event + 3))
    assert check_source(source, SAMPLE).findings == ()


def test_damaged_root_files_are_refused(real_data: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("uproot") is None:
        pytest.skip(NO_UPROOT)
    path = tmp_path / "events.root"
    whole = (real_data / "sparse-reco" / "mini_larcv2_replica.root").read_bytes()
    for kept in (0, 50, len(whole) // 2):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match="truncated, damaged or no ROOT file"):
            opened(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="no such file"):
        opened(tmp_path)
