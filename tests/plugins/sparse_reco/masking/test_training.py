"""As people do it: pre-train, judge, report, and begin sparse-semantic from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from zoo.api import Simulator, Table, file_digest, load, row_ids
from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.prediction.network import NetworkPredictor
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid
from zoo_sparse_reco.specs import SAMPLE

Events = Callable[..., Table]


class Drawn(Simulator):
    """The events of these tests, one for each key."""

    def __init__(self, grid: VoxelGrid, events: Events) -> None:
        self.facts, self.events = grid.facts, events

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        made = [self.events(1, int(key % np.uint64(2**31))) for key in keys]
        whole = Table.concat(made).with_columns({"id": row_ids(keys)})
        return whole.select(fields & set(whole))


@pytest.fixture(scope="module")
def data(grid: VoxelGrid, events: Events, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of ``sparse-semantic``: both tasks have the same voxels."""
    path = tmp_path_factory.mktemp("data") / "drawn.h5"
    simulator = Drawn(grid, events)
    simulate_file(simulator, SAMPLE, path, task="sparse-semantic", seed=1, events=24, about={})
    return path


def _run(*words: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


def _train(model: str, data: Path, out: Path, *more: str | Path) -> Result:
    sets = (
        *("model.filters=4", "model.depth=2", "training.steps=3", "training.validate_every=3"),
        *("engine.device=cpu", "training.log_every=1"),
    )
    words = ("train", model, "--data", data, "--out", out, "--recipe", "quick", *more)
    return _run(*words, *(part for one in sets for part in ("--set", one)))


@pytest.mark.slow
def test_from_hidden_voxels_to_classes(data: Path, tmp_path: Path) -> None:
    masked, judged, tuned = tmp_path / "masked", tmp_path / "judged", tmp_path / "tuned"
    _train("sparse-masked/uresnet", data, masked)
    _run("eval", masked, "--data", data, "--resamples", "20", "--out", judged)
    results = json.loads((judged / "results.json").read_text())
    assert results["primary"] == "log energy RMS error"
    _run("report", judged)
    names = {path.stem for path in judged.rglob("*.png")}
    assert {"masked-numbers", "masked-against-size", "masked-energies", "event-1"} <= names
    done = _train("sparse-semantic/uresnet", data, tuned, "--from", masked)
    predictor = load(tuned)
    assert isinstance(predictor, NetworkPredictor)
    names = set(predictor.networks["net"].state_dict())
    taken = sum(name.startswith("backbone.") for name in names)
    assert f"loaded {taken} tensors; not in the file, so random: net/heads.active" in done.output
    digest = file_digest(masked / "model.safetensors")
    assert digest in json.dumps(predictor.info["lineage"])
