"""Runs and exported files: their parameters, their configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from zoo.bench.case import Case
from zoo.bench.cases import Options, make_cases
from zoo.bench.interfaces import interface_of, write_inputs
from zoo.bench.measure import measure
from zoo.bench.models import load_networks
from zoo.bench.subjects import Settings, subjects
from zoo.bench.work import prepare
from zoo.cli.app import app
from zoo.errors import ConfigError, UsageError
from zoo.export import export
from zoo.prediction.network import load_network

MODEL = "mini-track/pad-net"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of one step, with another width than the default."""
    out = tmp_path_factory.mktemp("runs") / "run"
    sets = ("data.events=60", "training.steps=1", "training.batch=6", "model.width=4")
    words = ["train", MODEL, "--data", "tracks", "--out", str(out), "--device", "cpu"]
    done = CliRunner().invoke(app, words + [word for text in sets for word in ("--set", text)])
    assert done.exit_code == 0, done.output
    return out


def case_of(ref: Path, folder: Path, **options: Any) -> Case:
    (subject,) = subjects([str(ref)], Settings())
    interface = interface_of(subject)
    (case,) = make_cases([(subject, interface)], Options(**options))
    if interface is None or case.conditions.mode == "training":
        return case
    inputs = folder / "inputs.safetensors"
    write_inputs(interface, case.conditions.sizes, inputs)
    parts = case.as_dict() | {"inputs": str(inputs)}
    return Case.from_dict(
        parts | {"takes": _plain(interface.takes), "gives": _plain(interface.gives)}
    )


def _plain(ports: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [{"name": port.name, "dims": port.dims, "dtype": port.dtype} for port in ports]


def test_a_run_has_its_parameters_and_configuration(run: Path, tmp_path: Path):
    case = case_of(run, tmp_path)
    assert not case.subject.fresh
    loaded = load_networks(case.subject)
    expected = load_network(run / "model.safetensors").networks["net"].state_dict()
    for name, value in loaded.networks["net"].state_dict().items():
        assert torch.equal(value, expected[name])
    assert loaded.config.training.batch == 6
    found = measure(prepare(case), 1)
    assert found.inputs == {"pads": (8, 1, 6, 16)}
    step = case_of(run, tmp_path, modes=["training"])
    assert measure(prepare(step), 1).inputs == {"pads": (6, 1, 6, 16)}


def test_a_trained_model_keeps_its_config(run: Path):
    with pytest.raises(UsageError, match="width=8"):
        subjects([f"a={run}:width=8"], Settings())
    with pytest.raises(ConfigError) as caught:
        subjects([str(run)], Settings(assignments=["model.width=8"]))
    assert "keep their config" in caught.value.remedy


@pytest.mark.usefixtures("forked_runtime")
def test_an_exported_file(run: Path, tmp_path: Path):
    file = export(run, "ts", out=tmp_path).path
    case = case_of(file, tmp_path, sizes=[{"batch": 2}])
    assert (case.subject.kind, case.conditions.runtime) == ("file", "ts")
    found = measure(prepare(case), 1)
    assert found.inputs == {"pads": (2, 1, 6, 16)}
    network = load_network(run / "model.safetensors").networks["net"]
    assert found.parameters == sum(p.numel() for p in network.parameters())
