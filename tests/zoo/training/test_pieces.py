"""A micro-batch in pieces, and the memory that it saves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.artifacts.model_file import read_model
from zoo.artifacts.run_directory import RunDirectory

Start = Callable[..., Any]  # of the fixture in conftest.py: a fork, with the memory of its parent

MIB = 2**20
SIREN = (
    *("train", "mini-light/siren", "--recipe", "quick", "--set", "training.steps=2"),
    *("--set", "training.accumulate=1", "--set", "training.log_every=1"),
    *("--set", "engine.chunk=none", "--set", "model.hidden=512", "--set", "data.events=40"),
    # Adam would divide the rounding of the smallest gradients by themselves.
    *("--set", "optimizers.net.kind=sgd", "--set", "optimizers.net.lr=0.1"),
)
WIDE = ("--set", "data.options.side=12", "--set", "training.batch=13")
"""31 samples of 288 photomultipliers in batches of 13, the last of five; some MiB a sample."""

MANY = ("--set", "data.options.side=40", "--set", "training.batch=2", "--set", "data.events=5")
"""3200 photomultipliers: some 30 MiB a sample."""


def fresh(*words: object) -> subprocess.CompletedProcess[str]:
    """``zoo WORDS`` in a process that has nothing but its own memory."""
    command = [sys.executable, "-m", "zoo", *map(str, words)]
    environment = {k: v for k, v in os.environ.items() if k != "ZOO_PLUGINS"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def losses(run: Path) -> list[float]:
    return [row["loss"] for row in RunDirectory.open(run).metrics()]


def peak(run: Path) -> int:
    return max(row["peak_memory"] for row in RunDirectory.open(run).metrics() if "lr" in row)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What the process itself takes."""
    out = tmp_path_factory.mktemp("base") / "run"
    small = ("--set", "data.options.side=1", "--set", "training.batch=1", "--out", out)
    done = fresh(*SIREN, *small)
    assert done.returncode == 0, done.stderr
    return peak(out)


def require_same(one: Path, other: Path) -> None:
    np.testing.assert_allclose(losses(one), losses(other), rtol=1e-6)
    ours, theirs = (read_model(run / "model.safetensors").tensors for run in (one, other))
    for name, tensor in ours.items():
        np.testing.assert_allclose(tensor, theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_less_memory_and_the_same_training(base: int, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert fresh(*SIREN, *WIDE, "--out", whole).returncode == 0
    limit = base + 30 * MIB
    assert peak(whole) > limit
    command = (*SIREN, *WIDE, "--out", cut, "--max-memory", limit)
    stopped = fresh(*command, "--max-time", 1e-9)
    assert stopped.returncode == 75
    told = re.search(r"computed in (\d+) pieces", stopped.stderr)
    assert told, stopped.stderr
    chosen = json.loads((cut / "fit.json").read_text())["fit"]
    assert chosen["pieces"] == int(told[1]) > 1
    resumed = fresh(*command)
    assert resumed.returncode == 0
    assert "pieces" not in resumed.stderr  # as it was
    assert peak(cut) <= limit
    require_same(whole, cut)


def test_chunks_where_one_sample_is_too_large(base: int, tmp_path: Path) -> None:
    limit = base + 30 * MIB
    done = fresh(*SIREN, *MANY, "--out", tmp_path / "run", "--max-memory", limit)
    assert done.returncode == 0, done.stderr
    assert re.search(r"in 2 pieces, (512|1024|2048) rows at a time", done.stderr), done.stderr
    assert peak(tmp_path / "run") <= limit


def test_pieces_of_a_batch_that_is_normalised_are_refused(start: Start, tmp_path: Path) -> None:
    words = ("mini-track/pad-net", "--recipe", "quick", "--set", "data.events=60")
    done = start("train", *words, "--set", "engine.pieces=2", "--out", tmp_path / "run")
    assert done.wait() == 2
    assert "running statistics of a micro-batch" in done.said
    assert "engine.pieces" in done.said


def test_a_limit_that_would_cut_normalisation_is_refused(
    start: Start, base: int, tmp_path: Path
) -> None:
    words = ("mini-track/pad-net", "--recipe", "quick", "--set", "data.events=6000")
    limit = base + 20 * MIB
    batch = ("--set", "training.batch=4000", "--max-memory", limit, "--out", tmp_path / "run")
    done = fresh("train", *words, *batch)
    assert done.returncode == 2, done.stderr
    assert re.search(r"\d+ samples of a micro-batch do not fit, \d+ do", done.stderr), done.stderr
    assert "training.batch = " in done.stderr


def test_less_than_the_process_itself_is_refused(start: Start, tmp_path: Path) -> None:
    done = start(*SIREN, "--out", tmp_path / "run", "--max-memory", "50MiB")
    assert done.wait() == 2
    assert "one sample takes about" in done.said


@pytest.mark.parametrize("size", ["2 bananas", "-3"])
def test_what_is_no_size_is_told(start: Start, tmp_path: Path, size: str) -> None:
    words = ("train", "mini-light/siren", "--out", tmp_path / "run", f"--max-memory={size}")
    done = start(*words)
    assert done.wait() == 2
    assert "engine.max_memory" in done.said
