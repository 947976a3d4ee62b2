"""Networks trained as people do, on a file: learnt, kept, loaded, predicted, exported."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from zoo.api import Metrics, Number, Simulator, Table, Task, hookimpl, load, read, row_ids
from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.prediction.network import NetworkPredictor
from zoo.registry import registry
from zoo.runtimes.runtime import open_runtime
from zoo_sparse_reco import plugin as entry_point
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import SAMPLE

Events = Callable[..., Table]
NETWORKS = ("uresnet", "uresnet-ppn")


class Accuracy(Metrics):
    """Share of voxels of the right class."""

    needs = frozenset({"semantic"})
    primary = "accuracy"

    def measure(self, samples: Table, predictions: Table) -> Table:
        pairs = [(samples["semantic"][i], predictions["semantic"][i]) for i in range(samples.rows)]
        right = [float((true == found).mean()) for true, found in pairs]
        return Table({"id": samples.ids, "right": np.array(right)})

    def summarise(self, rows: Table) -> Sequence[Number]:
        return (Number(name="accuracy", value=float(rows["right"].mean()), better="higher"),)


@pytest.fixture(scope="module", autouse=True)
def plugin() -> Iterator[None]:
    """The task with its networks alone, judged by the metrics of this test."""

    @hookimpl
    def zoo_tasks() -> Sequence[Task]:
        task = entry_point.zoo_tasks()[0]
        nets = {name: task.models[name] for name in NETWORKS}
        small = replace(task, models=nets, sources={}, figures=None)
        return (replace(small, metrics="sparse_networks_alone:Accuracy"),)

    module: Any = ModuleType("sparse_networks_alone")
    module.zoo_api, module.zoo_tasks = entry_point.zoo_api, zoo_tasks
    module.Accuracy = Accuracy
    point = EntryPoint("sparse-reco", "sparse_networks_alone", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sparse_networks_alone", module)
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


class Drawn(Simulator):
    """The events of these tests, one for each key."""

    def __init__(self, grid: VoxelGrid, events: Events) -> None:
        self.facts = grid.facts
        self.events = events

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        made = [self.events(1, int(key % np.uint64(2**31))) for key in keys]
        whole = Table.concat(made).with_columns({"id": row_ids(keys)})
        return whole.select(fields & set(whole))


@pytest.fixture(scope="module")
def data(grid: VoxelGrid, events: Events, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "drawn.h5"
    simulator = Drawn(grid, events)
    simulate_file(simulator, SAMPLE, path, task="sparse-semantic", seed=1, events=24, about={})
    return path


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _train(model: str, data: Path, out: Path, recipe: str, *sets: str) -> Result:
    small = ("model.filters=4", "model.depth=2", "training.steps=4", "training.validate_every=2")
    every = (*small, "training.batch=4", "training.log_every=1", "engine.device=cpu", *sets)
    words = ("train", f"sparse-semantic/{model}", "--data", data, "--out", out, "--recipe", recipe)
    return _run(*words, *(part for one in every for part in ("--set", one)), "--json")


def _lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


CASES: list[tuple[str, str, tuple[str, ...], set[str]]] = [
    ("uresnet", "paper", (), {"semantic"}),
    (
        "uresnet",
        "better",
        ("model.ghosts=true", 'model.features=["deposit","plane_charge"]', "model.dice=0.5"),
        {"semantic", "ghost", "dice"},
    ),
    (
        "uresnet-ppn",
        "quick",
        ("model.augmentation.dropout=0.1", "training.workers=1"),
        {"semantic", "score_1", "type", "offset", "end"},
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_training_and_its_predictions(
    data: Path, tmp_path: Path, case: tuple[str, str, tuple[str, ...], set[str]]
) -> None:
    model, recipe, sets, terms = case
    run = tmp_path / "run"
    done = _train(model, data, run, recipe, "training.epochs=none", *sets)
    assert done.exit_code == 0, done.output
    losses = [line for line in _lines(run) if "loss" in line and "gradient_norm" in line]
    assert terms <= set(losses[0])
    assert all(np.isfinite(line["loss"]) for line in losses)
    predictor = load(run)
    assert isinstance(predictor, NetworkPredictor)
    assert ("class_counts" in predictor.codec.constants) == (recipe != "paper")
    samples = read("sparse-semantic", str(data), predictor.needs)
    found = predictor.predict(samples)
    np.testing.assert_array_equal(found["semantic"].offsets, samples["voxel_x"].offsets)
    assert ("ghost_score" in found) == ("ghost" in terms)
    assert ("point_x" in found) == ("score_1" in terms)


@pytest.mark.slow
def test_a_trained_network_becomes_a_file(data: Path, tmp_path: Path) -> None:
    """By the command, with the proof that it makes, and by ONNX Runtime with two sizes and none."""
    run, out = tmp_path / "run", tmp_path / "out"
    assert _train("uresnet-ppn", data, run, "quick").exit_code == 0
    done = _run("export", run, "--format", "onnx", "--out", out, "--data", data, "--json")
    assert done.exit_code == 0, done.output
    (path,) = out.glob("*.onnx")
    report = json.loads(path.with_name(f"{path.name}.export.json").read_text())
    assert all(row["passed"] for row in report["parity"])
    assert all(column["passed"] for column in report["end_to_end"]["columns"].values())
    predictor = load(run)
    assert isinstance(predictor, NetworkPredictor)
    samples = read("sparse-semantic", str(data), predictor.needs)
    runtime = open_runtime(path)
    for rows in (1, 5, 0):
        batch = predictor.codec.encode(samples.take(slice(0, rows)))
        found, expected = runtime(batch.inputs), predictor.outputs(batch)
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-4)


def test_a_file_without_classes_is_refused(grid: VoxelGrid, events: Events, tmp_path: Path) -> None:
    class Blind(Drawn):
        def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
            return super().simulate(keys, fields - {"semantic"})

    path = tmp_path / "blind.h5"
    simulator = Blind(grid, events)
    simulate_file(simulator, SAMPLE, path, task="sparse-semantic", seed=1, events=12, about={})
    done = _train("uresnet", path, tmp_path / "run", "quick")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit_code"] == 4, done.output
    assert "semantic" in told["where"] + told["message"]
