"""The whole verb, with fresh processes: two torch ones and one of ONNX Runtime alone."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from zoo.bench import read_bench
from zoo.bench.benching import _with_files
from zoo.bench.cases import Options, make_cases
from zoo.bench.interfaces import interface_of
from zoo.bench.measure import measure
from zoo.bench.subjects import Settings, subjects
from zoo.bench.work import prepare
from zoo.cli.app import app

NET = "mini-track/pad-net"


def test_a_table_with_files_and_ratios(foreign_onnx: Path, tmp_path: Path):
    out = tmp_path / "out"
    words = (
        *("bench", NET, f"wide={NET}:width=16", "--file", str(foreign_onnx)),
        *("--batch", "4", "--size", "bin=64", "--processes", "1", "--repeats", "2"),
        *("--relative-to", NET, "--out", str(out), "--json"),
    )
    done = CliRunner().invoke(app, words, prog_name="zoo")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    net, wide, theirs = told["rows"]
    assert [row["name"] for row in told["rows"]] == [NET, "wide", "theirs"]
    assert [row["reason"] for row in told["rows"]] == ["", "", ""]
    assert net["processes"][0]["inputs"] == {"pads": [4, 1, 6, 16]}
    assert theirs["processes"][0]["inputs"] == {"image": [4, 3, 8, 64]}
    assert net["told"]["cpu_ratio"]["value"] == 1
    assert wide["told"]["cpu_ratio"]["value"] > 0
    # Per sample: 3 x 3 over 6 x 16 pads, then 6 x 3 along the 16 pads, then width * 16 to 2.
    for row, width in ((net, 8), (wide, 16)):
        count = 4 * (9 * width * 96 + 18 * width * width * 16 + 2 * 16 * width)
        assert row["processes"][0]["multiply_adds"] == count
    # The process of ONNX Runtime holds no torch, which alone is above 100 MiB.
    held = net["told"]["peak"]["median"] - theirs["told"]["peak"]["median"]
    assert held > 100 * 2**20
    assert [Path(path).name for path in told["files"]] == ["bench.json", "bench.csv"]
    assert [row.name for row in read_bench(out).rows] == [NET, "wide", "theirs"]


def test_an_export_is_made_once_and_runs_at_any_size(tmp_path: Path):
    small = Settings(assignments=["model.widths=[8,16]"])
    (unet,) = subjects(["dnn-roi/lite-unet"], small)
    interfaces = [(unet, interface_of(unet))]
    sizes = [{"wire": 48, "bin": 32}, {"wire": 30, "bin": 41}]
    cases = make_cases(interfaces, Options(sizes=sizes, runtimes=["ts"]))
    first, second = _with_files(cases, interfaces, tmp_path)
    assert first.program == second.program
    found = measure(prepare(second), 1)
    assert found.inputs == {"image": (1, 3, 30, 41)}
    assert found.parameters
