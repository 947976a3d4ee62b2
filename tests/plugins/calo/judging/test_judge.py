"""``zoo calo judge``: two files, a model, its tables and files, and what it refuses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from zoo.api import Config, Model, Ragged, Table, Task, hookimpl
from zoo.cli.app import app as zoo_app
from zoo.data.writer import TableWriter
from zoo.registry import registry
from zoo_calo.commands.judge import register
from zoo_calo.drawings.observables import occupancies
from zoo_calo.fidelity.classifier import Budget
from zoo_calo.fidelity.job import drawings_of
from zoo_calo.fidelity.judge import Settings, judge
from zoo_calo.physics.grid import Grid, Rings
from zoo_calo.physics.showers import listed
from zoo_calo.specs import SAMPLE

FAST = ("--hidden", "64", "--epochs", "8", "--resamples", "10")


class Doubled:
    """Twice the energy of the true showers: a model that is wrong, and knows how."""

    needs = frozenset({"cell", "deposit"})
    targets: frozenset[str] = frozenset()

    def __init__(self, config: Any, facts: Any) -> None:
        pass

    def fit(self, training: Any) -> None:
        pass

    def predict(self, samples: Table, keys: Any = None) -> Table:
        deposit = samples["deposit"]
        return samples.with_columns({"deposit": Ragged(2 * deposit.values, deposit.offsets)})


@pytest.fixture(scope="module", autouse=True)
def plugin() -> Iterator[None]:
    """The task with the parts that judging needs, whatever else is installed."""
    module: Any = ModuleType("calo_for_tests")
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    module.app, module.Doubled, module.Config = app, Doubled, Config
    module.zoo_api = hookimpl(specname="zoo_api")(lambda: (1, 0))
    task = Task(
        name="calo",
        summary="showers",
        sample="zoo_calo.specs:SAMPLE",
        prediction="zoo_calo.specs:PREDICTION",
        models={
            "doubled": Model(
                config="calo_for_tests:Config",
                summary="twice",
                predictor="calo_for_tests:Doubled",
                baseline=True,
                needs=frozenset({"cell", "deposit"}),
            )
        },
        sources={},
        codec="calo_for_tests:Doubled",
        learner="calo_for_tests:Doubled",
        metrics="zoo_calo.metrics:CaloMetrics",
        figures="zoo_calo.figures:CaloFigures",
        published="zoo_calo:published.toml",
    )
    module.zoo_tasks = hookimpl(specname="zoo_tasks")(lambda: (task,))
    module.zoo_commands = hookimpl(specname="zoo_commands")(lambda: {"calo": "calo_for_tests:app"})
    point = EntryPoint("calo", "calo_for_tests", "zoo.plugins")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "calo_for_tests", module)
        patch.setattr("zoo.registry.entry_points", lambda **_: [point])
        registry.cache_clear()
        yield
    registry.cache_clear()


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory, toy: Callable[..., Table], toy_grid: Any
) -> dict[str, Path]:
    """A reference, another sample of its law with other energies and size, a shifted one."""
    folder = tmp_path_factory.mktemp("showers")
    grid, rng = toy_grid(), np.random.default_rng(1)
    samples = {
        "reference": (toy(rng.uniform(4.6, 5.4, 400), 1, grid), grid),
        "same": (toy(rng.uniform(4.6, 5.4, 300), 2, grid), grid),
        "shifted": (toy(rng.uniform(4.6, 5.4, 300), 3, grid, depth=1.3), grid),
        "few": (toy(rng.uniform(1.6, 8.4, 20), 4, grid), grid),
        "other": (toy(rng.uniform(1.6, 8.4, 60), 5, toy_grid(cells=12)), toy_grid(cells=12)),
        "high": (toy(np.full(60, 20.0), 6, grid), grid),
    }
    for name, (table, one) in samples.items():
        path, rows = folder / f"{name}.h5", table.rows
        with TableWriter(path, SAMPLE, facts=one.facts(), task="calo", block_rows=rows) as writer:
            writer.append(table.with_columns({"group": table.ids}))
    return {name: folder / f"{name}.h5" for name in samples}


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(zoo_app, ["calo", "judge", *map(str, words)])


def refused(code: int, *words: str | Path) -> str:
    done = run(*words, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == code == told["exit_code"], told
    return str(told["message"])


def test_two_files_are_judged_in_one_command(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Drawing takes seconds; test_figures.py draws all of them.
    monkeypatch.setattr(
        "zoo_calo.fidelity.job.of_samples", lambda grid, r, models: [occupancies(grid, r, models)]
    )
    out = tmp_path / "judged"
    words = ("--data", files["reference"], "--showers", files["same"], "--out", out, *FAST)
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == json.loads((out / "results.json").read_text())
    assert told["showers"] == {"reference": 400, "generated": 300}
    assert told["corrected_js"]["low"] < 0.1
    assert told["raw_js_sum"] == pytest.approx(told["floor_of_raw_js_sum"], rel=0.15)
    for level in ("low-level", "high-level"):
        auc = told["auc"][level]
        assert abs(auc["auc"] - 0.5) < 4 * auc["error"]
    assert abs(told["kpd"]["value"]) < 4 * told["kpd"]["error"]
    assert told["fpd"]["small"]
    assert told["kpd"]["small"]
    assert told["coverage"] == pytest.approx(told["coverage_of_one_law"], abs=0.1)
    assert all(check["verdict"] != "fail" for check in told["checks"])
    assert {path.name for path in out.glob("*.png")} == {"occupancy.png", "overlays.png"}


def test_a_shift_is_seen_by_every_measure(files: dict[str, Path]) -> None:
    words = ("--data", files["reference"], "--showers", files["shifted"], *FAST)
    told = json.loads(run(*words, "--json").stdout)
    assert told["corrected_js"]["low"] > 0.1
    assert told["auc"]["high-level"]["auc"] > 0.6
    assert told["kpd"]["value"] > 3 * told["kpd"]["error"]
    assert told["wasserstein"]["centre of gravity"] > 0.5
    failed = {check["name"] for check in told["checks"] if check["verdict"] == "fail"}
    assert "share of the last layers" in failed


def rings() -> Grid:
    """Layers that differ in their bins, as in the first data set of the CaloChallenge."""
    each = tuple(
        Rings(r_mm=tuple(float(r) for r in range(0, 5 * n, 5)), alphas=1 if n < 6 else 8)
        for n in (5, 9, 9, 7, 5) * 3
    )
    return Grid(
        name="rings",
        depth_mm=tuple(float(z) for z in range(15)),
        layer_weight=(1.0,) * 15,
        threshold_mev=0.01,
        mip_mev=0.05,
        rings=each,
    )


def ringed(seed: int) -> Table:
    grid, rng = rings(), np.random.default_rng(seed)
    energy = rng.choice([0.5, 2.0, 260.0], 120)
    chance = rng.gamma(0.3, 1, (120, grid.cells)) * np.exp(-np.hypot(grid.x_mm, grid.y_mm) / 10)
    share = chance / chance.sum(1, keepdims=True)
    cell, deposit = listed((1e3 * energy[:, None] * share).astype(np.float32))
    ids = np.arange(120, dtype=np.uint64) + 1000 * seed
    return Table({"id": ids, "energy": energy, "cell": cell, "deposit": deposit})


def test_cylinders_are_judged_too() -> None:
    small = Settings(resamples=5, budget=Budget(hidden=8, epochs=2))
    first, second = ringed(1), ringed(2)
    found = judge(first, second, rings(), small)
    assert found.corrected[1] < 0.15
    assert set(found.classifiers) == {"high-level", "low-level"}
    assert {f.verdict for f in found.findings if f.name == "same core"} == {"unknown"}
    names = [drawing.name for drawing in drawings_of(rings(), first, second, "theirs")]
    assert "core-scan" not in names
    assert {"observables", "overlays", "correlations"} <= set(names)


def test_a_model_is_judged_and_told_for_people(files: dict[str, Path]) -> None:
    words = ("calo/doubled", "--data", files["reference"], "--no-classifiers", *FAST)
    done = run(*words)
    assert done.exit_code == 0, done.output
    bias = next(line for line in done.stdout.splitlines() if line.startswith("visible energy +"))
    assert float(bias.split()[2]) == pytest.approx(100, abs=10)  # cells cross the threshold too
    assert "AUC" not in done.stdout
    assert "[pass]" in done.stdout
    assert "fewer than published ones take" in done.stdout
    assert done.stdout.splitlines()[0] == "showers: 400 of the reference, 400 generated"


def test_bad_requests_are_refused(files: dict[str, Path]) -> None:
    data = ("--data", files["reference"])
    assert "one thing is judged" in refused(2, *data)
    assert "one thing is judged" in refused(2, "calo/doubled", *data, "--showers", files["same"])
    assert "a model of the task calo" in refused(2, "optics/lut", *data)
    assert "needs 50" in refused(4, *data, "--showers", files["few"])
    assert "their grid is that of" in refused(4, *data, "--showers", files["other"])
    assert "common energy" in refused(4, *data, "--showers", files["high"])
    device = (*data, "--showers", files["same"], "--device", "toaster", *FAST)
    assert "no device" in refused(2, *device)
