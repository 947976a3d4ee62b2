"""Training with the real field response and noise, judged on the charge of a real event.

The commands are those of the plugin's page, with a training of seconds.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def zoo(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [str(word) for word in arguments], prog_name="zoo")
    assert done.exit_code == 0, done.output
    return done.stdout


def options(**values: object) -> list[str]:
    return [part for k, v in values.items() for part in ("--set", f"data.options.{k}={v}")]


def test_real_response_noise_and_charge(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = real_data / "dnn-roi"
    real = options(
        field_response=files / "dune-garfield-1d565.json.bz2",
        noise_spectrum=files / "protodunehd-noise-spectra-14mVfC-v1.json.bz2",
    )
    piece = ["--set", "data.options.detector.wires=96", "--set", "data.options.detector.ticks=1600"]
    simulate = ["data", "simulate", "dnn-roi", "--data", "cosmics", "--events", "8"]
    zoo(*simulate, *real, *piece, "--out", "cosmics.h5")
    short = ["training.steps=20", "training.batch=2", "training.validate_every=20"]
    short += ["model.crop.wires=64", "model.crop.bins=96", "training.workers=0"]
    settings = [part for setting in short for part in ("--set", setting)]
    train = ["train", "dnn-roi/lite-unet", "--data", "cosmics.h5", "--recipe", "demo"]
    zoo(*train, *settings, "--out", "run")

    event = f"real-charge:{files / 'protodunehd-sp-frames-anode1.tar.bz2'}"
    wires = options(wires=files / "protodunehd-wires-larsoft-v1.json.bz2")
    evaluate = ["eval", "run", "--data", event, "--split", "all", "--json"]
    result = json.loads(zoo(*evaluate, *real, *wires))

    errors = {
        entry["model"]: number["value"]
        for entry in result["models"]
        for number in entry["numbers"]
        if number["name"] == "E" and not number["column"]
    }
    baselines = {"dnn-roi/traditional", "dnn-roi/mp3"}
    assert set(errors) == {"run", *baselines, "dnn-roi/oracle-mask"}
    # One event, so no interval; the order is that of information: truth, traditional, 20 steps.
    assert 0 < errors["dnn-roi/oracle-mask"] < errors["dnn-roi/traditional"] < errors["run"]
