"""``zoo optics calibrate``: what it writes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.api import DataError, load, read
from zoo.cli.app import app
from zoo_optics.calibration.apply import Calibrated, read_calibration

Made = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("plugin")
SHIFT = [1.5, -2.0, 1.7]


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _done(*words: str | Path) -> dict[str, Any]:
    done = _run(*words, "--json")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _error(code: int, *words: str | Path) -> dict[str, Any]:
    done = _run(*words, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == code == told["exit_code"], told
    return told


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Files of boxes: ``made(name, events, seed, *settings)``."""
    folder = tmp_path_factory.mktemp("boxes")

    def make(name: str, events: int, seed: int, *settings: str, source: str = "lar-box") -> Path:
        path = folder / f"{name}.h5"
        words = ["data", "simulate", "optics", "--data", source, "--out", str(path)]
        words += ["--events", str(events), "--seed", str(seed)]
        words += [word for setting in settings for word in ("--set", f"data.options.{setting}")]
        if not path.exists():
            done = _run(*words)
            assert done.exit_code == 0, done.output
        return path

    return make


@pytest.fixture(scope="module")
def flashes(made: Made) -> Path:
    settings = ("faults.dead=0.1", "faults.yield_rms=0.15", "margin_cm=10")
    shift = f"faults.position_error_cm={[-x for x in SHIFT]}"
    return made("flashes", 60, 2, *settings, shift)


@pytest.fixture(scope="module")
def run(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "vector"
    sets = ("training.steps=40", "training.validate_every=40", "model.hidden=32")
    words = ["train", "optics/siren-vector", "--data", str(made("training", 100, 1))]
    words += ["--recipe", "better", "--out", str(folder)]
    done = _run(*words, *(word for one in sets for word in ("--set", one)))
    assert done.exit_code == 0, done.output
    return folder


def test_what_is_written_is_told_and_makes_a_model_better(
    flashes: Path, run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "found.json"
    told = _done("optics", "calibrate", run, "--data", flashes, "--out", out)
    assert json.loads(out.read_text(encoding="utf-8")) == told
    summary = told["summary"]
    assert summary["flashes"] == 60
    assert summary["sensors without charge"] == 6
    assert told["yields"].count(None) == 6
    assert set(summary["pulls"]) == {
        f"{name}, by {kind}" for name in ("yields", "offset") for kind in ("counting", "scatter")
    }
    assert summary["deviance over counting"] > 1
    samples, bare = read("optics", str(flashes)), load(run)
    constants = read_calibration(out)
    calibrated = Calibrated(bare, constants, bare.facts)  # type: ignore[attr-defined]
    seen, alive = samples["charge"].astype(np.float64), samples["alive"]

    def lack(predictor: Any) -> float:
        mean = predictor.predict(samples)["charge"].astype(np.float64)
        return float((mean - seen * np.log(mean))[alive].sum())

    assert lack(calibrated) < lack(bare)
    one = samples.take([0])
    moved = one.with_columns({"position": one["position"] + constants.offset_cm.astype("f4")})
    np.testing.assert_allclose(
        calibrated.predict(one)["charge"],
        bare.predict(moved)["charge"] * constants.yields.astype(np.float32),
        rtol=1e-6,
    )


def test_for_people_with_what_is_fixed(flashes: Path, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    words = ("optics", "calibrate", run, "--data", flashes, "--out", out)
    done = _run(*words, "--fix-offset", "--limit", "20")
    assert done.exit_code == 0, done.output
    assert "flashes: 20" in done.stdout
    assert "pull of yields, by scatter: mean" in done.stdout
    assert json.loads(out.read_text(encoding="utf-8"))["offset_cm"] == [0, 0, 0]
    told = _done(*words, "--fix-yields")
    assert set(told["yields"]) == {1.0, None}
    told = _error(2, *words, "--fix-yields", "--fix-offset")
    assert "nothing is left to fit" in told["message"]


def test_a_table_is_calibrated_too(flashes: Path, made: Made, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    words = ("optics", "calibrate", "optics/analytic", "--data", flashes, "--out", out)
    told = _done(*words, "--training", made("training", 100, 1))
    assert told["model"] == "optics/analytic"
    assert "fitted to samples" in _error(2, *words)["message"]


def test_tracks_and_other_detectors_are_refused(made: Made, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    small = ("tank.rows=2", "tank.columns=4", "tank.rings=[1]", "photons=[100, 100]")
    tracks = made("tracks", 2, 1, *small, "emission=track", source="cherenkov")
    told = _error(4, "optics", "calibrate", run, "--data", tracks, "--out", out)
    assert told["message"] == "the light starts as 'track'"
    other = made("other", 3, 1, "rows=2")
    told = _error(4, "optics", "calibrate", run, "--data", other, "--out", out)
    assert "the model knows the sensors" in told["message"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "no calibration"),
        ("{}", "no calibration"),
        ('{"yields": [1, -2], "offset_cm": [0, 0, 0], "geometry": "x"}', "negative"),
        ('{"yields": [1], "offset_cm": [0, 0], "geometry": "x"}', r"an offset of shape \(2,\)"),
    ],
)
def test_files_that_are_no_calibration(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "found.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_calibration(path)


def test_a_calibration_of_another_detector(tmp_path: Path, run: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text('{"yields": [1], "offset_cm": [0, 0, 0], "geometry": "x"}', encoding="utf-8")
    bare: Any = load(run)
    with pytest.raises(DataError, match="it is of the sensors x"):
        Calibrated(bare, read_calibration(path), bare.facts)


def test_training_with_dead_sensors_and_all_options(flashes: Path, tmp_path: Path) -> None:
    """From the file through training, the model file and an evaluation."""
    run = tmp_path / "run"
    sets = ["training.steps=4", "training.validate_every=4", "model.hidden=8", "model.layers=1"]
    sets += ["model.yields=true", "model.uncertainty=true", 'model.symmetry=["y","z"]']
    words = ["train", "optics/siren-prior", "--data", str(flashes), "--recipe", "better"]
    done = _run(*words, "--out", run, *(word for one in sets for word in ("--set", one)))
    assert done.exit_code == 0, done.output
    trained: Any = load(run)
    assert (~trained.facts["alive"]).sum() == 6
    logs = trained.networks["net"].log_yields().detach().numpy()
    assert not logs[~trained.facts["alive"]].any()
    assert np.abs(logs[trained.facts["alive"]]).max() > 0
    told = _done("eval", run, "--data", flashes, "--split", "all", "--resamples", "10")
    assert "model" in {one["role"] for one in told["models"]}
