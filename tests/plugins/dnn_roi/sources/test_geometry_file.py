"""Invented detectors through geometry files alone: simulated, learnt, judged, exported."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from pathlib import Path
from types import ModuleType

import h5py
import pytest
from typer.testing import CliRunner, Result

import zoo_dnn_roi
from zoo.cli.app import app
from zoo_dnn_roi.physics.frame_writer import write_members
from zoo_dnn_roi.physics.geometry import Detector
from zoo_dnn_roi.sources.layout import load_layout

PIECE = ("data.options.detector.wires=48", "data.options.detector.ticks=700")


def zoo(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words], prog_name="zoo")
    assert done.exit_code == code, done.stderr
    return done


def settings(*given: str) -> list[str]:
    return [word for one in given for word in ("--set", one)]


@pytest.fixture
def geometry(tmp_path: Path, wct: ModuleType) -> Path:
    path = Path(wct.geometry(tmp_path, (48, 48, 52)))
    ticks = path.read_text().replace("tick_ns = 400.0", "tick_ns = 400.0\nticks = [0, 700]")
    path.write_text(ticks + "\n[readout]\ndrift_length_mm = 300.0\nlifetime_ms = 3.0\n")
    return path


@pytest.mark.slow
def test_an_invented_detector_from_simulation_to_export(
    tmp_path: Path, wct: ModuleType, geometry: Path
) -> None:
    mine = settings(f"data.options.detector.geometry={geometry}")
    train, run = tmp_path / "train.h5", tmp_path / "run"
    zoo("data", "simulate", "dnn-roi", "--data", "cosmics", "--events", 6, "--out", train, *mine)
    zoo(
        *("train", "dnn-roi/lite-unet", "--data", train, "--out", run, "--device", "cpu"),
        *settings("training.steps=2", "training.batch=2", "model.widths=[4, 8]"),
    )

    test = settings("data.events=2", "data.options.length_mm=50", "data.options.theta_xz=[0, 30]")
    judged = ("--split", "all", "--resamples", 20, "--json")
    told = json.loads(zoo("eval", run, "--data", "tracks", *mine, *test, *judged).stdout)
    rows = {row["model"]: row for row in told["models"]}
    assert {"dnn-roi/traditional", "dnn-roi/mp3", "dnn-roi/oracle-mask"} < set(rows)
    assert not any(row["unavailable"] for row in rows.values())

    predictions = tmp_path / "predictions.h5"
    zoo("predict", run, "--data", train, "--out", predictions)
    with h5py.File(predictions) as file:
        assert file["columns/mask"].shape == (12, 48, 700)

    out = tmp_path / "wirecell"
    zoo("export", run, "--for", "wirecell", "--data", train, "--out", out)
    sidecar = json.loads((out / "dnn-roi-lite-unet.wirecell.json").read_text())
    assert sidecar["units"]["tick"] == "400 ns"

    # Frames of the same detector suit the weights; another detector's planes do not.
    archive = tmp_path / "frames.tar.bz2"
    write_members(archive, wct.archive_members(sizes={"channels": 148, "ticks": 700}))
    frames = ("predict", run, "--data", f"wct-frames:{archive}", "--out", tmp_path / "frames.h5")
    zoo(*frames, *settings(f"data.options.detector={geometry}"))
    hd = ("predict", run, "--data", "cosmics", "--out", tmp_path / "no.h5")
    done = zoo(*hd, *settings("data.events=1", *PIECE), code=4)
    assert "geometry" in done.stderr
    assert "train on these" in done.stderr


@pytest.mark.slow
def test_the_file_of_the_page_and_its_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(zoo_dnn_roi.__file__).parent / "README.md").read_text(encoding="utf-8")
    section = page[page.index("### Geometry files") :]
    monkeypatch.chdir(tmp_path)
    file, commands = (
        re.search(rf"```{language}\n(.*?)```", section, re.DOTALL) for language in ("toml", "bash")
    )
    assert file is not None
    assert commands is not None
    Path("my-detector.toml").write_text(file[1])
    given = load_layout("my-detector.toml").readout.given()
    # The page says: as of ProtoDUNE-HD.
    assert given == {
        one.name: one.default
        for one in dataclasses.fields(Detector)
        if one.name not in {"planes", "ticks", "tick_ns"}
    }
    ran = [
        zoo(*shlex.split(line)[1:])
        for line in commands[1].replace("\\\n", " ").splitlines()
        if line.startswith("zoo ")
    ]
    assert len(ran) == 3


@pytest.mark.parametrize(
    ("change", "given", "says"),
    [
        (("pitch_mm = 2.5", ""), (), "plane C has no pitch_mm"),
        (("", ""), PIECE[:1], "said by the geometry file"),
    ],
)
def test_what_cannot_be_simulated_ends_with_code_2(
    tmp_path: Path, geometry: Path, change: tuple[str, str], given: tuple[str, ...], says: str
) -> None:
    geometry.write_text(geometry.read_text().replace(*change))
    mine = settings(f"data.options.detector.geometry={geometry}", *given)
    simulate = ("data", "simulate", "dnn-roi", "--data", "tracks", "--events", 1)
    done = zoo(*simulate, "--out", tmp_path / "no.h5", *mine, code=2)
    assert says in done.stderr
    assert str(geometry) in done.stderr
    assert "remedy:" in done.stderr
