"""The profile of a training: what it tells, and that the training is the same."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.profiler import profile

from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.config.layers import Resolved, recipe_layer, resolve, set_layer
from zoo.errors import Interrupted
from zoo.training import train
from zoo.training.parts import find_parts
from zoo.training.profiling import Profiler, window
from zoo.training.reporting import SilentReporter

MODEL = "mini-track/pad-net"
SMALL = ("data.events=60", "training.batch=8", "training.log_every=1")


class Told(SilentReporter):
    def __init__(self, stop_at: int = -1) -> None:
        self.messages: list[str] = []
        self._stop_at = stop_at

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, step: int, total: int) -> None:
        if step == self._stop_at:
            os.kill(os.getpid(), signal.SIGTERM)


def settings(steps: int, validate_every: int) -> Resolved:
    parts = find_parts(MODEL)
    length = (f"training.steps={steps}", f"training.validate_every={validate_every}")
    recipe = recipe_layer(parts.task.recipes, "quick")
    return resolve(parts.config, [recipe, set_layer([*SMALL, *length])])


def summary(run: RunDirectory) -> dict[str, Any]:
    return run.read_json(run.path / "profile" / "summary.json")


def without_clock(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (1000, (5, 10)),
        (15, (5, 10)),
        (14, (4, 10)),
        (9, (3, 6)),
        (2, (0, 2)),
        (1, (0, 1)),
        (0, (0, 0)),
    ],
)
def test_the_window(left: int, expected: tuple[int, int]) -> None:
    assert window(left) == expected


def test_a_profile_tells_steps_operators_and_waiting(tmp_path: Path) -> None:
    chosen = settings(17, 17)
    told = Told()
    plain = train(MODEL, chosen, tmp_path / "plain")
    run = train(MODEL, chosen, tmp_path / "profiled", profile=True, progress=told)
    assert run.model.read_bytes() == plain.model.read_bytes()
    assert without_clock(run) == without_clock(plain)
    assert run.identity() == plain.identity()
    assert not (plain.path / "profile").exists()

    found = summary(run)
    assert (found["after_step"], found["steps"]) == (5, 10)
    with (run.path / "profile" / "operators.csv").open() as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    # AdamW is called once a step; the network has two convolutions, each with a gradient.
    assert rows["Optimizer.step#AdamW.step"]["calls"] == "10"
    assert rows["aten::convolution_backward"]["calls"] == "20"
    assert all(float(row["cpu"]) >= float(row["self_cpu"]) >= 0 for row in rows.values())
    largest = [one["self_cpu"] for one in found["by_self_cpu"]]
    assert largest == sorted((float(row["self_cpu"]) for row in rows.values()), reverse=True)[:10]

    trace = json.loads((run.path / "profile" / "trace.json").read_text())["traceEvents"]
    spans = [event for event in trace if event.get("cat") == "user_annotation"]
    steps = [event["dur"] for event in spans if event["name"].startswith("ProfilerStep#")]
    waits = [event["dur"] for event in spans if event["name"] == "wait for a batch"]
    assert len(steps) == len(waits) == 10
    # torch's own clock and ours.
    assert found["data_wait"] == pytest.approx(sum(waits) / sum(steps), abs=0.05)
    assert found["samples_per_second"] == pytest.approx(
        sum(_batches(chosen, 5, 10)) / sum(steps) * 1e6, rel=0.2
    )
    (text,) = [message for message in told.messages if message.startswith("profile of")]
    assert text.startswith("profile of steps 6 to 15: ")
    assert found["by_self_cpu"][0]["name"] in text
    assert f"{found['data_wait']:.0%} of the time waiting for data" in text


def _batches(chosen: Resolved, first: int, count: int) -> list[int]:
    """Sizes of micro-batches: the last of an epoch has the rows that are left."""
    from zoo.data.splits import SPLIT_SEED, split_blocks
    from zoo.prediction.sources import open_source

    config = chosen.config
    source = open_source("mini-track", config.data)
    blocks = split_blocks(source.blocks(), config.data.validation, config.data.test, SPLIT_SEED)[
        "train"
    ]
    rows, batch = sum(block.rows for block in blocks), config.training.batch
    epoch = [min(batch, rows - start) for start in range(0, rows, batch)]
    return [epoch[number % len(epoch)] for number in range(first, first + count)]


def test_a_validation_is_not_taken_for_training(tmp_path: Path) -> None:
    run = train(MODEL, settings(16, 8), tmp_path / "run", profile=True)
    trace = json.loads((run.path / "profile" / "trace.json").read_text())["traceEvents"]
    names = {event.get("name") for event in trace}
    assert "validation" in names
    assert summary(run)["steps"] == 10


def test_short_resumed_and_finished_trainings(tmp_path: Path) -> None:
    out, told = tmp_path / "run", Told(stop_at=4)
    chosen = settings(20, 20)
    with pytest.raises(Interrupted):
        train(MODEL, chosen, out, profile=True, progress=told)
    # The window had not begun: there is nothing to write.
    assert not (out / "profile").exists()
    with pytest.raises(Interrupted):
        train(MODEL, chosen, out, profile=True, progress=Told(stop_at=12))
    run = RunDirectory.open(out)
    assert (summary(run)["after_step"], summary(run)["steps"]) == (9, 3)
    told = Told()
    train(MODEL, chosen, out, profile=True, progress=told)
    assert "short training: the profile skips 2 and records 6 steps" in told.messages
    assert (summary(run)["after_step"], summary(run)["steps"]) == (14, 6)
    assert run.model.read_bytes() == train(MODEL, chosen, tmp_path / "plain").model.read_bytes()
    told = Told()
    train(MODEL, chosen, out, profile=True, progress=told)
    assert told.messages == [f"{out}: this training is finished"]


def test_nothing_is_left(tmp_path: Path) -> None:
    messages: list[str] = []
    profiler = Profiler(tmp_path / "profile", torch.device("cpu"), messages.append)
    profiler.plan(7, 7)
    profiler.close()
    assert messages == ["no step is left to profile"]
    assert not (tmp_path / "profile").exists()


@pytest.mark.parametrize("method", ["start", "stop", "export_chrome_trace"])
def test_a_profile_that_fails_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    original = getattr(profile, method)

    def fail(*arguments: object) -> None:
        if method == "stop":
            original(*arguments)  # or the next test would find torch's profiler at work
        raise RuntimeError("no permission")

    monkeypatch.setattr(profile, method, fail)
    told = Told()
    run = train(MODEL, settings(9, 9), tmp_path / "run", profile=True, progress=told)
    assert run.model.exists()
    failures = [text for text in told.messages if "the profile failed" in text]
    assert failures == ["the profile failed (RuntimeError: no permission)"]
