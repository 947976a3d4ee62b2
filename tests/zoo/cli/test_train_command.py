"""``zoo train`` from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

import zoo.registry
from zoo.cli import train
from zoo.cli.app import app
from zoo.registry import registry

MODEL = "mini-track/pad-net"
TINY = (
    *("train", MODEL, "--recipe", "quick", "--device", "cpu", "--set", "data.events=60"),
    *("--set", "training.steps=4", "--set", "training.validate_every=2"),
)


@pytest.fixture(autouse=True)
def miniatures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    point = EntryPoint("mini-track", "zoo_miniatures.track.plugin", "zoo.plugins")
    monkeypatch.setattr(zoo.registry, "entry_points", lambda **_: [point])
    registry.cache_clear()
    if not any(command.name == "train" for command in app.registered_commands):
        train.register(app)
    yield
    registry.cache_clear()


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def test_train_tells_what_it_made(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, text = call(*TINY, "--out", str(out), "--json")
    assert code == 0, text
    told = json.loads(text)
    assert told["model"] == MODEL
    assert told["step"] in {2, 4}
    assert Path(told["file"]).is_file()
    code, text = call(*TINY, "--out", str(out))
    assert code == 0
    assert "loss" in text


def test_a_profile_is_told_too(tmp_path: Path) -> None:
    code, text = call(*TINY, "--profile", "--out", str(tmp_path / "run"), "--json")
    assert code == 0, text
    told = json.loads(text)["profile"]
    assert told["steps"] == 3  # of four; one is skipped
    assert 0 <= told["data_wait"] <= 1
    assert told["by_self_cpu"][0]["calls"] >= 1
    assert (tmp_path / "run" / "profile" / "trace.json").is_file()


def test_max_time_exits_with_75_and_the_same_command_resumes(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    code, text = call(*TINY, "--out", out, "--max-time", "1e-9", "--json")
    assert code == 75
    assert json.loads(text)["error"] == "interrupted"
    code, text = call(*TINY, "--out", out, "--json")
    assert code == 0, text


def test_dry_run_needs_no_data_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = call("train", MODEL, "--set", "training.batch=5", "--dry-run", "--json")
    assert code == 0, text
    told = json.loads(text)
    assert told["config"]["training"]["batch"] == 5
    assert told["provenance"]["training.batch"] == "--set"
    assert told["networks"]["net"] > 0
    assert told["memory"]["total"] > 0
    assert told["shapes"]
    assert list(tmp_path.iterdir()) == []
    code, text = call("train", MODEL, "--dry-run")
    assert code == 0
    assert "training.batch" in text
    assert "parameters" in text
    assert "multiply-adds with gradient" in text
    code, text = call("train", MODEL, "--set", "training.steps=5", "--dry-run")
    assert "CPU-hours, at least" in text


def test_wrong_settings_exit_with_2() -> None:
    code, text = call("train", MODEL, "--set", "training.bach=5", "--json")
    assert code == 2
    assert "training.batch" in text or "batch" in json.loads(text)["remedy"]
    code, text = call("train", MODEL, "--json")
    assert code == 2  # no data named
