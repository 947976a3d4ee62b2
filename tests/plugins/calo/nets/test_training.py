"""Whole trainings: on one and three processes, stopped and resumed, by the command line."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from typer.testing import CliRunner

from zoo.api import load, read
from zoo.artifacts.model_file import read_model
from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.cli.app import app
from zoo.config.layers import Resolved, recipe_layer, resolve, set_layer
from zoo.data.workers import quiet_fork
from zoo.errors import Interrupted
from zoo.training import train
from zoo.training.parts import find_parts
from zoo.training.reporting import SilentReporter
from zoo_calo.physics.grid import Grid

Grids = Callable[..., Grid]
Files = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("plugin")
NARROW = ("model.generator_width=4", "model.critic_width=4", "model.constrainer_width=4")
LITE = ("model.width=8", "model.critic_width=8", "model.texture=2", "model.head=16")
PION = (
    "model.generator_width=4",
    "model.critic_widths=[4, 4]",
    "model.critic_blocks=[1, 1]",
    "model.constrainer_widths=[8, 4]",
    "model.constrainer_first=2",
)
WIDTHS = {"wgan-lite": LITE, "wgan-pion": PION}


def settings(model: str, data: Path, *assignments: str) -> Resolved:
    parts = find_parts(f"calo/{model}")
    widths = WIDTHS.get(model, NARROW)
    sets = ["engine.device=cpu", f"data.path={data}", "training.log_every=1", *widths, *assignments]
    return resolve(parts.config, [recipe_layer(parts.task.recipes, "quick"), set_layer(sets)])


def on(size: int, work: Callable[[], object]) -> list[int]:
    """Run work on so many forked processes, joined as ``torchrun`` would have them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(size):
        sys.stderr.flush()
        with quiet_fork():
            child = os.fork()
        if not child:
            gc.freeze()
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            code = 0
            try:
                work()
            except BaseException:  # noqa: BLE001  # the child must not return into pytest
                traceback.print_exc()
                code = 1
            os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def trained(run: Path) -> NDArray[np.float64]:
    """All numbers of the model, one after another, by name."""
    tensors = read_model(RunDirectory.open(run).model).tensors
    return np.concatenate([t.ravel().astype(float) for _, t in sorted(tensors.items())])


@pytest.mark.parametrize("model", ["wgan-lo", "wgan-lite"])
def test_three_processes_train_what_one_does(
    model: str, grids: Grids, shower_file: Files, tmp_path: Path
) -> None:
    """Critic, constrainer, generator and the critic again: each with gradients of gradients."""
    if torch.accelerator.is_available():
        pytest.skip("autograd has a thread for the accelerator, which no fork takes along")
    data = shower_file(grids(10, 9), 60)
    sets = ("training.batch=12", "training.steps=4", "training.validate_every=4")
    more = ("model.critic_updates=1", "model.constrainer_updates=1")
    names = ("critic", "constrainer", "generator")
    plain = [f"optimizers.{name}.kind=sgd" for name in names]  # Adam would step along mere rounding
    plain += [f"optimizers.{name}.betas=[0.9, 0.999]" for name in names]
    found = {}
    for name, size, rate in (("start", 1, 1e-12), ("one", 1, 0.01), ("three", 3, 0.01)):
        rates = [f"optimizers.{one}.lr={rate}" for one in names]
        resolved = settings(model, data, *sets, *more, *plain, *rates)
        assert on(size, partial(train, f"calo/{model}", resolved, tmp_path / name)) == [0] * size
        found[name] = trained(tmp_path / name)
    difference = np.linalg.norm(found["one"] - found["three"])
    assert difference <= 1e-6 * np.linalg.norm(found["one"])
    assert difference <= 1e-4 * np.linalg.norm(found["one"] - found["start"])


class StopAt(SilentReporter):
    """Asks the training to stop at a step, as a batch system does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, step: int, total: int) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_cycle_that_is_interrupted_ends_with_the_same_bits(
    grids: Grids, shower_file: Files, tmp_path: Path
) -> None:
    data = shower_file(grids(10, 9), 60)
    resolved = settings("wgan-lo", data, "training.steps=10", "training.validate_every=5")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train("calo/wgan-lo", resolved, whole)
    for stop in (2, 7):  # between two updates of the critic, and before one of the generator
        with pytest.raises(Interrupted):
            train("calo/wgan-lo", resolved, parts, progress=StopAt(stop))
    train("calo/wgan-lo", resolved, parts)
    rows = []
    for path in (whole, parts):
        run = RunDirectory.open(path)
        log = [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]
        rows.append((hashlib.sha256(run.model.read_bytes()).hexdigest(), log))
    assert rows[0] == rows[1]


def _run(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("model", ["wgan", "wgan-angle", "wgan-pion"])
def test_a_training_by_the_command_line(
    model: str, grids: Grids, shower_file: Files, tmp_path: Path
) -> None:
    data = shower_file(grids(10, 9), 60)
    sets = [*WIDTHS.get(model, NARROW), "training.steps=8", "engine.device=cpu"]
    sets += ["training.validate_every=8", "training.snapshot_every=4"]
    words = ("train", f"calo/{model}", "--data", data, "--out", tmp_path / "run")
    done = _run(*words, "--recipe", "quick", *(part for one in sets for part in ("--set", one)))
    assert done.exit_code == 0, done.output
    lines = [json.loads(one) for one in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    told = set().union(*lines)
    assert {"critic", "penalty", "wasserstein", "generator", "energy"} <= told
    assert all(np.isfinite(line["loss"]) for line in lines if "loss" in line)
    assert len(list((tmp_path / "run/snapshots").iterdir())) >= 2
    predictor = load(tmp_path / "run")
    samples = read("calo", str(data), predictor.needs)
    found = predictor.predict(samples)
    assert found["cell"].lengths.sum() > 0
    assert found["deposit"].values.min() > 0
    again = predictor.predict(samples)
    np.testing.assert_array_equal(again["deposit"].values, found["deposit"].values)


def test_a_post_processor_is_trained_last(grids: Grids, shower_file: Files, tmp_path: Path) -> None:
    data = shower_file(grids(10, 9), 60)
    post = ("model.post.begin=5", "model.post.width=4", "optimizers.post.lr=1e-3")
    resolved = settings("wgan", data, "training.steps=7", "training.validate_every=7", *post)
    run = train("calo/wgan", resolved, tmp_path / "run")
    phases = [row["phase"] for row in run.metrics() if row["split"] == "train"]
    assert phases == ["critic", "critic", "constrainer", "generator", "critic", "post", "post"]
