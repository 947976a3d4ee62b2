from __future__ import annotations

import copy
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tiny_plugin import SAMPLE, Toy, ToyConfig

from zoo.contract.specs import Field
from zoo.contract.table import Ragged, Table
from zoo.data.keys import combine
from zoo.data.store import TableFile
from zoo.data.workers import quiet_fork
from zoo.data.writer import TableWriter
from zoo.errors import DataError, PluginError, UsageError

FIELDS = frozenset({"image", "mask", "hits", "label"})
FACTS = {"map": {"x": np.arange(6.0).reshape(2, 3), "name": "a"}, "list": [1, np.arange(2)]}


def toy(first: int, events: int = 3) -> Table:
    keys = combine(9, np.arange(first, first + events))
    return Toy(ToyConfig()).simulate(keys, FIELDS)


def write(path: Path, tables: list[Table], **changes: Any) -> TableFile:
    options: dict[str, Any] = {"facts": FACTS, "task": "tiny", "block_rows": 6, **changes}
    with TableWriter(path, SAMPLE, **options) as writer:
        for table in tables:
            writer.append(table)
    return TableFile(path)


def assert_equal(found: Table, expected: Table) -> None:
    assert set(found) - {"group"} == set(expected) - {"group"}
    for name in expected:
        one, other = found[name], expected[name]
        if isinstance(other, Ragged):
            np.testing.assert_array_equal(one.offsets, other.offsets)
            one, other = one.values, other.values
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_what_is_written_is_read(tmp_path: Path):
    tables = [toy(0), toy(3), toy(6, 1)]
    file = write(tmp_path / "a.h5", tables, about={"command": "x"})
    assert [block.rows for block in file.blocks()] == [6, 6, 2]
    assert (file.task, file.rows, file.about) == ("tiny", 14, {"command": "x"})
    assert file.fields == FIELDS
    for block, table in zip(file.blocks(), tables, strict=True):
        assert_equal(file.read(block, slice(None), FIELDS), table)
    second = file.blocks()[1]
    part = file.read(second, slice(1, 3), frozenset({"hits"}))
    assert_equal(part, tables[1].select(["hits"]).take(slice(1, 3)))
    np.testing.assert_array_equal(file.facts["map"]["x"], FACTS["map"]["x"])  # type: ignore[index]
    assert file.facts["map"]["name"] == "a"
    assert file.facts["list"][0] == 1
    assert file.specs_found["image"].unit == "e-"
    assert file.specs_found["hits"].dims == ("hit", 3)
    assert file.specs_found["hits"].ragged
    assert file.verify() == []


def test_equal_offsets_are_one_array(tmp_path: Path):
    """So that rows of all columns of hits are taken with one look-up."""
    specs = {n: Field(dims=("n",), dtype="uint8", meaning="", ragged=True) for n in "abc"}
    values = np.arange(4, dtype=np.uint8)
    offsets, others = np.asarray([0, 1, 4]), np.asarray([0, 2, 4])
    columns = {
        "a": Ragged(values, offsets),
        "b": Ragged(values, others),
        "c": Ragged(values[::-1].copy(), offsets.copy()),
    }
    table = Table({"id": np.arange(2, dtype=np.uint64), **columns})
    with TableWriter(tmp_path / "a.h5", specs, facts={}, task="t", block_rows=2) as writer:
        writer.append(table)
    file = TableFile(tmp_path / "a.h5")
    found = file.read(file.blocks()[0], slice(None), frozenset("abc"))
    assert_equal(found, table)
    assert found["a"].offsets is found["c"].offsets
    assert found["a"].offsets is not found["b"].offsets


def test_a_copy_opens_the_file_anew(tmp_path: Path):
    file = write(tmp_path / "a.h5", [toy(0)])
    (block,) = file.blocks()
    expected = file.read(block, slice(None), FIELDS)  # open from here on
    other = copy.copy(file)  # as sent to another process
    assert file._handle is not None
    file._handle[1].close()
    assert_equal(other.read(block, slice(None), FIELDS), expected)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=4),
    hnp.scalar_dtypes().filter(lambda d: d.kind in "biuf" and d.itemsize <= 8 and d.isnative),
    st.integers(1, 5),
)
def test_any_ragged_table_survives(
    tmp_path_factory: pytest.TempPathFactory,
    blocks: list[list[int]],
    dtype: np.dtype[Any],
    block_rows: int,
):
    specs = {"r": Field(dims=("n", 2), dtype=dtype.name, meaning="", ragged=True)}
    path = tmp_path_factory.mktemp("ragged") / "r.h5"
    tables, start = [], 0
    for number, lengths in enumerate(blocks):
        rng = np.random.default_rng(number)
        rows = [rng.integers(0, 2, (length, 2)).astype(dtype) for length in lengths]
        ids = np.arange(start, start + len(rows), dtype=np.uint64)
        tables.append(Table({"id": ids, "r": Ragged.of(rows)}))
        start += len(rows)
    with TableWriter(path, specs, facts={}, task="t", block_rows=block_rows) as writer:
        for table in tables:
            writer.append(table)
    file = TableFile(path)
    for block, table in zip(file.blocks(), tables, strict=True):
        assert_equal(file.read(block, slice(None), frozenset({"r"})), table)


def test_joined_parts_equal_one_file(tmp_path: Path):
    tables = [toy(0), toy(3), toy(6, 1), toy(7)]
    whole = write(tmp_path / "whole.h5", tables)
    write(tmp_path / "1.h5", tables[:2])
    write(tmp_path / "2.h5", tables[2:3])
    write(tmp_path / "3.h5", tables[3:])
    with TableWriter(tmp_path / "j.h5", SAMPLE, facts=FACTS, task="tiny", block_rows=6) as writer:
        for number in (1, 2, 3):
            writer.append_file(tmp_path / f"{number}.h5")
    joined = TableFile(tmp_path / "j.h5")
    assert joined.digest == whole.digest
    assert joined.verify() == []


def test_equal_content_gives_equal_files_and_other_content_another_digest(tmp_path: Path):
    one = write(tmp_path / "1.h5", [toy(0), toy(3)])
    others = [
        Table({name: table[name] for name in reversed(list(table))}) for table in (toy(0), toy(3))
    ]
    write(tmp_path / "2.h5", others)  # other order of columns
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()
    assert one.digest != write(tmp_path / "3.h5", [toy(0), toy(4)]).digest
    assert one.digest != write(tmp_path / "4.h5", [toy(0), toy(3)], facts={"a": 1}).digest


def test_large_group_in_several_blocks_is_one_group(tmp_path: Path):
    table = toy(0)
    one = table.with_columns({"group": np.full(6, 5, np.uint64)})
    two = toy(3).with_columns({"group": np.full(6, 5, np.uint64)})
    assert len({block.group for block in write(tmp_path / "a.h5", [one, two]).blocks()}) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.zeros(6, np.int64)}, "it has dtype int64, the task declares int16"),
        ({"image": np.zeros((6, 8), np.float32)}, r"a row has shape \(8,\)"),
        ({"hits": np.zeros((6, 3), np.float32)}, "the column is not ragged"),
        ({"imgae": np.zeros(6)}, "declares no such field"),
        ({"id": np.zeros(6, np.uint64), "group": np.arange(6, dtype=np.uint64)}, "the id of"),
        ({"label": None}, "label: the field is missing"),
    ],
)
def test_what_the_task_does_not_declare_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
):
    columns = {**toy(0), **change}
    table = Table({name: column for name, column in columns.items() if column is not None})
    with pytest.raises(DataError, match=message):
        write(tmp_path / "a.h5", [table])
    assert list(tmp_path.iterdir()) == []


def test_torn_groups_are_refused(tmp_path: Path):
    groups = [np.asarray(g, np.uint64) for g in ([1, 1, 2, 2, 3, 3], [3, 3, 4, 4, 5, 5])]
    tables = [toy(3 * i).with_columns({"group": group}) for i, group in enumerate(groups)]
    with pytest.raises(DataError, match=r"1 group\(s\) lie in several blocks"):
        write(tmp_path / "a.h5", tables)
    assert list(tmp_path.iterdir()) == []


def test_empty_files_bad_facts_and_bad_places_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no rows to write"):
        write(tmp_path / "a.h5", [])
    with pytest.raises(PluginError, match=r"facts\.x"):
        write(tmp_path / "a.h5", [toy(0)], facts={"x": {1, 2}})
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "file" / "a.h5", [toy(0)])


def test_an_error_or_a_kill_leaves_the_previous_file(tmp_path: Path):
    path = tmp_path / "a.h5"
    before = write(path, [toy(0)]).digest
    with suppress(RuntimeError), _writer(path) as writer:
        writer.append(toy(9))
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == [path]
    with quiet_fork():
        child = os.fork()
    if not child:
        with _writer(path) as writer:
            writer.append(toy(9))
            (tmp_path / "ready").write_text("")
            time.sleep(60)
        os._exit(0)
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert TableFile(path).digest == before


def _writer(path: Path) -> TableWriter:
    return TableWriter(path, SAMPLE, facts={}, task="tiny", block_rows=6)


def test_foreign_and_absent_files_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no such file"):
        TableFile(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(DataError, match=r"text\.h5: the file is damaged or no HDF5"):
        TableFile(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = 1
    with pytest.raises(DataError, match="was not written by zoo"):
        TableFile(tmp_path / "other.h5")


def test_every_truncation_is_an_error_that_names_the_file(tmp_path: Path):
    path = tmp_path / "a.h5"
    write(path, [toy(0), toy(3)])
    content = path.read_bytes()
    for size in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match=r"a\.h5"):
            TableFile(path)


def test_a_flipped_bit_is_found_and_harms_no_other_field(tmp_path: Path):
    path = tmp_path / "a.h5"
    file = write(path, [toy(0), toy(3)])
    with file.handle() as handle:
        place = handle["columns/image"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + place.size // 2] ^= 1
    path.write_bytes(content)
    damaged = TableFile(path)
    with pytest.raises(DataError, match=r"a\.h5: image: the file is damaged"):
        damaged.read(damaged.blocks()[0], slice(None), frozenset({"image"}))
    rows = damaged.read(damaged.blocks()[0], slice(None), frozenset({"label"}))
    assert_equal(rows, toy(0).select(["label"]))
    assert len(damaged.verify()) > 0


def test_a_missing_field_is_named_with_the_nearest(tmp_path: Path):
    file = write(tmp_path / "a.h5", [toy(0)])
    with pytest.raises(DataError, match=r"a\.h5: imag: .*\n.*did you mean 'image'"):
        file.read(file.blocks()[0], slice(None), frozenset({"imag"}))


def test_another_format_is_refused_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo.data.store.FORMAT", 99)
    write_path = tmp_path / "a.h5"
    with TableWriter(write_path, SAMPLE, facts={}, task="tiny", block_rows=6) as writer:
        writer._header["format"] = 98
        writer.append(toy(0))
    with pytest.raises(DataError, match="file format 98, this zoo reads 99"):
        TableFile(write_path)


def test_small_columns_share_chunks_and_large_ones_follow_blocks(tmp_path: Path):
    specs: Mapping[str, Field] = {
        "image": Field(dims=("w", "t"), dtype="float32", meaning=""),
        "label": Field(dtype="int16", meaning=""),
    }
    table = Table(
        {
            "id": np.arange(2, dtype=np.uint64),
            "image": np.zeros((2, 200, 500), np.float32),
            "label": np.zeros(2, np.int16),
        }
    )
    with TableWriter(tmp_path / "a.h5", specs, facts={}, task="t", block_rows=2) as writer:
        writer.append(table)
    with TableFile(tmp_path / "a.h5").handle() as handle:
        assert handle["columns/image"].chunks == (2, 200, 500)
        assert handle["columns/label"].chunks == (32768,)  # 64 KiB
