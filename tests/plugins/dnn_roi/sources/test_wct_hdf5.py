"""Pairs of HDF5 files: what is read, and what is refused. All files are written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

from zoo.api import ConfigError, DataError, Table
from zoo.data.checks import check_source
from zoo.data.convert import convert_file
from zoo_dnn_roi.sources.wct_hdf5 import WctHdf5
from zoo_dnn_roi.sources.wirecell_config import WctHdf5Config
from zoo_dnn_roi.specs import SAMPLE

FIELDS = frozenset(
    {"loose_lf", "tight_lf", "decon_charge", "gauss", "mp2", "mp3", "traditional", "truth", "plane"}
)
Open = Callable[..., WctHdf5]


@pytest.fixture
def source(tmp_path: Path, wct: ModuleType) -> Open:
    """Opens files of the invented detector."""
    detector = str(wct.geometry(tmp_path))

    def opened(path: Path, **options: Any) -> WctHdf5:
        return WctHdf5(WctHdf5Config.model_validate({"detector": detector} | options), path)

    return opened


def first(source: WctHdf5, fields: frozenset[str] = FIELDS) -> Table:
    block = source.blocks()[0]
    return source.read(block, slice(0, block.rows), fields)


@pytest.mark.parametrize("tick_first", [True, False])
@pytest.mark.parametrize("truth", ["deposplat", "ductor"])
def test_planes_are_what_was_written(
    tmp_path: Path, wct: ModuleType, source: Open, tick_first: bool, truth: str
) -> None:
    order = np.random.default_rng(1).permutation(sum(wct.PLANES))
    path = wct.write_pair(tmp_path, tick_first=tick_first, truth=truth, order=order)
    found = source(path)
    assert found.fields == FIELDS
    table, written = first(found), wct.event(100)
    a, b = slice(0, 24), slice(24, 48)
    for field, tag in (("loose_lf", "loose_lf"), ("gauss", "gauss"), ("truth", "deposplat")):
        assert table[field].dtype == np.float32
        np.testing.assert_array_equal(table[field], np.stack([written[tag][a], written[tag][b]]))
    for field, tag in (("mp2", "mp2_roi"), ("mp3", "mp3_roi"), ("traditional", "extend_roi")):
        assert table[field].dtype == np.uint8
        np.testing.assert_array_equal(table[field][1], written[tag][b] / 4000)
    assert table["plane"].tolist() == [0, 1]


def test_the_core_finds_nothing_wrong(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    assert check_source(source(wct.write_pair(tmp_path)), SAMPLE).findings == ()


def test_a_block_is_a_readout_and_a_group_an_event(
    tmp_path: Path, wct: ModuleType, source: Open
) -> None:
    wct.write_pair(tmp_path, "1", anodes=(0, 3))
    wct.write_pair(tmp_path, "2", anodes=(0, 3))
    found = source(tmp_path)
    blocks = found.blocks()
    assert [block.rows for block in blocks] == [2] * 8
    assert len({block.key for block in blocks}) == 8
    assert len({block.group for block in blocks}) == 4
    assert len({block.group for block in blocks[:4]}) == 2
    ids = np.concatenate([found.read(b, slice(0, 2), frozenset()).ids for b in blocks])
    # Both pairs have the same content, hence the same bytes and ids.
    assert len(set(ids.tolist())) == 8


def test_ids_do_not_depend_on_the_planes(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    both, alone = first(source(path)), first(source(path, planes=["B"]))
    assert alone.ids.tolist() == both.ids[1:].tolist()
    np.testing.assert_array_equal(alone["loose_lf"][0], both["loose_lf"][1])
    assert alone["plane"].tolist() == [1]


def test_only_wanted_fields_are_read(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    with h5py.File(path, "r+") as file:
        file["100/frame_gauss0"][0, 0] = np.nan
    assert set(first(source(path), frozenset({"loose_lf", "mp2"}))) == {"id", "loose_lf", "mp2"}
    with pytest.raises(DataError, match=r"not finite") as caught:
        first(source(path))
    assert "event 100, anode 0, gauss" in caught.value.where


def test_crops_of_wires_and_ticks(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    toml = tmp_path / "invented.toml"
    text = toml.read_text().replace("tick_ns = 400.0", "tick_ns = 400.0\nticks = [10, 200]")
    toml.write_text(text.replace("[24, 48]", "[24, 48]\ncrop = [4, 20]"))
    with pytest.raises(ConfigError, match="planes of different size"):
        source(path)
    found = source(path, planes=["B"])
    np.testing.assert_array_equal(
        first(found)["loose_lf"][0], wct.event(100)["loose_lf"][28:44, 10:200]
    )
    assert found.facts["readout"] == {"wires": {"B": 16}, "ticks": 190}
    with pytest.raises(ConfigError, match="no induction plane 'C'"):
        source(path, planes=["C"])


def test_numbers_of_events(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    for offset in (0, 100):
        path = wct.write_pair(tmp_path, offset=offset)
        np.testing.assert_array_equal(
            first(source(path))["truth"][0], wct.event(100)["deposplat"][:24]
        )
    path = wct.write_pair(tmp_path, offset=99)
    with pytest.raises(DataError, match=r"pair mismatch: events 100, 101 .*, 1, 2 of truth"):
        source(path)
    assert len(source(path, event_offset=99).blocks()) == 2
    with pytest.raises(DataError, match="pair mismatch"):
        source(path, event_offset=100)


def test_a_missing_event_is_refused(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    with h5py.File(tmp_path / "g4-tru-1.h5", "r+") as file:
        del file["1"]
    with pytest.raises(DataError, match="pair mismatch"):
        source(path)


def test_pairs_of_files(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    wct.write_pair(tmp_path, "crp1-100-20250314T150926Z", [100])
    (tmp_path / "g4-tru-crp1-100-20250314T150926Z.h5").rename(
        tmp_path / "g4-tru-crp1-100-20250314T151007Z.h5"
    )
    assert len(source(tmp_path).blocks()) == 1
    wct.write_pair(tmp_path, "crp1-100-20250401T000000Z", [100])
    with pytest.raises(DataError, match="pair mismatch: no g4-tru-crp1"):
        source(tmp_path)


def test_files_without_partner(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    wct.write_pair(tmp_path)
    (tmp_path / "g4-rec-1.h5").rename(tmp_path / "g4-rec-2.h5")
    with pytest.raises(DataError, match=r"pair mismatch: no g4-tru-2\.h5"):
        source(tmp_path)
    blind = source(tmp_path, truth="none")
    assert blind.fields == FIELDS - {"truth"}
    wct.write_pair(tmp_path, "2")
    with pytest.raises(DataError, match="pair mismatch: 0 files") as caught:
        source(tmp_path)
    assert caught.value.where.endswith("g4-tru-1.h5")
    with pytest.raises(DataError, match="no such file"):
        source(tmp_path / "g4-rec-9.h5")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no g4-rec-\*.h5"):
        source(tmp_path / "empty")


def edit(path: Path, name: str, array: np.ndarray[Any, Any] | None) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if array is not None:
            file[name] = array


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("101/frame_mp2_roi0", None, "missing tag: mp2_roi"),
        ("100/channels_gauss0", None, "has no channels"),
        ("100/tickinfo_gauss0", None, "no tickinfo_gauss0"),
        ("100/tickinfo_gauss0", np.zeros(2), "tickinfo of shape"),
        ("100/tickinfo_gauss0", np.array([0.0, 500.0, 0.0]), "ticks of 500 ns"),
        ("100/frame_gauss0", np.zeros((210, 79), np.float32), "no axis of"),
        ("100/frame_gauss0", np.zeros((80, 80), np.float32), "both axes of"),
        ("100/frame_gauss0", np.zeros((200, 80), np.float32), "unequal ticks: 200"),
        ("100/frame_gauss0", np.full((210, 80), np.inf, np.float32), "not finite"),
        ("100/frame_gauss0", np.full((210, 80), b"x"), "instead of numbers"),
        ("100/frame_mp2_roi0", np.full((210, 80), 0.5, np.float32), "other than 0 and 4000"),
        ("100/channels_gauss0", np.arange(1, 81), "wrong channel map"),
        ("100/channels_gauss0", np.arange(80) // 2, "wrong channel map"),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path,
    wct: ModuleType,
    source: Open,
    *,
    name: str,
    array: np.ndarray[Any, Any] | None,
    match: str,
) -> None:
    path = wct.write_pair(tmp_path)
    edit(path, name, array)
    with pytest.raises(DataError, match=match) as caught:
        first(source(path))
    assert str(tmp_path) in caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("0/frame_deposplat0", None, "pair mismatch: events 100, 101 of frames, 1 of truth"),
        ("0/frame_deposplat0", np.zeros((209, 80), np.float32), "unequal ticks: 209"),
        ("0/tickinfo_deposplat0", np.array([0.0, 400.0, 7.0]), "truth begins at tick 7"),
        ("0/frame_deposplat0", np.full((210, 80), np.nan, np.float32), "not finite"),
    ],
)
def test_a_damaged_truth_is_refused(
    tmp_path: Path,
    wct: ModuleType,
    source: Open,
    *,
    name: str,
    array: np.ndarray[Any, Any] | None,
    match: str,
) -> None:
    """Also by a conversion, which must not take damage for a field that is absent."""
    path = wct.write_pair(tmp_path)
    edit(tmp_path / "g4-tru-1.h5", name, array)
    with pytest.raises(DataError, match=match):
        convert_file(source(path), SAMPLE, tmp_path / "out.h5", task="dnn-roi", about={})
    assert not (tmp_path / "out.h5").exists()


def test_two_truths_need_a_choice(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    with h5py.File(tmp_path / "g4-tru-1.h5", "r+") as file:
        for event in file.values():
            for kind in ("frame", "channels", "tickinfo"):
                event[f"{kind}_ductor0"] = event[f"{kind}_deposplat0"][...]
    with pytest.raises(DataError, match="one truth is needed"):
        source(path)
    assert "truth" in source(path, truth="ductor").fields


def test_a_truth_that_is_not_there(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    with pytest.raises(DataError, match="missing tag: no frame_ductor0"):
        source(path, truth="ductor")
    wct.write_pair(tmp_path, anodes=(0, 1))
    with h5py.File(tmp_path / "g4-tru-1.h5", "r+") as file:
        del file["1/frame_deposplat1"]
    with pytest.raises(DataError, match="missing tag: no frame_deposplat1") as caught:
        source(path)
    assert caught.value.where.endswith("g4-tru-1.h5, event 1")


def test_events_of_unequal_ticks(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    wct.write_pair(tmp_path, "1")
    wct.write_pair(tmp_path, "2", sizes={"ticks": 190})
    with pytest.raises(DataError, match="unequal ticks: 190, the first readout has 210"):
        source(tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    path = wct.write_pair(tmp_path)
    whole = path.read_bytes()
    for share in (0, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DataError, match="truncated, damaged or no HDF5 file"):
            first(source(path))


def test_a_conversion_keeps_everything(tmp_path: Path, wct: ModuleType, source: Open) -> None:
    wct.write_pair(tmp_path, "1", anodes=(0, 1))
    wct.write_pair(tmp_path, "2", [103])
    found = source(tmp_path)
    file = convert_file(found, SAMPLE, tmp_path / "out.h5", task="dnn-roi", about={})
    assert file.fields == FIELDS
    assert file.facts["geometry_digest"] == found.facts["geometry_digest"]
    stored = Table.concat([file.read(b, slice(0, b.rows), FIELDS) for b in file.blocks()])
    wanted = Table.concat([found.read(b, slice(0, b.rows), FIELDS) for b in found.blocks()])
    place = np.argsort(stored.ids)[np.searchsorted(np.sort(stored.ids), wanted.ids)]
    for field in FIELDS | {"id"}:
        np.testing.assert_array_equal(stored[field][place], wanted[field])
    groups = dict(zip(stored.ids.tolist(), stored["group"].tolist(), strict=True))
    both = [groups[i] for i in wanted.ids.tolist()]
    assert len(set(both[:4])) == 1  # two anodes, two planes, one event
    assert len(set(both)) == 3
