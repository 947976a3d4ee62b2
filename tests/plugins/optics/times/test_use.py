"""Times from the command line and in exported files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from zoo.api import Table
from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.runtimes.runtime import open_runtime
from zoo_optics.codec import OpticsCodec
from zoo_optics.config import SirenPairConfig, SirenVectorConfig
from zoo_optics.deploy import OpticsDeploy
from zoo_optics.learner import OpticsLearner
from zoo_optics.models.siren_pair import pair_networks
from zoo_optics.models.vector import vector_networks
from zoo_optics.sources.cherenkov import Cherenkov
from zoo_optics.sources.config import CherenkovConfig
from zoo_optics.specs import SAMPLE
from zoo_optics.times.fields import TIME_OUTPUTS

Facts = Callable[..., dict[str, Any]]
TANK = {"rows": 3, "columns": 8, "rings": (4, 1), "sensor_radius_cm": 20.0}


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _train(data: str | Path, out: Path, *sets: str) -> Result:
    fast = ("training.steps=2", "training.batch=4", "model.hidden=8", "model.time=true", *sets)
    words = ("train", "optics/siren-vector", "--data", data, "--out", out, "--recipe", "better")
    return _run(*words, *(part for one in fast for part in ("--set", one)), "--json")


@pytest.fixture(scope="module")
def flashes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flashes") / "flashes.h5"
    options = {"tank": TANK, "photons": (3000, 3000)}
    source = Cherenkov(CherenkovConfig.model_validate(options))
    simulate_file(source, SAMPLE, path, task="optics", seed=1, events=20, about={})
    return path


def _told(done: Result) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_training_with_times(plugin: None, flashes: Path, tmp_path: Path) -> None:
    done = _train(flashes, tmp_path / "run")
    assert done.exit_code == 0, done.output
    lines = [json.loads(x) for x in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert any("hit_time" in line for line in lines)


def test_times_that_were_made_constant_are_refused(
    plugin: None, flashes: Path, tmp_path: Path
) -> None:
    constant = tmp_path / "constant.h5"
    constant.write_bytes(flashes.read_bytes())
    with h5py.File(constant, "r+") as file:
        file["columns/hit_time/values"][:] = 950.0
    done = _train(constant, tmp_path / "run")
    told = _told(done)
    assert done.exit_code == told["exit_code"] == 4
    assert told["message"] == "the hit times of each flash are all the same"
    assert told["where"].startswith("model.time")


def test_data_without_hits_are_refused(plugin: None, flashes: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.h5"
    bare.write_bytes(flashes.read_bytes())
    with h5py.File(bare, "r+") as file:
        del file["columns/hit_time"]
    done = _train(bare, tmp_path / "run")
    told = _told(done)
    assert done.exit_code == told["exit_code"] == 4
    assert "hit_time" in told["where"] + told["message"]


def test_argon_has_no_times(plugin: None, tmp_path: Path) -> None:
    done = _train("lar-box", tmp_path / "run", "data.events=8")
    told = _told(done)
    assert done.exit_code == told["exit_code"] == 4
    assert "tell no hit times" in told["message"]
    assert told["remedy"].startswith("set model.time = false")


@pytest.mark.slow
@pytest.mark.usefixtures("forked_runtime")
@pytest.mark.parametrize(
    ("format_name", "direction"), [("onnx", False), ("pt2", False), ("ts", False), ("ts", True)]
)
def test_an_exported_file_tells_times_too(
    plugin: None, tmp_path: Path, facts: Facts, format_name: str, direction: bool
) -> None:
    torch.manual_seed(1)
    build: Any = vector_networks if direction else pair_networks
    kind: Any = SirenVectorConfig if direction else SirenPairConfig
    name = "optics/siren-vector" if direction else "optics/siren-pair"
    config = kind(time=True, hidden=16, layers=1, time_hidden=12, direction=direction)
    nets, told = build(config, facts()), facts()
    codec = OpticsCodec(config, told, {})
    predictor = NetworkPredictor(name, nets, OpticsLearner(config, told), codec)
    done = export(predictor, format_name, out=tmp_path)
    assert list(done.report["outputs"]) == ["visibility", "gradient", *TIME_OUTPUTS]
    deploy = OpticsDeploy(config, told)
    inputs = deploy.example({"batch": 7}, np.arange(1, 8, dtype=np.uint64))
    found = open_runtime(done.path)(inputs)
    table = Table(
        {"id": np.arange(7, dtype=np.uint64), **inputs, "photons": np.ones(7, np.float32)}
    )
    expected = predictor.predict(table)
    for field in TIME_OUTPUTS:
        assert found[field].shape == (7, 34)
        np.testing.assert_allclose(found[field], expected[field], rtol=3e-4, atol=1e-5)
    np.testing.assert_allclose(found["visibility"], expected["charge"], rtol=3e-4)
