"""Networks trained as people do, on a file: it is read, learnt from, judged and predicted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from zoo.api import Simulator, Table, load, read, row_ids
from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.prediction.network import NetworkPredictor
from zoo_ha_tpc.physics.pad_plane import PadPlane
from zoo_ha_tpc.specs import SAMPLE

Tracks = Callable[..., Table]
pytestmark = pytest.mark.usefixtures("plugin")


class Arcs(Simulator):
    """The tracks of these tests, a track for each key."""

    def __init__(self, plane: PadPlane, tracks: Tracks) -> None:
        self.facts = plane.facts()
        self.tracks = tracks

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        made = [self.tracks(1, int(key % np.uint64(2**31))) for key in keys]
        whole = Table.concat(made).with_columns({"id": row_ids(keys)})
        return whole.select(fields & set(whole))


@pytest.fixture(scope="module")
def data(plane: PadPlane, tracks: Tracks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "arcs.h5"
    simulate_file(Arcs(plane, tracks), SAMPLE, path, task="ha-tpc", seed=1, events=40, about={})
    return path


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _train(model: str, data: Path, out: Path, recipe: str, *sets: str) -> Result:
    fast = ("training.epochs=2", "training.batch=8", "engine.device=cpu", *sets)
    words = ("train", f"ha-tpc/{model}", "--data", data, "--out", out, "--recipe", recipe)
    return _run(*words, *(part for one in fast for part in ("--set", one)), "--json")


def _lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("model", "recipe", "sets"),
    [
        ("resnet18", "paper", ("model.coordinates=true",)),
        ("vit", "better", ('model.images=["charge", "time", "width"]', "model.dropout=0.1")),
        ("cluster-net", "better", ("model.width=12", "model.layers=2")),
    ],
)
def test_a_training_and_its_predictions(
    data: Path, tmp_path: Path, model: str, recipe: str, sets: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    done = _train(model, data, run, recipe, *sets)
    assert done.exit_code == 0, done.output
    targets = ["p_y", "p_z"] if recipe == "paper" else ["q_over_pt", "phi", "y_ini", "z_ini"]
    losses = [line for line in _lines(run) if "loss" in line]
    assert set(targets) <= set(losses[0])
    assert all(np.isfinite(line["loss"]) for line in losses)
    predictor = load(run)
    assert isinstance(predictor, NetworkPredictor)
    constants = predictor.codec.constants
    assert len(constants["mean"]) == len(targets)
    assert ("pull" in constants) == (recipe == "better")
    samples = read("ha-tpc", str(data), predictor.needs)
    found = predictor.predict(samples)
    assert set(targets) <= set(found)
    assert ("phi_error" in found) == (recipe == "better")
    assert all(np.isfinite(found[name]).all() for name in found)


def test_names_of_the_talk_train(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "talk.toml"
    config.write_text(_run("ha-tpc", "recipe", "ResNet18_b16l01p3e1h10_zini").stdout)
    words = ("train", "ha-tpc/resnet18", "--data", data, "--config", config)
    done = _run(*words, "--out", tmp_path / "run", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert any("z_ini" in line for line in _lines(tmp_path / "run"))


def test_a_file_without_truth_is_refused(plane: PadPlane, tracks: Tracks, tmp_path: Path) -> None:
    class Blind(Arcs):
        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            return super().simulate(keys, fields - {"phi"})

    path = tmp_path / "blind.h5"
    simulate_file(Blind(plane, tracks), SAMPLE, path, task="ha-tpc", seed=1, events=20, about={})
    done = _train("resnet18", path, tmp_path / "run", "better")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit_code"] == 4, done.output
    assert "phi" in told["where"] + told["message"]


def test_settings_that_no_network_has_are_refused(data: Path, tmp_path: Path) -> None:
    done = _train("cluster-net", data, tmp_path / "run", "better", "model.early_stride=false")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit_code"] == 2
    assert "early_stride" in told["where"] + told["message"]
