from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from zoo.cli import export as command
from zoo.contract.table import Table
from zoo.errors import ConfigError, UsageError
from zoo.export import Exported

REPORT: Mapping[str, Any] = {
    "parity": [
        {
            "sizes": {"batch": 1, "wire": 800},
            "output": "probability",
            "export_error": 1.25e-7,
            "eager_error": 6e-8,
            "tolerance": 1e-6,
        }
    ],
    "warnings": ["a branch"],
    "end_to_end": None,
}


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return app


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What the command asks of the library, which other tests run."""
    seen = []

    def export(*args: Any, **settings: Any) -> Exported:
        seen.append((args, settings))
        return Exported(Path("x.ts"), (Path("x.ts"), Path("x.jsonnet")), REPORT)

    monkeypatch.setattr("zoo.export.export", export)
    return seen


def test_options_reach_the_library(app: typer.Typer, calls: list[Any]) -> None:
    words = ["export", "runs/a", "--for", "wirecell", "--from", "w.safetensors", "--out", "here"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    ((args, settings),) = calls
    assert args == ("runs/a", "")
    assert settings == {
        "consumer": "wirecell",
        "out": Path("here"),
        "weights": "w.safetensors",
        "samples": None,
        "settings": {},
    }


def test_settings_of_the_model_reach_the_library_and_others_do_not(
    app: typer.Typer, calls: list[Any]
) -> None:
    words = ["export", "runs/a", "--format", "ts", "--set"]
    CliRunner().invoke(app, [*words, "model.tiles=2"])
    assert calls[0][1]["settings"] == {"tiles": 2}
    result = CliRunner().invoke(app, [*words, "training.seed=2"])
    assert isinstance(result.exception, ConfigError)
    assert result.exception.where == "--set training"


def test_a_table_for_people(app: typer.Typer, calls: list[Any]) -> None:
    lines = CliRunner().invoke(app, ["export", "runs/a", "--format", "ts"]).stdout.splitlines()
    assert lines[0].split("  ")[0] == "batch x wire"
    assert lines[1].split() == ["1", "x", "800", "probability", "1.2e-07", "6e-08", "1e-06"]
    assert "warning: a branch" in lines
    assert lines[-2:] == ["wrote x.ts", "wrote x.jsonnet"]


def test_one_json_object(app: typer.Typer, calls: list[Any]) -> None:
    result = CliRunner().invoke(app, ["export", "runs/a", "--format", "ts", "--json"])
    payload = json.loads(result.stdout)
    assert payload["files"] == ["x.ts", "x.jsonnet"]
    assert payload["report"] == REPORT


def test_samples_are_read_for_the_end_to_end_comparison(
    app: typer.Typer, calls: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    table = Table({"id": np.zeros(2, np.uint64)})
    asked = []

    def read(*args: Any, **settings: Any) -> Table:
        asked.append((args, settings))
        return table

    monkeypatch.setattr("zoo.prediction.read", read, raising=False)
    monkeypatch.setattr("zoo.prediction.task_of", lambda ref: f"task of {ref}", raising=False)
    CliRunner().invoke(app, ["export", "runs/a", "--format", "ts", "--data", "f.h5"])
    assert asked == [(("task of runs/a", "f.h5"), {"limit": 2})]
    assert calls[0][1]["samples"] is table


def test_a_format_or_a_consumer_is_needed(app: typer.Typer, calls: list[Any]) -> None:
    result = CliRunner().invoke(app, ["export", "runs/a"])
    assert isinstance(result.exception, UsageError)
    assert "--format onnx, pt2 or ts" in result.exception.remedy
    assert calls == []
