"""What is told before and during a training."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from rich.console import Console

from zoo.config.layers import resolve, set_layer
from zoo.training.parts import find_parts
from zoo.training.preview import preview
from zoo.training.reporting import ConsoleReporter
from zoo_miniatures.track.learner import Heteroscedastic
from zoo_miniatures.track.physics import PADS, ROWS

MODEL, TRACK = "mini-gan/wgan-lo", "mini-track/pad-net"


def described(*assignments: str) -> dict[str, Any]:
    phases = [f"optimizers.{n}.kind='adam'" for n in ("critic", "constrainer", "generator")]
    return preview(MODEL, resolve(find_parts(MODEL).config, [set_layer([*phases, *assignments])]))


def test_parameters_shapes_and_memory_without_data() -> None:
    told = described("training.ema=0.9")
    # Defaults: latent 8, hidden 32, 24 layers: 9*32+32 + 32*32+32 + 32*24+24.
    assert told["networks"]["generator"] == 288 + 32 + 1024 + 32 + 768 + 24
    # Bytes of float32; Adam keeps two numbers a parameter, the average one more.
    size = 4 * sum(told["networks"].values())
    assert told["memory"] == {
        "parameters": size,
        "gradients": 4 * told["networks"]["generator"],
        "optimizers": 2 * size,
        "average": size,
        "total": 4 * size + 4 * told["networks"]["generator"],
    }
    assert told["shapes"]["targets.fractions"] == "float32 [2, 24]"
    assert told["notes"] == []
    assert told["provenance"]["training.ema"] == "--set"


def tracks(*assignments: str) -> dict[str, Any]:
    return preview(TRACK, resolve(find_parts(TRACK).config, [set_layer(assignments)]))


def test_work_is_that_of_the_loss_and_its_gradient() -> None:
    told = tracks("training.steps=30", "training.batch=8", "training.accumulate=2")
    # Width 8: 3 x 3 on one channel, then rows x 3 on eight; the first layer has no input gradient.
    first, second, last = ROWS * PADS * 9 * 8, PADS * 8 * 8 * ROWS * 3, 8 * PADS * 2
    assert told["work"]["sample"] == 2 * first + 3 * second + 3 * last
    assert told["work"]["samples"] == 30 * 8 * 2
    assert told["work"]["total"] == 480 * told["work"]["sample"]
    seconds = told["work"]["total"] / told["work"]["rate"]
    assert told["work"]["core_hours"] == pytest.approx(seconds / 3600)
    assert 1e8 < told["work"]["rate"] < 1e13  # a core of anything, in multiply-adds per second


def test_work_of_epochs_needs_the_number_of_events() -> None:
    assert tracks("training.epochs=3")["work"]["samples"] is None
    told = tracks(
        *("training.epochs=3", "data.source=tracks", "data.events=40"),
        *("data.validation=0", "data.test=0"),
    )
    assert told["work"]["samples"] == 3 * 40
    assert told["notes"] == []


def test_work_of_several_phases_is_their_mean() -> None:
    told = described("training.steps=10")
    assert told["work"]["sample"] > 0
    assert told["notes"] == []


def test_what_needs_values_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(*_: object) -> None:
        torch.zeros(1, device="meta").item()

    monkeypatch.setattr(Heteroscedastic, "loss", loss)
    told = tracks("training.steps=30")
    assert told["work"] == {}
    assert "cannot be counted from shapes alone" in told["notes"][-1]


def test_plain_lines_have_rate_and_time_left() -> None:
    stream = io.StringIO()
    with ConsoleReporter(Console(file=stream, width=200)) as reporter:
        reporter.progress(1, 10)
        reporter.progress(2, 10)
        row = {"step": 2, "epoch": 0, "split": "train", "phase": "net", "loss": 1.25, "seconds": 1}
        row |= {"samples_per_second": 123.4, "data_wait": 0.5, "peak_memory": 2**30}
        reporter.row(row)
        reporter.row({**row, "step": 3})  # too soon for another line of training
        reporter.row({"step": 2, "split": "validation", "phase": "net", "loss": 0.5, "seconds": 1})
        reporter.message("[brackets] stay")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("step 2/10  train net  loss 1.25")
    assert "loss 1.25  " in lines[0]  # and then the rates: what is measured is no value
    assert "steps/s, 123 samples/s, " in lines[0]
    assert lines[0].endswith("left")
    assert "validation net  loss 0.5  " in lines[1]
    assert "123 samples/s" in lines[1]
    assert lines[2] == "[brackets] stay"


def test_a_terminal_gets_a_bar() -> None:
    stream = io.StringIO()
    with ConsoleReporter(Console(file=stream, force_terminal=True, width=100)) as reporter:
        reporter.progress(5, 10)
        reporter.row({"step": 5, "split": "validation", "phase": "net", "loss": 0.5, "seconds": 1})
    assert "5/10" in stream.getvalue()
    assert "loss 0.5" in stream.getvalue()
