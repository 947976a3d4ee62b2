"""``zoo optics``: what it prints, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from typer.testing import CliRunner, Result

from zoo.cli.app import app

Simulated = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("plugin")


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _error(code: int, *words: str | Path) -> dict[str, Any]:
    done = _run(*words, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == code == told["exit_code"], told
    return told


@pytest.fixture(scope="session")
def flashes(simulated: Simulated) -> Path:
    return simulated("flashes", 8, 1, photons=(20_000, 20_000))


@pytest.fixture(scope="session")
def training(simulated: Simulated) -> Path:
    return simulated("training", 20, 2, photons=(20_000, 20_000))


def test_vertices_as_json(flashes: Path, training: Path) -> None:
    done = _run(
        "optics",
        "fit-vertex",
        "optics/analytic",
        "--data",
        flashes,
        "--training",
        training,
        "--json",
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["sensors"] == 498
    assert told["summary"]["events"] == 8
    assert told["summary"]["distance_cm"]["median"] < 5
    assert set(told["summary"]["pulls"]) == {"x_cm", "y_cm", "z_cm", "start_ns", "photons"}
    event = told["events"][0]
    assert event["distance_cm"] < 20
    assert event["photons"] == pytest.approx(20_000, rel=0.3)
    assert event["seconds"] > 0


def test_vertices_for_people_and_those_refused(simulated: Simulated, training: Path) -> None:
    dim = simulated("dim", 3, 4, photons=(1, 1), dark_khz=3.0)
    done = _run("optics", "fit-vertex", "optics/lut", "--data", dim, "--training", training)
    assert done.exit_code == 0, done.output
    assert "refused: 3" in done.stdout
    assert "events: 0" in done.stdout


def test_a_table_needs_samples(flashes: Path) -> None:
    told = _error(2, "optics", "fit-vertex", "optics/lut", "--data", flashes)
    assert "fitted to samples" in told["message"]
    assert "--training" in told["remedy"]


def test_a_model_of_another_task(flashes: Path) -> None:
    told = _error(2, "optics", "fit-vertex", "dnn-roi/traditional", "--data", flashes)
    assert told["message"] == "a model of the task 'dnn-roi'"


def test_a_model_that_knows_no_other_point(flashes: Path) -> None:
    told = _error(2, "optics", "fit-vertex", "optics/expected", "--data", flashes)
    assert "no other point" in told["message"]


def test_training_of_another_detector(simulated: Simulated, flashes: Path) -> None:
    tank = {"radius_cm": 150.0, "half_height_cm": 150.0, "rows": 3, "columns": 5, "rings": (4, 1)}
    other = simulated("other", 2, 3, tank=tank)
    told = _error(
        4, "optics", "fit-vertex", "optics/analytic", "--data", flashes, "--training", other
    )
    assert "the model knows the sensors" in told["message"]


def test_tracks_are_no_flashes(simulated: Simulated, training: Path) -> None:
    tracks = simulated("beam", 2, 5, emission="beam", photons=(2000, 2000))
    told = _error(
        4, "optics", "fit-vertex", "optics/analytic", "--data", tracks, "--training", training
    )
    assert told["message"] == "the light starts as 'beam'"


def test_data_without_hit_times(tmp_path: Path, flashes: Path, training: Path) -> None:
    bare = tmp_path / "bare.h5"
    bare.write_bytes(flashes.read_bytes())
    with h5py.File(bare, "r+") as file:
        del file["columns/hit_time"]
    told = _error(
        4, "optics", "fit-vertex", "optics/analytic", "--data", bare, "--training", training
    )
    assert "no hit times: the fields hit_time are missing" in told["message"]
    assert "cherenkov" in told["remedy"]


def test_no_such_file() -> None:
    assert _error(4, "optics", "fit-vertex", "optics/lut", "--data", "absent.h5")["where"]


def test_tracks_as_json(simulated: Simulated, training: Path) -> None:
    tracks = simulated(
        "tracks", 3, 6, emission="track", photons=(20_000, 20_000), positions={"margin_cm": 70.0}
    )
    words = ("optics", "fit-track", "optics/analytic", "--data", tracks, "--training", training)
    done = _run(*words, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    summary = told["summary"]
    assert summary["events"] == 3
    assert summary["distance_cm"]["median"] < 10
    assert summary["angle_deg"]["median"] < 6
    assert told["events"][0]["length_cm"] == pytest.approx(100)
    assert "longitude" in summary["pulls"]


def test_yields_of_a_calibration(
    flashes: Path, simulated: Simulated, training: Path, tmp_path: Path
) -> None:
    """Sensors that see twice as much: half of the photons make the same charges."""
    out = tmp_path / "found.json"
    given = ("optics/analytic", "--training", training)
    done = _run("optics", "calibrate", *given, "--data", training, "--out", out, "--fix-offset")
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text(encoding="utf-8"))
    told["yields"] = [2.0] * 498
    out.write_text(json.dumps(told), encoding="utf-8")
    fit = ("optics", "fit-vertex", *given, "--data", flashes, "--limit", "3")
    plain, doubled = (_run(*fit, "--json", *more) for more in ((), ("--calibration", out)))
    assert doubled.exit_code == 0, doubled.output
    pairs = zip(*(json.loads(one.stdout)["events"] for one in (plain, doubled)), strict=True)
    for one, other in pairs:
        assert other["photons"] == pytest.approx(one["photons"] / 2, rel=2e-3)
        assert other["x_cm"] == pytest.approx(one["x_cm"], abs=0.2)
    few = simulated("few", 2, 3, tank={"rows": 3, "columns": 5, "rings": (4, 1)})
    bad = ("optics", "fit-vertex", "optics/analytic", "--training", few, "--data", few)
    assert "it is of the sensors" in _error(4, *bad, "--calibration", out)["message"]


def test_flashes_are_no_tracks(flashes: Path, training: Path) -> None:
    words = ("optics", "fit-track", "optics/analytic", "--data", flashes, "--training", training)
    told = _error(4, *words)
    assert told["message"] == "the light starts as 'isotropic'"
    assert "fit-vertex" in told["remedy"]


@pytest.fixture(scope="module")
def trained(training: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "prior"
    words = ("train", "optics/siren-prior", "--data", training, "--out", run, "--recipe", "better")
    sets = ("training.steps=60", "training.batch=4", "training.validate_every=60")
    fast = ("optimizers.net.lr=2e-3", "optimizers.net.schedule.warmup=2")
    done = _run(*words, *(part for one in (*sets, *fast) for part in ("--set", one)))
    assert done.exit_code == 0, done.output
    return run


def test_a_trained_network(flashes: Path, trained: Path) -> None:
    done = _run("optics", "fit-vertex", trained, "--data", flashes, "--limit", "4", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["summary"]["events"] == 4
    assert told["summary"]["distance_cm"]["median"] < 6
    assert told["events"][0]["photons"] == pytest.approx(20_000, rel=0.4)


def test_a_network_of_another_detector(simulated: Simulated, trained: Path) -> None:
    tank = {"radius_cm": 150.0, "half_height_cm": 150.0, "rows": 3, "columns": 5, "rings": (4, 1)}
    told = _error(4, "optics", "fit-vertex", trained, "--data", simulated("other", 2, 3, tank=tank))
    assert "the model knows the sensors" in told["message"]
    assert told["where"].endswith("geometry")
