"""lite-unet trained as people do: through torchrun, and compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo.artifacts.run_directory import RunDirectory

PLANE = ("wires=64", "ticks=800", "drift_length_mm=500")
SMALL = (
    *("--recipe", "demo", "--device", "cpu", "--set", "training.steps=2"),
    *("--set", "training.batch=4", "--set", "training.log_every=1"),
    # Each mode of each network is compiled anew: two levels, and nothing to validate.
    *("--set", "model.widths=[4,8]", "--set", "data.validation=0"),
)


def zoo(*words: object, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *before, "-m", "zoo", *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "cosmics.h5"
    words = [word for size in PLANE for word in ("--set", f"data.options.detector.{size}")]
    simulate = ("data", "simulate", "dnn-roi", "--data", "cosmics", "--events", 6, "--out", path)
    done = zoo(*simulate, *words)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Losses of the plain training."""
    out = tmp_path_factory.mktemp("plain") / "run"
    done = zoo("train", "dnn-roi/lite-unet", "--data", data, *SMALL, "--out", out)
    assert done.returncode == 0, done.stderr
    return losses(out)


def losses(run: Path) -> list[float]:
    rows: list[dict[str, Any]] = RunDirectory.open(run).metrics()
    return [row["loss"] for row in rows if "loss" in row]


@pytest.mark.slow
def test_torchrun(data: Path, plain: list[float], tmp_path: Path) -> None:
    """Normalised over both, compared with one process in the first step, told once."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    train = ("train", "dnn-roi/lite-unet", "--data", data, *SMALL, "--out", tmp_path, "--json")
    done = zoo(*train, before=torchrun)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["step"] == 2
    assert losses(tmp_path) == pytest.approx(plain, rel=1e-3)


@pytest.mark.slow
def test_compiled(data: Path, plain: list[float], tmp_path: Path) -> None:
    """It is compared with the network itself before the first step, too."""
    compiled = ("--set", "engine.compile=true")
    done = zoo("train", "dnn-roi/lite-unet", "--data", data, *SMALL, *compiled, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path) == pytest.approx(plain, rel=1e-3)
