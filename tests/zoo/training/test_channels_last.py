"""Convolutions that keep their channels innermost: the same training, resumable to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import zoo.training.run
from zoo.artifacts.model_file import read_model
from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.config.layers import Layer, Resolved, recipe_layer, resolve, set_layer
from zoo.engine.loop import Loop
from zoo.errors import Interrupted, UsageError
from zoo.training import train
from zoo.training.parts import find_parts

MODEL = "mini-track/pad-net"
INNERMOST = "engine.channels_last=true"
# All that keeps tensors of its own, and a norm, whose rounding depends on the order in memory.
FULL = (
    "data.events=47",
    "training.batch=8",
    "training.log_every=1",
    "training.accumulate=2",
    "training.ema=0.9",
    "training.snapshot_every=2",
    "optimizers.net.clip=0.1",
)
STEPS, MICRO_BATCHES = 6, 10  # two epochs of 2 + 2 + 1
CONVOLUTION = "body.3.weight"


def settings(*assignments: str) -> Resolved:
    parts = find_parts(MODEL)
    recipe = recipe_layer(parts.task.recipes, "quick")
    length = Layer("test", {"training": {"steps": STEPS, "validate_every": 3}})
    return resolve(parts.config, [recipe, length, set_layer([*FULL, *assignments])])


def digests(run: RunDirectory) -> list[str]:
    """Of the model and every snapshot."""
    files = [run.model, *sorted((run.path / "snapshots").iterdir())]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def rows(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> list[Loop]:
    """Every loop that a training makes."""
    made: list[Loop] = []

    class Seen(Loop):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            made.append(self)

    monkeypatch.setattr(zoo.training.run, "Loop", Seen)
    return made


def of_the_convolution(loop: Loop) -> Iterator[Tensor]:
    """Its weight, the average of it, and what the optimizer keeps for it."""
    weight = loop.networks["net"].get_parameter(CONVOLUTION)
    yield weight
    assert loop.ema is not None
    yield loop.ema.means["net"][CONVOLUTION]
    state = loop.machine.optimizers["net"].rule.state[weight]
    yield from (state[name] for name in ("exp_avg", "exp_avg_sq"))


def test_stopped_at_every_micro_batch_it_gives_the_same_files(
    tmp_path: Path, loops: list[Loop]
) -> None:
    whole = train(MODEL, settings(INNERMOST), tmp_path / "whole")
    out = tmp_path / "stopped"
    for _ in range(MICRO_BATCHES):
        with pytest.raises(Interrupted):
            train(MODEL, settings(INNERMOST, "training.max_time=1e-9"), out)
    stopped = train(MODEL, settings(INNERMOST), out)
    assert digests(stopped) == digests(whole)
    assert rows(stopped) == rows(whole)
    for loop in (loops[0], loops[-1]):  # undisturbed, and from a checkpoint
        for tensor in of_the_convolution(loop):
            assert tensor.is_contiguous(memory_format=torch.channels_last)
            assert not tensor.is_contiguous()


def test_it_trains_what_the_plain_order_does(tmp_path: Path, loops: list[Loop]) -> None:
    plain = train(MODEL, settings(), tmp_path / "plain")
    innermost = train(MODEL, settings(INNERMOST), tmp_path / "innermost")
    assert loops[0].networks["net"].get_parameter(CONVOLUTION).is_contiguous()
    for one, other in zip(rows(plain), rows(innermost), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)
    ours, theirs = (read_model(run.model).tensors for run in (plain, innermost))
    for name, array in ours.items():
        np.testing.assert_allclose(theirs[name], array, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_file_holds_the_plain_order(tmp_path: Path, loops: list[Loop]) -> None:
    run = train(MODEL, settings(INNERMOST), tmp_path / "run")
    array = read_model(run.model).tensors[f"networks/net/{CONVOLUTION}"]
    assert array.flags.c_contiguous
    best = loops[0].best
    assert best is not None
    np.testing.assert_array_equal(array, best.networks["net"][CONVOLUTION].numpy())
    begun = train(MODEL, settings(), tmp_path / "begun", start_from=str(run.path))
    assert begun.model.exists()


def test_it_decides_the_result(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(MODEL, settings(INNERMOST, "training.max_time=1e-9"), tmp_path)
    with pytest.raises(UsageError, match=r"engine\.channels_last"):
        train(MODEL, settings(), tmp_path)
