"""``zoo info``: tasks, models with their sizes, runs, model files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.artifacts.run_directory import RunDirectory

Zoo = Callable[..., "subprocess.CompletedProcess[str]"]


def found(zoo: Zoo, *arguments: str) -> dict[str, Any]:
    done = zoo("info", *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def test_a_task(zoo: Zoo) -> None:
    payload = found(zoo, "toy")
    assert payload["sample"]["signal"]["unit"] == "mV"
    assert payload["sample"]["amplitude"]["optional"]
    assert payload["prediction"]["amplitude"]["meaning"] == "Estimated."
    waves = payload["sources"]["waves"]
    assert waves["kind"] == "simulator"
    assert waves["settings"][0]["path"] == "data.options.noise"
    assert payload["recipes"] == {"paper": "As published by Gauss."}
    assert [model["kind"] for model in payload["models"]] == [
        "model",
        "model",
        "baseline",
        "oracle",
    ]


def test_a_model_with_sizes_by_hand(zoo: Zoo) -> None:
    """4 inputs, 3 outputs: 12 weights and 3 biases, of which the biases are frozen; a buffer of 2.

    Bytes: (12 + 3 + 2) float32.
    """
    payload = found(zoo, "toy/linear")
    size = {"parameters": 15, "trainable": 12, "bytes": 68, "layers": 1}
    assert payload["networks"] == {"net": size}
    assert payload["cite"] == "Gauss 1809"
    assert payload["baselines and oracles"] == ["toy/mean", "toy/truth"]
    setting = payload["settings"][0]
    assert setting["path"] == "model.inputs"
    assert setting["type"] == "int >= 1"
    assert setting["value"] == 4
    assert setting["meaning"] == "How many inputs."


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        (["--recipe", "paper"], 6),
        (["--set", "model.inputs=2"], 2),
        (["--recipe", "paper", "--set", "model.inputs=3"], 3),
    ],
)
def test_a_model_as_configured(zoo: Zoo, options: list[str], inputs: int) -> None:
    payload = found(zoo, "toy/linear", *options)
    assert payload["settings"][0]["value"] == inputs
    assert payload["networks"]["net"]["trainable"] == 3 * inputs


def test_a_wrong_setting(zoo: Zoo) -> None:
    done = zoo("info", "toy/linear", "--set", "model.input=2")
    assert done.returncode == 2
    assert "model.input (from --set): there is no such setting" in done.stderr
    assert "did you mean 'inputs'?" in done.stderr


def test_a_model_with_settings_without_default(zoo: Zoo) -> None:
    payload = found(zoo, "toy/demanding")
    assert "--set" in payload["networks"]
    assert payload["settings"][2]["required"]
    payload = found(zoo, "toy/demanding", "--set", "model.outputs=1")
    assert payload["networks"]["net"]["parameters"] == 15


def test_a_classical_model(zoo: Zoo) -> None:
    payload = found(zoo, "toy/mean")
    assert payload["networks"] == "none: a classical algorithm"
    assert payload["needs"] == ["signal"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("toy", "  waves (simulator): Sine waves."),
        ("toy/linear", "net  parameters 15, trainable 12, bytes 68, layers 1"),
        ("toy/demanding", "required"),
    ],
)
def test_text_for_people(zoo: Zoo, what: str, said: str) -> None:
    done = zoo("info", what)
    assert done.returncode == 0
    assert said in done.stdout


def record() -> ModelRecord:
    return ModelRecord(
        model="toy/linear",
        plugin="toy",
        plugin_version="1.0",
        api="1.0",
        config={"inputs": 4},
        facts={"pitch": np.zeros(2)},
        metrics={"loss": 0.5},
        tensors={"networks/net/weight": np.zeros((3, 4), np.float32)},
    )


def test_a_model_file(zoo: Zoo, tmp_path: Path) -> None:
    write_model(tmp_path / "m.safetensors", record())
    payload = found(zoo, "m.safetensors")
    assert payload["model"] == "toy/linear"
    assert payload["metrics"] == {"loss": 0.5}
    assert payload["tensors"]["networks/net/weight"] == {"dtype": "F32", "shape": [3, 4]}
    text = zoo("info", "m.safetensors").stdout
    assert "networks/net/weight  F32    3 x 4" in text


def test_a_damaged_file(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(b"garbage")
    done = zoo("info", "m.safetensors", "--json")
    assert done.returncode == json.loads(done.stdout)["exit_code"] == 5


def test_a_run_and_its_snapshot(zoo: Zoo, tmp_path: Path) -> None:
    run = RunDirectory.create(
        tmp_path / "run",
        identity={"model": "toy/linear"},
        config="[training]\nbatch = 2\n",
        schema={},
        environment={},
    )
    run.append_metrics({"step": 3, "loss": 0.25})
    write_model(run.snapshot(3), record())
    payload = found(zoo, "run")
    assert payload["model"] == "toy/linear"
    assert payload["finished"] is False
    assert payload["last line of the log"] == {"step": 3, "loss": 0.25}
    assert payload["snapshots"] == [3]
    assert payload["config"] == {"training": {"batch": 2}}
    assert found(zoo, "run@3")["model"] == "toy/linear"
    done = zoo("info", "run@4")
    assert done.returncode == 2
    assert "steps with a snapshot: 3" in done.stderr


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("toyy", 3, "did you mean 'toy'?"),
        ("toy/linaer", 3, "did you mean 'toy/linear'?"),
        ("none.safetensors", 5, "No such file"),
        (".", 2, "is neither a run directory nor a model file"),
    ],
)
def test_what_is_not_there(zoo: Zoo, what: str, code: int, said: str) -> None:
    done = zoo("info", what)
    assert done.returncode == code
    assert said in done.stderr
