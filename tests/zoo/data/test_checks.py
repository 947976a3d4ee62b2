from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_plugin import SAMPLE, Toy, ToyConfig

from zoo.contract.source import Block
from zoo.contract.specs import Field
from zoo.contract.table import Ragged, Table
from zoo.data.checks import check_source, require
from zoo.data.simulate import simulate_file
from zoo.data.simulated import SimulatedSource
from zoo.data.store import TableFile
from zoo.errors import DataError

SPECS = {
    "image": Field(dims=("wire", "tick"), dtype="float32", meaning="", unit="e-", minimum=-9),
    "truth": Field(dims=("wire", "tick"), dtype="float32", meaning=""),
    "matrix": Field(dims=(2, 3), dtype="float32", meaning="", finite=False),
    "hits": Field(dims=("hit", 2), dtype="float32", meaning="", ragged=True, maximum=1),
}


class Made:
    """Two blocks of four rows, with changes."""

    def __init__(self, **changes: Any) -> None:
        self.facts: dict[str, Any] = {}
        rng = np.random.default_rng(0)
        rows = [rng.random((length, 2)).astype(np.float32) for length in (0, 1, 2, 3) * 2]
        columns = {
            "id": np.arange(8, dtype=np.uint64),
            "image": rng.normal(size=(8, 4, 5)).astype(np.float32),
            "truth": rng.normal(size=(8, 4, 5)).astype(np.float32),
            "matrix": rng.normal(size=(8, 2, 3)).astype(np.float32),
            "hits": Ragged.of(rows),
            **changes,
        }
        self.table = Table({name: c for name, c in columns.items() if c is not None})

    def blocks(self) -> Sequence[Block]:
        return [Block("0", 4, "a"), Block("1", 4, "b")]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        index = 4 * int(block.key) + np.arange(block.rows)[rows]
        extra = {"group"} & set(self.table)
        return self.table.take(index).select(fields & set(self.table) | extra)


def problems(**changes: Any) -> list[tuple[str, str]]:
    return [(f.field, f.problem) for f in check_source(Made(**changes), SPECS).findings]


def test_good_data_have_no_findings_and_true_ranges():
    source = Made()
    check = check_source(source, SPECS)
    assert check.findings == ()
    assert (check.rows, check.groups, check.blocks) == (8, 2, 2)
    ranges = {r.field: r for r in check.ranges}
    image = source.table["image"].astype(float)
    assert ranges["image"].minimum == image.min()
    assert ranges["image"].maximum == image.max()
    assert ranges["image"].mean == pytest.approx(image.mean(), rel=1e-12)
    assert (ranges["image"].shape, ranges["image"].unit) == ((4, 5), "e-")
    assert ranges["hits"].shape == (3, 2)
    require(source, SPECS)


def with_value(value: float, name: str = "image") -> Any:
    column = Made().table[name].copy()
    column[5, 1, 1] = value
    return column


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"truth": None}, "truth", "the field is missing"),
        ({"image": with_value(np.nan)}, "image", "1 value(s) are NaN or infinite"),
        ({"image": with_value(np.inf)}, "image", "1 value(s) are NaN or infinite"),
        ({"image": with_value(-9.5)}, "image", "1 value(s) are below the declared minimum"),
        (
            {"hits": Ragged(np.full((8, 2), 2, np.float32), np.arange(9))},
            "hits",
            "16 value(s) are above the declared maximum",
        ),
        (
            {"truth": Made().table["truth"].astype(float)},
            "truth",
            "it has dtype float64, declared float32",
        ),
        (
            {"truth": Made().table["truth"].transpose(0, 2, 1)},
            "truth",
            "swapped axes: wire = 5, in 'image' 4, tick = 4, in 'image' 5",
        ),
        (
            {"truth": Made().table["truth"][:, :3]},
            "truth",
            "sizes disagree: wire = 3, in 'image' 4",
        ),
        (
            {"matrix": Made().table["matrix"].transpose(0, 2, 1)},
            "matrix",
            "a row has shape (3, 2), declared (2, 3): swapped axes",
        ),
        (
            {"matrix": Made().table["matrix"][:, 0]},
            "matrix",
            "a row has shape (3,), declared (2, 3)",
        ),
        ({"hits": np.zeros((8, 2), np.float32)}, "hits", "it is not ragged, declared otherwise"),
        (
            {"id": np.array([0, 1, 2, 3, 4, 5, 6, 0], np.uint64)},
            "id",
            "1 sample(s) have the id of another",
        ),
        (
            {"group": np.array([0, 0, 1, 1, 1, 2, 2, 2], np.uint64)},
            "group",
            "split leakage: 1 event(s) lie in blocks of different groups",
        ),
    ],
)
def test_each_fault_is_found_alone(changes: dict[str, Any], field: str, problem: str):
    assert problems(**changes) == [(field, problem)]
    with pytest.raises(DataError) as caught:
        require(Made(**changes), SPECS)
    assert problem in caught.value.message


def test_copies_leak_between_groups_but_not_within_one_and_plain_rows_are_no_copies():
    def copied(source: int, target: int) -> dict[str, Any]:
        index = np.arange(8)
        index[target] = source
        table = Made().table.take(index)
        return {name: table[name] for name in SPECS}

    leak = ("", "split leakage: 1 sample(s) occur again in another group")
    assert problems(**copied(1, 6)) == [leak]
    assert problems(**copied(1, 2)) == []
    empty = {name: np.zeros_like(Made().table[name]) for name in ("image", "truth", "matrix")}
    hits = Ragged(np.zeros((0, 2), np.float32), np.zeros(9, np.int64))
    assert problems(**empty, hits=hits) == []


def test_values_that_may_be_infinite_are_not_refused():
    matrix = Made().table["matrix"].copy()
    matrix[0, 0, 0] = np.inf
    assert problems(matrix=matrix) == []


def test_limit_bounds_what_is_read():
    check = check_source(Made(image=with_value(np.nan)), SPECS, limit=5)
    assert (check.rows, check.findings) == (5, ())


def test_damage_and_undeclared_fields_of_a_file_are_findings(tmp_path: Path):
    path = tmp_path / "a.h5"
    simulate_file(Toy(ToyConfig()), SAMPLE, path, task="tiny", seed=0, events=5, about={})
    assert check_source(TableFile(path), SAMPLE).findings == ()
    fewer = {name: field for name, field in SAMPLE.items() if name != "label"}
    found = check_source(TableFile(path), fewer).findings
    assert [(f.severity, f.field) for f in found] == [("warning", "label")]
    with TableFile(path).handle() as handle:
        place = handle["columns/image"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + place.size // 2] ^= 1
    path.write_bytes(content)
    found = check_source(TableFile(path), SAMPLE).findings
    assert found
    assert all("is not what was written" in f.problem for f in found if not f.field)


def test_optional_fields_may_be_missing():
    simulated = SimulatedSource(Toy(ToyConfig()), 0, 3)
    check = check_source(simulated, SAMPLE)
    assert check.findings == ()
    assert "extra" not in {r.field for r in check.ranges}
