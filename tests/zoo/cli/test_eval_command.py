"""``zoo eval`` in the terminal, as JSON, and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zoo.cli.app import app

DATA = ("--data", "tracks", "--set", "data.events=60", "--set", "data.test=0.5")


def zoo(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words), "--resamples", "50"])


def test_one_table_with_all_rows_then_one_per_bin():
    done = zoo("eval", "mini-track/centroid", *DATA)
    assert done.exit_code == 0, done.output
    overall, bins = done.stdout.split("resolution by drift")
    assert "95 % intervals" in overall
    for model in ("mini-track/centroid", "mini-track/diffusion-fit"):
        for part in (overall, bins):
            line = next(line for line in part.splitlines() if line.startswith(model))
            assert "baseline" in line
            assert line.count("[") >= 3  # every number has its interval
    assert "resolution [mm]" in overall
    assert "350 to 500 (n = " in bins


def test_json_is_one_object_with_every_number(tmp_path: Path):
    done = zoo("eval", "mini-track/centroid", *DATA, "--out", tmp_path / "out", "--json")
    found = json.loads(done.stdout)
    assert found["out"] == str(tmp_path / "out")
    assert [row["model"] for row in found["models"]] == [
        "mini-track/centroid",
        "mini-track/diffusion-fit",
    ]
    first = found["models"][0]["numbers"][0]
    assert first["low"] <= first["value"] <= first["high"]
    stored = json.loads((tmp_path / "out" / "results.json").read_text())
    assert stored["models"] == found["models"]


def test_a_missing_field_is_told_in_the_row():
    done = zoo("eval", "mini-track/centroid", "--data", "untimed", "--set", "data.events=40")
    line = next(line for line in done.stdout.splitlines() if "not available" in line)
    assert line.split() == [
        *("mini-track/diffusion-fit", "baseline", "not", "available:", "needs", "drift_time")
    ]


@pytest.mark.parametrize(
    ("first", "second", "code", "verdict"),
    [
        ("mini-gan/simulation", "mini-gan/mean-shower", 0, "holds"),
        ("mini-gan/mean-shower", "mini-gan/simulation", 6, "does NOT hold"),
    ],
)
def test_a_claim_decides_the_exit_code(first: str, second: str, code: int, verdict: str):
    data = ("--data", "showers", "--set", "data.events=500", "--split", "all")
    done = zoo("eval", first, *data, "--beats", f"{second}:depth W1")
    assert f"{first} beats {second} in depth W1: {verdict}" in done.stdout
    assert done.exit_code == code


def test_a_claim_in_json():
    claim = ("--beats", "mini-track/diffusion-fit:resolution", "--json")
    done = zoo("eval", "mini-track/centroid", *DATA, *claim)
    found = json.loads(done.stdout)["beats"]
    assert done.exit_code == (0 if found["holds"] else 6)
    assert {"all", *[d["column"] or "all" for d in found["differences"]]} == {"all", "drift"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("mini-track/centroid",), 2, "no data are named"),
        (("mini-track/centroid", "--data", "tracks"), 2, "number of events is missing"),
        (("mini-track/centroid", *DATA, "--split", "tset"), 2, "no such split"),
        (("mini-track/centroid", *DATA, "--set", "training.batch=1"), 2, "no such setting"),
        (("mini-track/centroid", *DATA, "--beats", "nonsense"), 2, "is no claim"),
        (("mini-track/pad-net", *DATA), 2, "needs weights"),
        (("mini-track/centriod", *DATA), 3, "did you mean 'mini-track/centroid'"),
        (("mini-track/centroid", "--data", "missing.h5"), 4, "missing.h5"),
        (("mini-track/pad-net@v1", *DATA), 5, "no published weights"),
    ],
)
def test_mistakes_have_a_message_and_a_code(words: tuple[str, ...], code: int, message: str):
    done = zoo("eval", *words)
    assert message in done.output
    assert done.exit_code == code
