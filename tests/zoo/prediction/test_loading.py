"""What a user names, and the errors of what is not there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.artifacts.run_directory import RunDirectory
from zoo.errors import PluginError, UsageError, WeightsError
from zoo.prediction import load, task_of
from zoo.prediction.network import NetworkPredictor


def test_a_classical_id_needs_no_weights_and_gets_the_facts():
    predictor = load("mini-track/diffusion-fit", facts={"diffusion": 0.25, "noise": 8.0})
    assert predictor.needs == {"pads", "drift_time"}
    assert task_of("mini-track/diffusion-fit") == "mini-track"


def test_networks_without_weights_are_refused():
    with pytest.raises(UsageError, match="needs weights"):
        load("mini-track/pad-net")


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(PluginError, match="did you mean 'mini-track/pad-net'"):
        load("mini-track/padnet")


def test_what_is_neither_id_nor_path_is_refused():
    with pytest.raises(UsageError, match="no such id, run directory or model file"):
        load("runs/nothing-here")


def test_published_weights_are_not_known_yet():
    with pytest.raises(WeightsError, match="no published weights"):
        load("mini-track/pad-net@v1")


def test_a_model_file_is_loaded_by_path_or_as_weights_of_its_id(model_file: Path):
    for predictor in (load(model_file), load("mini-track/pad-net", weights=model_file)):
        assert isinstance(predictor, NetworkPredictor)
        assert predictor.model == "mini-track/pad-net"
        assert predictor.needs == {"pads"}
        assert predictor.facts["noise"] == 8.0
    assert task_of(model_file) == "mini-track"


def test_weights_of_another_model_are_refused(model_file: Path):
    with pytest.raises(WeightsError, match="weights of another model: mini-track/pad-net"):
        load("mini-gan/wgan-lo", weights=model_file)


def test_a_run_and_its_snapshots(record: ModelRecord, tmp_path: Path):
    run = RunDirectory.create(
        tmp_path / "run", identity={"model": record.model}, config="", schema={}, environment={}
    )
    with pytest.raises(UsageError, match="no selected model yet"):
        load(run.path)
    write_model(run.model, record)
    write_model(run.snapshot(300), dataclasses.replace(record, metrics={"step": 300}))
    assert load(run.path).info["metrics"] == {}
    assert load(f"{run.path}@300").info["metrics"] == {"step": 300}
    with pytest.raises(UsageError, match="no snapshot at step 200"):
        load(f"{run.path}@200")


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_tensors_that_do_not_fit_are_named(record: ModelRecord, tmp_path: Path, change: str):
    tensors = dict(record.tensors)
    name = min(tensors)
    if change == "missing":
        del tensors[name]
    elif change == "extra":
        name = f"{name}-more"
        tensors[name] = np.zeros(1, np.float32)
    else:
        tensors[name] = np.zeros(7, np.float32)
    path = tmp_path / "model.safetensors"
    write_model(path, dataclasses.replace(record, tensors=tensors))
    with pytest.raises(WeightsError, match=name.removeprefix("networks/net/")):
        load(path)


def test_a_config_of_another_version_is_refused(record: ModelRecord, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    write_model(path, dataclasses.replace(record, config={"unheard_of": 1}))
    with pytest.raises(WeightsError, match="config does not suit"):
        load(path)


def test_a_damaged_file_is_refused(model_file: Path, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    content = bytearray(model_file.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        load(path)


@pytest.mark.parametrize("runtime", ["onnx", None])
def test_an_exported_file_is_told_by_its_runtime_or_suffix(tmp_path: Path, runtime: str | None):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(WeightsError, match=r"model\.onnx"):
        load(path, runtime=runtime)
    with pytest.raises(WeightsError, match=r"model\.onnx"):
        task_of(path, runtime)
