"""PILArNet-M: what is read of small files, of the real event, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import DataError, Table
from zoo.data.checks import check_source
from zoo.data.convert import convert_file
from zoo.data.reader import read_block
from zoo_sparse_reco.sources.files_config import PilarnetConfig
from zoo_sparse_reco.sources.pilarnet import Pilarnet
from zoo_sparse_reco.specs import SAMPLE

Write = Callable[..., Path]


def opened(path: Path, **options: Any) -> Pilarnet:
    return Pilarnet(PilarnetConfig.model_validate(options), path)


def read(source: Pilarnet, fields: frozenset[str] | None = None) -> Any:
    return source.read(source.blocks()[0], slice(0, None), fields or source.fields)


def test_voxels_rise_and_carry_their_labels(pilarnet: Write) -> None:
    source = opened(pilarnet())
    table = read(source)
    places = np.stack([table[f"voxel_{axis}"][0] for axis in "xyz"], axis=1)
    assert places.tolist() == [[1, 2, 3], [1, 2, 4], [5, 5, 5], [8, 0, 0], [9, 0, 0]]
    np.testing.assert_allclose(table["deposit"][0], [0.3, 0.4, 0.1, 1.0, 2.0], rtol=1e-6)
    assert table["semantic"][0].tolist() == [1, 1, 4, 0, 0]
    assert table["fragment"][0].tolist() == [3, 3, -1, 4, 5]
    assert table["voxel_group"][0].tolist() == [3, 3, -1, 4, 4]
    assert table["particle"][0].tolist() == [3, 3, -1, 4, 4]
    assert table["interaction"][1].tolist() == [7, 7]
    assert table["pid"][0].tolist() == [4, 4, -1, 0, 0]
    # A group is described by the cluster with its number: 4, not 5.
    assert table["particle_id"][0].tolist() == [3, 4]
    assert table["particle_pid"][0].tolist() == [4, 0]
    assert table["particle_semantic"][0].tolist() == [1, 0]
    assert table["particle_interaction"][1].tolist() == [7]
    assert check_source(source, SAMPLE).findings == ()
    assert source.facts["grid"]["shape"] == [768, 768, 768]
    assert source.facts["grid"]["voxel_mm"] == 3
    assert "note" not in source.facts


def test_a_group_without_its_own_cluster_is_its_largest(pilarnet: Write) -> None:
    clusters = [
        [(1, 8, 2, 0, 0, 0), (2, 9, 2, 0, 0, 1), (2, -1, -1, -1, 4, -1)],
        [(2, 0, 0, 7, 1, 2)],
    ]
    table = read(opened(pilarnet(clusters=clusters)))
    assert table["particle_id"][0].tolist() == [2]
    assert table["particle_pid"][0].tolist() == [1]


def test_only_what_is_asked_for_is_read(pilarnet: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    source = opened(pilarnet())
    seen: list[str] = []
    get = h5py.Group.get

    def noted(self: h5py.Group, name: str, *more: Any) -> Any:
        seen.append(name)
        return get(self, name, *more)

    monkeypatch.setattr(h5py.Group, "get", noted)
    table = source.read(source.blocks()[0], slice(1, 2), frozenset({"particle_id"}))
    assert set(table) == {"id", "particle_id"}
    assert set(seen) == {"point", "cluster"}
    ids = source.read(source.blocks()[0], slice(0, 2), frozenset())["id"]
    assert ids[1] == table["id"][0]
    other = opened(source.path, rows=1, energy="deposit")
    assert [block.rows for block in other.blocks()] == [1, 1]
    second = other.read(other.blocks()[1], slice(0, 1), frozenset({"deposit"}))
    assert second["id"].tolist() == [ids[1]]
    np.testing.assert_allclose(second["deposit"][0], [1.2, 1.0], rtol=1e-6)
    with pytest.raises(DataError, match="it has no point_x"):
        source.read(source.blocks()[0], slice(0, 1), frozenset({"point_x"}))


def test_version_1_has_no_kinds(pilarnet: Write) -> None:
    path = pilarnet(width=5)
    source = opened(path)
    assert "pid" not in source.fields
    assert read(source)["semantic"][0].tolist() == [1, 1, 4, 0, 0]
    with pytest.raises(DataError, match="'hip-mip' needs the kinds of particles"):
        opened(path, scheme="hip-mip")


def test_hip_mip_tells_protons_from_other_tracks(pilarnet: Write) -> None:
    source = opened(pilarnet(), scheme="hip-mip")
    table = read(source)
    assert table["semantic"][0].tolist() == [0, 0, 2, 2, 2]  # low energy counts as shower
    assert table["semantic"][1].tolist() == [1, 1]
    assert table["particle_semantic"].values.tolist() == [0, 2, 1]
    assert source.facts["grid"]["scheme"] == "hip-mip"


@pytest.mark.parametrize("width", [5, 6, 9, 11])
def test_extra_truth_of_every_width(pilarnet: Write, width: int) -> None:
    """A proton of 1 GeV/c has 433 MeV: sqrt(1000^2 + 938.27^2) - 938.27."""
    rows = np.full((4, width), -1.0)
    rows[1, :5] = [938.272, 1.0, 30, 40, 50.5]
    rows[2:, :5] = [0, 0.2, 30, 40, 50.5]
    if width > 5:
        rows[1:, 5] = [1, 0, 1]
    source = opened(pilarnet(cluster_extra=[rows, np.full((1, width), -1.0)]))
    table = read(source)
    assert table["interaction_id"].values.tolist() == [0, 7]
    np.testing.assert_allclose(table["interaction_vertex"].values, [[30, 40, 50.5], [-1, -1, -1]])
    assert ("particle_energy" in table) == (width in (6, 11))
    if width in (6, 11):
        np.testing.assert_allclose(table["particle_energy"].values, [432.95, 200, 0], rtol=1e-4)
        assert table["particle_primary"].values.tolist() == [1, 1, -1]
    assert check_source(source, SAMPLE).findings == ()


def test_listed_interactions_come_before_the_clusters(pilarnet: Write) -> None:
    source = opened(pilarnet(interaction_extra=[[(0, 1.5, 2.5, 3.5)], [(7, -1, -1, -1)]]))
    table = read(source)
    assert table["interaction_vertex"].values.tolist() == [[1.5, 2.5, 3.5], [-1, -1, -1]]


def test_repeated_voxels_are_merged_by_precedence(pilarnet: Write) -> None:
    """The track comes before the shower whatever it left; of one class the larger one."""
    places = [[(5, 5, 5), (1, 1, 1), (2, 2, 2), (1, 1, 1), (2, 2, 2)], [(0, 0, 1), (0, 0, 0)]]
    path = pilarnet(places=places)
    source = opened(path)
    table = read(source)
    np.testing.assert_allclose(table["deposit"][0], [2.4, 1.3, 0.1], rtol=1e-6)
    assert table["semantic"][0].tolist() == [1, 1, 4]
    assert table["fragment"][0].tolist() == [3, 3, -1]
    assert source.facts["note"] == ("Of 2 events looked at: 2 of 7 voxels repeat others: merged.")
    order = ("shower", "michel", "track", "delta", "low-energy")
    assert read(opened(path, precedence=order))["semantic"][0].tolist() == [0, 0, 4]
    clusters = [[(1, 6, 6, 0, 1, 4), (4, 3, 3, 0, 1, 4)], [(2, 0, 0, 7, 1, 2)]]
    energies = [[0.1, 0.4, 0.3, 2.0, 1.0], [0.5, 0.6]]
    places[0][1] = (5, 5, 5)
    table = read(opened(pilarnet(places=places, clusters=clusters, energies=energies)))
    assert table["fragment"][0].tolist() == [3, 3, 3]
    with pytest.raises(DataError, match="2 of 7 voxels are listed again"):
        opened(path, duplicates="refuse")


NAN = [[0.1, float("nan"), 0.3, 2.0, 1.0], [0.5, 0.6]]
FAR = [[(5, 5, 5), (1, 2, 768), (1, 2, 3), (9, 0, 0), (8, 0, 0)], [(0, 0, 1), (0, 0, 0)]]
HALF = [[(5, 5, 5), (1, 2, 4.5), (1, 2, 3), (9, 0, 0), (8, 0, 0)], [(0, 0, 1), (0, 0, 0)]]
NINE = [[(1, -1, -1, -1, 9, -1), (4, 3, 3, 0, 1, 4)], [(2, 0, 0, 7, 1, 2)]]
SHORT = [[(1, -1, -1, -1, 4, -1), (2, 3, 3, 0, 1, 4)], [(2, 0, 0, 7, 1, 2)]]
NONE: Any = [[], []]


@pytest.mark.parametrize(
    ("written", "options", "message"),
    [
        ({"energies": NAN}, {}, "1 energies of voxels are not finite"),
        ({"energies": [[-1, 1, 1, 1, 1], [1, 1]]}, {}, "1 energies of voxels are negative"),
        ({"places": FAR}, {}, r"1 voxels are outside of the grid of \(768, 768, 768\), such as"),
        ({"places": HALF}, {}, "1 voxels are at no whole number, such as 4.5"),
        ({}, {"shape": [8, 8, 8]}, "2 voxels are outside of the grid"),
        ({"clusters": NINE}, {}, "semantic of no class, such as 9"),
        ({"clusters": SHORT}, {}, "'cluster' does not fit 'point'"),
        ({"cluster": None}, {}, "no such dataset"),
        ({"point": None}, {}, "no such dataset"),
        ({"point": [np.zeros(7), np.zeros(16)]}, {}, "has 7 numbers, no multiple of 8"),
        ({"cluster": [np.zeros(6), np.zeros(6)]}, {}, "no event whose clusters"),
        ({"cluster_extra": [np.zeros(4 * 7), np.zeros(7)]}, {}, "7 numbers for each cluster"),
        ({"cluster_extra": [np.zeros(4 * 6), np.zeros(12)]}, {}, "'cluster_extra' does not fit"),
        ({"cluster_extra": [np.zeros(4 * 6)]}, {}, "'cluster_extra' does not fit 'point'"),
        ({"places": [], "energies": [], "clusters": []}, {}, "no event"),
        ({"places": [FAR[1], []], "energies": [[1, 1], []], "clusters": [SHORT[1], []]}, {},
         "1 of the 2 events looked at have no voxel"),
    ],
)  # fmt: skip
def test_bad_files_are_refused(
    pilarnet: Write, written: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(pilarnet(**written), **options)
    assert "generic_v2_2_v2.h5" in caught.value.where
    assert caught.value.remedy


def test_voxels_outside_are_dropped_on_request(pilarnet: Write) -> None:
    source = opened(pilarnet(places=FAR), outside="drop")
    assert read(source)["deposit"].lengths.tolist() == [4, 2]
    assert "1 of 7 voxels are outside of the grid: dropped" in source.facts["note"]


def test_truncated_files_and_others_are_refused(pilarnet: Write, tmp_path: Path) -> None:
    path = pilarnet()
    whole = path.read_bytes()
    for kept in (0, 100, len(whole) // 2, len(whole) - 100):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError, match="truncated, damaged or no HDF5"):
            opened(path)
    path.write_bytes(whole)
    with pytest.raises(DataError, match="no such file"):
        opened(tmp_path / "absent.h5")
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(DataError, match=r"no \.h5 or \.hdf5 file"):
        opened(folder)
    with h5py.File(path, "a") as file:
        del file["point"]
        file["point"] = np.zeros((2, 8), np.float32)
    with pytest.raises(DataError, match="instead of lists of numbers"):
        opened(path)


def test_wrong_types_are_refused(pilarnet: Write) -> None:
    path = pilarnet()
    with h5py.File(path, "a") as file:
        del file["cluster"]
        file.create_dataset("cluster", data=[b"a", b"b"], dtype=h5py.string_dtype())
    with pytest.raises(DataError, match="instead of lists of numbers"):
        opened(path)


def test_versions_do_not_mix(pilarnet: Write) -> None:
    pilarnet(width=5, name="a.h5")
    with pytest.raises(DataError, match="files of several versions"):
        opened(pilarnet(name="b.h5").parent)


def test_sizes_beside_a_file_must_be_its_own(pilarnet: Write) -> None:
    path = pilarnet()
    beside = path.with_name("generic_v2_2_v2_points.npy")
    np.save(beside, np.array([5, 2]))
    opened(path)
    np.save(beside, np.array([5, 2, 1]))
    with pytest.raises(DataError, match="sizes of 3 events beside a file of 2"):
        opened(path)


class Bomb:
    """Tells if it was ever unpickled."""

    went_off = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Bomb, "went_off", True)


def test_nothing_is_unpickled(pilarnet: Write) -> None:
    path = pilarnet()
    beside = path.with_name("generic_v2_2_v2_points.npy")
    np.save(beside, np.array([Bomb(), Bomb()], object), allow_pickle=True)
    with pytest.raises(DataError, match="no array of numbers"):
        opened(path)
    assert not Bomb.went_off
    sources = Path(__file__).parents[4] / "plugins" / "zoo_sparse_reco"
    for text in (file.read_text() for file in sources.rglob("*.py")):
        assert "allow_pickle=True" not in text
        assert "import pickle" not in text


@pytest.mark.realdata
def test_the_numbers_of_the_real_event_come_back(real_data: Path, pilarnet: Write) -> None:
    """1,390 voxels of PILArNet-M's test event 7675: 571 shower, 706 track, 113 low energy."""
    where = real_data / "sparse-reco" / "pilarnet" / "pilarnet_m_test_event7675.npz"
    with np.load(where, allow_pickle=False) as kept:
        event = {name: kept[name] for name in kept.files}
    order = np.argsort(event["instance_particle"], kind="stable")
    _, first, size = np.unique(
        event["instance_particle"][order], return_index=True, return_counts=True
    )
    clusters = []
    for begin, voxels in zip(order[first], size, strict=True):
        number = event["instance_particle"][begin]
        pid = event["segment_pid"][begin] if number >= 0 else -1  # 5 is "none" there
        clusters.append(
            (voxels, number, number, min(number, 0), event["segment_motif"][begin], pid)
        )
    path = pilarnet(
        places=[event["voxel"][order]], energies=[event["energy_mev"][order]], clusters=[clusters]
    )
    source = opened(path)
    table = read(source)
    assert table["deposit"].lengths.tolist() == [1390]
    assert np.unique(table["semantic"][0], return_counts=True)[1].tolist() == [571, 706, 113]
    assert np.unique(table["pid"][0], return_counts=True)[1].tolist() == [
        113,
        16,
        555,
        204,
        454,
        48,
    ]
    rows = np.lexsort(event["voxel"].T[::-1])
    for axis in range(3):
        assert np.array_equal(table[f"voxel_{'xyz'[axis]}"][0], event["voxel"][rows, axis])
    assert np.array_equal(table["deposit"][0], event["energy_mev"][rows])
    assert np.array_equal(table["semantic"][0], event["segment_motif"][rows])
    assert np.array_equal(table["particle"][0], event["instance_particle"][rows])
    assert check_source(source, SAMPLE).findings == ()


def test_files_are_converted(pilarnet: Write, tmp_path: Path) -> None:
    source = opened(pilarnet(), rows=1)
    out = tmp_path / "ours.h5"
    file = convert_file(source, SAMPLE, out, task="sparse-semantic", about={})
    assert file.facts == source.facts
    first, again = (
        Table.concat([read_block(one, block, source.fields) for block in one.blocks()])
        for one in (source, file)
    )
    assert np.array_equal(first.ids, again.ids)
    for name in source.fields:
        assert np.array_equal(first[name].values, again[name].values)
        assert np.array_equal(first[name].offsets, again[name].offsets)
        assert first[name].values.dtype == again[name].values.dtype
