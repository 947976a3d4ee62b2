"""Trained as people do, on a file: learnt, loaded, predicted, exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from zoo.api import Simulator, Table, load, read, row_ids
from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.engine.tensors import to_numpy
from zoo.export import export
from zoo.prediction.network import NetworkPredictor
from zoo.registry import registry
from zoo.runtimes.runtime import open_runtime
from zoo_sparse_reco.clustering.codec import ClusterCodec
from zoo_sparse_reco.clustering.config import ClusterConfig, GraphSpiceConfig, SpiceConfig
from zoo_sparse_reco.clustering.deploy import ClusterDeploy
from zoo_sparse_reco.clustering.learner import ClusterLearner
from zoo_sparse_reco.clustering.networks import graph_spice_networks, spice_networks
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import STAGE_SAMPLE

Drawn = Callable[..., Table]
TERMS = {"spice": {"mask", "seed", "smoothing", "inter"}, "graph-spice": {"dice", "entropy"}}


@pytest.fixture(scope="module", autouse=True)
def plugin() -> Iterator[None]:
    """The registry with this plugin alone, whatever is installed."""
    point = EntryPoint("sparse-reco", "zoo_sparse_reco.plugin", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


class Events(Simulator):
    """The events of these tests, one for each key, with some fields only."""

    def __init__(self, grid: VoxelGrid, drawn: Drawn, without: frozenset[str]) -> None:
        self.facts = grid.facts
        self.drawn, self.without = drawn, without

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        made = [self.drawn(1, int(key % np.uint64(2**31))) for key in keys]
        whole = Table.concat(made).with_columns({"id": row_ids(keys)})
        return whole.select((fields & set(whole)) - self.without)


Write = Callable[..., Path]


@pytest.fixture(scope="module")
def data(grid: VoxelGrid, drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Write:
    folder = tmp_path_factory.mktemp("data")

    def write(*without: str) -> Path:
        path = folder / f"without-{'-'.join(without)}.h5"
        events = Events(grid, drawn, frozenset(without))
        if not path.exists():
            simulate_file(
                events, STAGE_SAMPLE, path, task="sparse-cluster", seed=1, events=20, about={}
            )
        return path

    return write


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _train(model: str, data: Path, out: Path, recipe: str, *sets: str) -> Result:
    small = ("model.filters=4", "model.depth=2", "training.steps=4", "training.validate_every=2")
    every = (*small, "training.batch=4", "training.log_every=1", "engine.device=cpu", *sets)
    words = ("train", f"sparse-cluster/{model}", "--data", data, "--out", out, "--recipe", recipe)
    return _run(*words, *(part for one in every for part in ("--set", one)), "--json")


@pytest.mark.parametrize(
    ("model", "recipe", "sets"),
    [
        ("spice", "paper", ("model.mask=lovasz",)),
        ("graph-spice", "better", ()),
        ("spice", "quick", ()),
    ],
)
def test_a_training_and_its_predictions(
    data: Write, tmp_path: Path, model: str, recipe: str, sets: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    done = _train(model, data(), run, recipe, "training.epochs=none", *sets)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [line for line in lines if "loss" in line and "gradient_norm" in line]
    assert set(losses[0]) >= TERMS[model]
    assert all(np.isfinite(line["loss"]) for line in losses)
    predictor = load(run)
    samples = read("sparse-cluster", str(data()), predictor.needs)
    assert "semantic" not in samples
    found = predictor.predict(samples)
    np.testing.assert_array_equal(found["fragment"].offsets, samples["voxel_x"].offsets)
    if model == "spice":
        # Edges that nothing has taught yet are cut, every one.
        assert found["fragment"].values.max() > 0


@pytest.mark.parametrize("field", ["input_semantic", "fragment"])
def test_files_without_what_is_needed_are_refused(data: Write, tmp_path: Path, field: str) -> None:
    done = _train("graph-spice", data(field), tmp_path / "run", "quick")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit_code"] == 4, done.output
    assert field in told["where"] + told["message"]


# ---- exports ------------------------------------------------------------------------------------


CASES: dict[str, ClusterConfig] = {
    "spice": SpiceConfig(filters=4, depth=2, reps=1, input_kernel=5),
    "graph-spice": GraphSpiceConfig(filters=4, depth=2, reps=1, input_kernel=3, normalise=True),
}


def made(name: str, grid: VoxelGrid) -> tuple[NetworkPredictor, ClusterDeploy]:
    torch.manual_seed(1)
    config = CASES[name]
    make: Any = spice_networks if name == "spice" else graph_spice_networks
    nets = make(config, grid.facts)
    with torch.no_grad():
        for key, one in nets["net"].state_dict().items():
            if one.is_floating_point():
                draw = torch.rand_like if key.endswith("var") else torch.randn_like
                one.add_(draw(one), alpha=0.1)
    learner, codec = ClusterLearner(config, grid.facts), ClusterCodec(config, grid.facts, {})
    predictor = NetworkPredictor(f"sparse-cluster/{name}", nets, learner, codec)
    return predictor, ClusterDeploy(config, grid.facts)


@pytest.mark.parametrize("name", list(CASES))
def test_the_module_answers_as_the_learner_does(name: str, drawn: Drawn, grid: VoxelGrid) -> None:
    predictor, deploy = made(name, grid)
    batch = predictor.codec.encode(drawn(2))
    assert list(batch.inputs) == list(deploy.inputs)
    for key, array in batch.inputs.items():
        assert array.dtype.name == deploy.inputs[key].dtype
        fixed = [dim for dim in deploy.inputs[key].dims if isinstance(dim, int)]
        assert list(array.shape[1:]) == fixed
    expected = predictor.outputs(batch)
    assert list(expected) == list(deploy.outputs)
    module = deploy.module(predictor.networks, predictor.codec).eval()
    with torch.no_grad():
        found = module(*(torch.from_numpy(array.copy()) for array in batch.inputs.values()))
    for one, other in zip(found if len(expected) > 1 else [found], expected.values(), strict=True):
        np.testing.assert_allclose(to_numpy(one), other, rtol=1e-5, atol=1e-6)
    inputs = deploy.example(deploy.sizes[0], np.arange(1, 4000, dtype=np.uint64))
    assert list(inputs) == list(deploy.inputs)
    assert {name: array.dtype.name for name, array in inputs.items()} == {
        name: field.dtype for name, field in deploy.inputs.items()
    }


@pytest.mark.slow
@pytest.mark.usefixtures("forked_runtime")
@pytest.mark.parametrize(
    ("name", "format_name"),
    [("spice", "onnx"), ("spice", "ts"), ("graph-spice", "onnx"), ("graph-spice", "ts")],
)
def test_exported_files_are_the_model(
    name: str, format_name: str, tmp_path: Path, drawn: Drawn, grid: VoxelGrid
) -> None:
    predictor, deploy = made(name, grid)
    done = export(predictor, format_name, out=tmp_path, samples=drawn(4, seed=7))
    assert len(done.report["parity"]) == len(deploy.outputs) * len(deploy.sizes)
    assert all(row["passed"] for row in done.report["parity"])
    assert done.report["end_to_end"]["samples"] == 4
    runtime = open_runtime(done.path)
    for count in (1, 3, 0):
        batch = predictor.codec.encode(drawn(4, seed=8).take(slice(0, count)))
        found = runtime(batch.inputs)
        for key, expected in predictor.outputs(batch).items():
            np.testing.assert_allclose(found[key], expected, rtol=1e-3, atol=1e-4)
