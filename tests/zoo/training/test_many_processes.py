"""Whole trainings on two and four processes against one."""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.artifacts.model_file import read_model
from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.cli.app import app
from zoo.config.layers import Layer, Resolved, recipe_layer, resolve, set_layer
from zoo.data.workers import quiet_fork
from zoo.engine.distributed import World
from zoo.errors import ZooError
from zoo.training import train
from zoo.training.parts import find_parts

# 38 training samples of mini-track in micro-batches of 8: the last has 6, which four processes do
# not share evenly; graphs and points differ in size anyway.
RAGGED = ("data.events=47", "training.batch=8", "training.log_every=1")
KINDS = ["mini-track/pad-net", "mini-gan/wgan-lo", "mini-light/siren", "mini-points/neighbour-net"]
TOLERANCE = 1e-6


def settings(model: str, *assignments: str) -> Resolved:
    parts = find_parts(model)
    recipe = recipe_layer(parts.task.recipes, "quick")
    length = Layer("test", {"training": {"steps": 7, "validate_every": 5}})
    return resolve(parts.config, [recipe, length, set_layer([*RAGGED, *assignments])])


def on(size: int, work: Callable[[], object]) -> list[int]:
    """Run work on so many forked processes, which find each other as ``torchrun`` would have them.

    Exit codes, as the command would give them.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(size):
        sys.stderr.flush()
        with quiet_fork():
            child = os.fork()
        if not child:
            gc.freeze()  # what is imported here stays: no need to look through it, and to copy it
            os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            os._exit(_code(work))
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _code(work: Callable[[], object]) -> int:
    try:
        work()
    except ZooError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except BaseException:  # noqa: BLE001  # the child must not return into pytest
        traceback.print_exc()
        return 1
    finally:
        sys.stderr.flush()
    return 0


def trained(size: int, model: str, out: Path, *assignments: str) -> RunDirectory:
    resolved = settings(model, *assignments)
    assert on(size, lambda: train(model, resolved, out)) == [0] * size
    return RunDirectory.open(out)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]


def vector(run: RunDirectory) -> np.ndarray[Any, np.dtype[np.float64]]:
    """All floating-point tensors of the model, one after another, by name."""
    tensors = read_model(run.model).tensors
    return np.concatenate([t.ravel().astype(float) for _, t in sorted(tensors.items())])


def relative(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> float:
    """Largest difference of the losses, relative to the largest; the lines are of equal updates."""
    keys = ("step", "split", "phase")
    assert [[row[k] for k in keys] for row in one] == [[row[k] for k in keys] for row in other]
    pairs = [(a["loss"], b["loss"]) for a, b in zip(one, other, strict=True) if "loss" in a]
    return max(abs(a - b) for a, b in pairs) / max(abs(a) for a, _ in pairs)


@pytest.mark.parametrize("model", KINDS)
def test_two_processes_train_what_one_does(model: str, tmp_path: Path) -> None:
    """Batch normalisation, second order, chunked losses, ragged graphs: by sums and counts."""
    one, two = (trained(size, model, tmp_path / str(size)) for size in (1, 2))
    assert relative(rows(one), rows(two)) <= TOLERANCE
    difference = np.linalg.norm(vector(one) - vector(two))
    assert difference <= TOLERANCE * np.linalg.norm(vector(one))


def test_so_do_two_that_compute_in_pieces(tmp_path: Path) -> None:
    """Two denominators, ragged samples; the last pieces of an epoch have no sample."""
    model = "mini-points/neighbour-net"
    one = trained(1, model, tmp_path / "1")
    two = trained(2, model, tmp_path / "2", "engine.pieces=3", "training.workers=1")
    assert relative(rows(one), rows(two)) <= TOLERANCE


def test_so_do_four(tmp_path: Path) -> None:
    model = KINDS[0]
    one, four = (trained(size, model, tmp_path / str(size)) for size in (1, 4))
    assert relative(rows(one), rows(four)) <= TOLERANCE


def test_channels_may_be_innermost_on_several(tmp_path: Path) -> None:
    """Buckets are summed and audited by element, in whatever order each lies in memory."""
    model, innermost = KINDS[0], "engine.channels_last=true"
    one, two = (trained(size, model, tmp_path / str(size), innermost) for size in (1, 2))
    assert relative(rows(one), rows(two)) <= TOLERANCE
    exact = (innermost, "engine.reproducible=true", "training.accumulate=2", "training.ema=0.9")
    runs = [trained(size, model, tmp_path / f"exact-{size}", *exact) for size in (1, 2)]
    assert digest(runs[0].model) == digest(runs[1].model)
    assert rows(runs[0]) == rows(runs[1])


# All kinds on all numbers of processes take a minute more.
@pytest.mark.parametrize(
    ("model", "sizes"), list(zip(KINDS, [(1, 2, 4), (1, 2), (1, 4), (1, 2)], strict=True))
)
def test_a_reproducible_training_has_the_same_bits_on_one_two_and_four(
    model: str, sizes: Sequence[int], tmp_path: Path
) -> None:
    exact = ("engine.reproducible=true", "training.accumulate=2", "training.ema=0.9")
    runs = [trained(size, model, tmp_path / str(size), *exact) for size in sizes]
    assert len({digest(run.model) for run in runs}) == 1
    assert all(rows(run) == rows(runs[0]) for run in runs[1:])


def test_stopped_on_two_and_continued_on_four_it_has_the_same_bits(tmp_path: Path) -> None:
    model = KINDS[0]
    exact = ("engine.reproducible=true", "training.accumulate=2")
    whole = trained(1, model, tmp_path / "whole", *exact)
    out = tmp_path / "moved"
    stopped = settings(model, *exact, "training.max_time=1e-9")
    # Each start does one micro-batch: the second stop is inside of an update.
    for size in (2, 1):
        assert on(size, lambda: train(model, stopped, out)) == [75] * size
    moved = trained(4, model, out, *exact)
    assert digest(moved.model) == digest(whole.model)
    assert rows(moved) == rows(whole)


def test_a_skipped_synchronisation_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(World, "sum_tensors", lambda *_: None)
    model = KINDS[0]
    resolved = settings(model)
    assert on(2, lambda: train(model, resolved, tmp_path / "run")) == [3, 3]
    assert "the gradient of 'net/" in capfd.readouterr().err
    assert not RunDirectory.open(tmp_path / "run").model.exists()
    knowingly = settings(model, "engine.audit=false")  # as the message says: in the same directory
    assert on(2, lambda: train(model, knowingly, tmp_path / "run")) == [0, 0]


def test_too_few_samples_to_normalise_together_are_told_before(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = KINDS[0]
    one_left = ("training.batch=37", "training.steps=2")
    resolved = settings(model, *one_left)
    assert on(2, lambda: train(model, resolved, tmp_path / "run")) == [2, 2]
    assert "has 1 of 38 samples" in capfd.readouterr().err
    local = settings(model, *one_left, "engine.batch_norm=local", "engine.audit=false")
    assert on(2, lambda: train(model, local, tmp_path / "local")) == [0, 0]


def test_shards_that_do_not_divide_are_told(tmp_path: Path) -> None:
    model = KINDS[0]
    resolved = settings(model, "engine.reproducible=true")
    assert on(3, lambda: train(model, resolved, tmp_path / "run")) == [2, 2, 2]


def test_evaluating_and_predicting_on_several_is_what_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three portions, which two processes do not share evenly."""
    monkeypatch.setattr("zoo.evaluation.rows._CHUNK_BYTES", 20_000)
    model = KINDS[0]
    run = train(model, settings(model, "training.steps=2"), tmp_path / "run").path
    of = ("--data", "tracks", "--set", "data.events=120", "--split", "all")
    portions = count_calls(monkeypatch, "zoo.evaluation.rows.require_finite")

    def command(*words: object) -> Callable[[], object]:
        return lambda: app([str(word) for word in words], standalone_mode=False)

    for size in (1, 2):
        out = tmp_path / f"eval-{size}"
        evaluation = command("eval", run, *of, "--resamples", 20, "--out", out)
        prediction = command("predict", run, *of, "--out", tmp_path / f"predicted-{size}.h5")
        assert on(size, evaluation) == [0] * size
        assert on(size, prediction) == [0] * size
    evaluation()
    assert len(portions) == 3
    names = ["predicted-{}.h5"]
    names += [f"eval-{{}}/rows/{path.name}" for path in (tmp_path / "eval-1/rows").iterdir()]
    assert len(names) > 2
    for name in names:
        assert digest(tmp_path / name.format(2)) == digest(tmp_path / name.format(1)), name


def count_calls(monkeypatch: pytest.MonkeyPatch, name: str) -> list[object]:
    """Grows with every call of a function in this process."""
    module, _, attribute = name.rpartition(".")
    inner, calls = getattr(importlib.import_module(module), attribute), []

    def counted(*arguments: object) -> object:
        calls.append(arguments)
        return inner(*arguments)

    monkeypatch.setattr(name, counted)
    return calls
