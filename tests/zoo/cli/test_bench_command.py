"""``zoo bench`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.registry import registry

NET = "mini-track/pad-net"


@pytest.fixture(autouse=True)
def _installed() -> None:
    registry.cache_clear()


def zoo(*words: object) -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["bench", *map(str, words), "--json"], prog_name="zoo")
    assert "Traceback" not in done.output
    return done.exit_code, json.loads(done.stdout)


def test_what_cannot_be_measured_is_told_to_people() -> None:
    words = ("bench", "mini-track/centroid", "--mode", "training")
    done = CliRunner().invoke(app, list(words), prog_name="zoo")
    assert done.exit_code == 0, done.output
    assert "not available: a classical algorithm has no training step" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "where", "remedy"),
    [
        ((), 2, "", "name at least one"),
        (("mini-track/pad-nut",), 3, "pad-nut", NET),
        ((NET, NET), 2, NET, "NAME=ID"),
        ((NET, "--relative-to", "nobody"), 2, "--relative-to", NET),
        ((NET, "--set", "model.widht=3"), 2, "model.widht", "width"),
        ((f"{NET}:widht=3",), 2, "widht", "width"),
        ((NET, "--size", "wire"), 2, "--size", "wire=800"),
        ((NET, "--size", "batch=x"), 2, "--size", "1,2"),
        ((NET, "--batch", "0"), 2, "--batch", "1,2"),
        ((NET, "--runtime", "onxn"), 2, "--runtime", "onnx"),
        ((NET, "--precision", "fp31"), 2, "--precision", "fp32"),
        ((NET, "--mode", "train"), 2, "--mode", "training"),
        ((NET, "--recipe", "slow"), 2, "slow", "quick"),
        (("--file", "absent.toml"), 2, "absent.toml", "path"),
        ((NET, "--data", "absent.h5"), 4, "absent.h5", ""),
        (("absent.onnx",), 2, "absent.onnx", "zoo list"),
    ],
)
def test_mistakes(words: tuple[str, ...], code: int, where: str, remedy: str) -> None:
    found, error = zoo(*words)
    assert found == error["exit_code"] == code, error
    assert where in error["where"]
    assert error["message"]
    assert error["remedy"]
    assert remedy in error["remedy"]


def test_foreign_files_that_are_refused(tmp_path: Path) -> None:
    toml = tmp_path / "theirs.toml"
    ports = '[inputs.x]\ndims = ["batch"]\n[outputs.y]\ndims = ["batch"]\n'
    toml.write_text(f'file = "net.ts"\n{ports}')
    code, error = zoo("--file", toml)
    assert (code, error["error"]) == (2, "usage")
    assert "--trust" in error["remedy"]
    code, error = zoo("--file", toml, "--trust")
    assert (code, error["error"]) == (5, "weights")
    (tmp_path / "net.ts").write_bytes(b"no archive")
    code, error = zoo("--file", toml, "--trust")
    assert (code, error["error"]) == (5, "weights")
    toml.write_text(f'file = "net.onnx"\n{ports}')
    (tmp_path / "net.onnx").write_bytes(b"no model")
    code, error = zoo("--file", toml)  # its own process finds out
    assert (code, error["error"]) == (5, "weights")
    assert str(tmp_path / "net.onnx") in error["where"]
