"""``zoo report`` makes one page of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from zoo.cli.app import app


def zoo(*words: object) -> Result:
    return CliRunner().invoke(app, list(map(str, words)))


def test_an_evaluation_becomes_a_page(tmp_path: Path):
    data = ("--data", "tracks", "--set", "data.events=40", "--resamples", 10)
    done = zoo("eval", "mini-track/centroid", *data, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    done = zoo("report", tmp_path, "--json")
    assert json.loads(done.stdout) == {"file": str(tmp_path / "report.html")}
    assert "mini-track/diffusion-fit" in (tmp_path / "report.html").read_text(encoding="utf-8")
    other = tmp_path / "elsewhere.html"
    assert zoo("report", tmp_path, "--out", other).exit_code == 0
    assert other.is_file()


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    done = zoo("report", tmp_path)
    assert done.exit_code == 2
    assert "neither a run nor an evaluation" in done.output
