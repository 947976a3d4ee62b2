from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.bench import read_bench, write_bench
from zoo.bench.case import Conditions
from zoo.bench.results import Bench, Kept, Measured, Operator, Row
from zoo.bench.table import columns, heading, lines, notes
from zoo.errors import DataError

EAGER = Conditions(
    mode="inference", runtime="eager", precision="fp32", onednn="on", sizes={"batch": 1}
)
HOLDER = Operator(name="aten.mm", shapes=((2, 3), (3, 4)), module="net.head", added=2**20)
ABOUT = {
    "cpu": {"model": "A CPU", "flags": ["avx2"], "count": 4},
    "packages": {"torch": "2.11", "onnxruntime": None},
    "load": 1.5,
}


def measured(*seconds: float, added: int = 2**20) -> Measured:
    return Measured(
        wall=tuple(2 * value for value in seconds),
        cpu=seconds,
        first=9.0,
        added=added,
        peak=2**30,
        inputs={"x": (2, 3)},
        parameters=1500,
        multiply_adds=2_500_000,
        operator=HOLDER,
    )


def row(name: str, *processes: Measured, conditions: Conditions = EAGER, reason: str = "") -> Row:
    model = "toy/net"
    return Row(
        name=name,
        model=model,
        fresh=True,
        conditions=conditions,
        processes=processes,
        reason=reason,
    )


def table(*rows: Row, relative_to: str = "") -> Bench:
    return Bench(rows=rows, environment=ABOUT, relative_to=relative_to)


def test_median_and_spread_pool_all_processes():
    values = [1.0, 1.1, 1.5, 2.0, 1.2, 1.3]
    found = row("a", measured(*values[:3]), measured(*values[3:])).cpu
    assert found is not None
    assert found.spread is not None
    assert found.median == pytest.approx(np.median(values))
    low, high = np.quantile(values, (0.16, 0.84))
    assert found.spread == pytest.approx((high - low) / 2)
    single = row("a", measured(1.0)).cpu
    assert single is not None
    assert single.spread is None


def test_ratio_of_medians_with_the_spread_of_the_processes():
    one = row("one", measured(1.0), measured(2.0))
    two = row("two", measured(2.0, added=3 * 2**20), measured(6.0, added=3 * 2**20))
    found = table(one, two, relative_to="one")
    ratio = found.ratio(two, "wall")
    assert ratio is not None
    assert ratio.value == pytest.approx(4.0 / 1.5)
    assert ratio.spread == pytest.approx(0.34)  # of 2 and 3: half of 0.68 of their distance
    memory = found.ratio(two, "added")
    assert memory is not None
    assert (memory.value, memory.spread) == (3.0, 0.0)


def test_a_ratio_compares_equal_conditions():
    off = replace(EAGER, onednn="off")
    rows = (row("one", measured(1.0)), row("one", measured(4.0), conditions=off))
    two = row("two", measured(2.0), conditions=off)
    ratio = table(*rows, two, relative_to="one").ratio(two, "cpu")
    assert ratio is not None
    assert ratio.value == 0.5
    other = row("two", measured(2.0), conditions=replace(EAGER, threads=2))
    assert table(*rows, other, relative_to="one").ratio(other, "cpu") is None


def test_a_file_is_compared_with_the_eager_reference():
    onnx = row("file", measured(3.0), conditions=replace(EAGER, runtime="onnx", onednn=""))
    reference = row("one", measured(2.0))
    ratio = table(reference, onnx, relative_to="one").ratio(onnx, "cpu")
    assert ratio is not None
    assert ratio.value == 1.5


def test_files_hold_everything(tmp_path: Path):
    missing = row("b", reason="not available: needs truth")
    found = table(row("a", measured(1.0, 2.0), measured(1.5)), missing, relative_to="a")
    path, lines_ = write_bench(found, tmp_path)
    assert path.name == "bench.json"
    assert read_bench(tmp_path) == found
    told = list(csv.DictReader(lines_.read_text().splitlines()))
    assert [line["name"] for line in told] == ["a", "b"]
    assert float(told[0]["cpu_s"]) == 1.5
    assert told[0]["operator"] == "aten.mm 2 x 3 in net.head"
    assert told[0]["sizes"] == "batch=1"
    assert (told[1]["cpu_s"], told[1]["reason"]) == ("", "not available: needs truth")


@pytest.mark.parametrize("content", [None, "", "{}", '{"format": 99}', "[1]"])
def test_damaged_files(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "bench.json").write_text(content)
    with pytest.raises(DataError):
        read_bench(tmp_path)


def test_the_table_tells_shared_conditions_once():
    found = table(row("a", measured(0.0015)), row("b", reason="failed: SIGKILL"), relative_to="a")
    first, second = lines(found)
    assert dict(zip(columns(found), first, strict=True)) == {
        "": "a",
        "inputs": "2x3",
        "CPU": "1.50 ms",
        "wall": "3.00 ms",
        "added memory": "1.00 MiB",
        "in all": "1024 MiB",
        "CPU ratio": "1.00",
        "wall ratio": "1.00",
        "memory ratio": "1.00",
        "parameters": "1.5 k",
        "multiply-adds": "2.5 M",
        "peak held by": "aten.mm 2 x 3 in net.head",
    }
    assert second[-1] == "failed: SIGKILL"
    told = list(notes(found))
    assert told[0] == "all rows: inference, eager, fp32, 1 thread, oneDNN on, cpu"
    assert "fresh parameters" in told[1]
    assert heading(found) == "A CPU, 4 cores (avx2); torch 2.11; load 1.50"
    assert not found.busy
    assert replace(found, environment=ABOUT | {"load": 2.1}).busy


def test_training_steps_tell_what_they_keep(tmp_path: Path):
    step = replace(EAGER, mode="training", phase="net")
    kept = replace(measured(1.0), kept=Kept(bytes=3 * 2**20, terms=1024))
    found = table(row("a", kept, conditions=step), row("b", reason="failed", conditions=step))
    told = [dict(zip(columns(found), line, strict=True)) for line in lines(found)]
    assert [line["kept for backward"] for line in told] == ["3.00 MiB, 3072 B a term", ""]
    path, lines_ = write_bench(found, tmp_path)
    assert path.exists()
    assert read_bench(tmp_path) == found
    first = next(csv.DictReader(lines_.read_text().splitlines()))
    assert (first["kept_bytes"], first["kept_terms"]) == ("3145728", "1024")
