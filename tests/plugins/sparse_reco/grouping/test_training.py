"""Trained as people do, on a file: learnt, loaded, predicted, judged."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from zoo.api import Simulator, Table, load, read, row_ids
from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.registry import registry
from zoo.report.published import PublishedValue
from zoo_sparse_reco.grouping.judging.told import told_of
from zoo_sparse_reco.grouping.stages import STAGES
from zoo_sparse_reco.specs import STAGE_SAMPLE

RandomEvents = Callable[..., Table]
Facts = dict[str, Any]
Write = Callable[..., Path]


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
    """The events of these tests, one for each key, without some fields."""

    def __init__(self, facts: Facts, made: RandomEvents, without: frozenset[str]) -> None:
        self.facts, self.made, self.without = facts, made, without

    def simulate(self, keys: NDArray[np.uint64], fields: frozenset[str]) -> Table:
        tables = [self.made(1, seed=int(key % np.uint64(2**31))) for key in keys]
        whole = Table.concat(tables).with_columns({"id": row_ids(keys)})
        return whole.select((fields & set(whole)) - self.without)


@pytest.fixture(scope="module")
def data(
    facts: Facts, random_events: RandomEvents, tmp_path_factory: pytest.TempPathFactory
) -> Write:
    folder = tmp_path_factory.mktemp("data")

    def write(*without: str) -> Path:
        path = folder / f"without-{'-'.join(without)}.h5"
        events = Events(facts, random_events, frozenset(without))
        if not path.exists():
            simulate_file(
                events, STAGE_SAMPLE, path, task="sparse-group", seed=1, events=16, about={}
            )
        return path

    return write


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _train(model: str, data: Path, out: Path, recipe: str, *sets: str) -> Result:
    small = ("model.width=6", "model.layers=2", "training.steps=2", "training.validate_every=2")
    every = (*small, "training.batch=4", "training.log_every=1", "engine.device=cpu", *sets)
    words = ("train", f"sparse-group/{model}", "--data", data, "--out", out, "--recipe", recipe)
    return _run(*words, *(part for one in every for part in ("--set", one)), "--json")


CASES: list[tuple[str, str, tuple[str, ...], set[str]]] = [
    (
        "grappa-shower",
        "paper",
        ("training.epochs=none", "model.use_group_pred=false"),
        {"edge", "primary"},
    ),
    ("grappa-track", "quick", ("model.points=false",), {"edge"}),
    (
        "grappa-interaction",
        "better",
        ("training.epochs=none", "model.momentum_loss=log-cosh", "model.vertices=true"),
        {"edge", "primary", "pid", "momentum", "vertex"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_training_and_its_predictions(data: Write, tmp_path: Path, case: Any) -> None:
    model, recipe, sets, terms = case
    run = tmp_path / "run"
    done = _train(model, data(), run, recipe, *sets)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [line for line in lines if "loss" in line and "gradient_norm" in line]
    assert terms <= set(losses[0])
    assert all(np.isfinite(line["loss"]) for line in losses)
    predictor = load(run)
    samples = read("sparse-group", str(data()), predictor.needs)
    assert not {"semantic", "fragment", "interaction"} & set(samples)
    found = predictor.predict(samples)
    stage = STAGES[int(found["stage"][0])]
    assert model == f"grappa-{stage.name}"
    told = told_of(samples, found, stage)  # voxels, nodes and their table agree
    assert len(told.nodes) == len(found["node_id"].values) > 0


@pytest.mark.parametrize("field", ["input_particle", "input_point_x", "interaction"])
def test_files_without_what_is_needed_are_refused(data: Write, tmp_path: Path, field: str) -> None:
    done = _train("grappa-interaction", data(field), tmp_path / "run", "quick")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit_code"] == 4, done.output
    assert field in told["where"] + told["message"]


def test_published_values_are_those_of_the_papers() -> None:
    """Of PRD 104 072004, and where the preprint arXiv:2007.01335 alone has them, of that."""
    text = (files("zoo_sparse_reco.grouping") / "published.toml").read_text(encoding="utf-8")
    values = [PublishedValue.model_validate(one) for one in tomllib.loads(text)["value"]]
    found = {value.number: value.value for value in values}
    assert found == {
        "showers: efficiency, purity": "99.6 %, 99.4 %",
        "showers: ARI (preprint)": "97.8 %",
        "primary fragments of showers told right": "99.8 %",
        "interactions: efficiency, purity": "99.5 %, 99.8 %",
        "interactions: ARI (preprint)": "99.2 %",
    }
    assert all("2007.01335" in value.source for value in values)
