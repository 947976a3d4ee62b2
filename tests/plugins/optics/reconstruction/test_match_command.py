"""``zoo optics match-flash``: what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.cli.app import app
from zoo.data.simulate import simulate_file
from zoo.prediction import read
from zoo_optics.reconstruction.match_job import share_of
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox
from zoo_optics.sources.lar_windows import LarWindows
from zoo_optics.sources.windows_config import LarWindowsConfig
from zoo_optics.specs import SAMPLE

pytestmark = pytest.mark.usefixtures("plugin")

BOX = {"rows": 4, "columns": 6, "efficiency": 0.01}


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["optics", "match-flash", *map(str, words)])


def _error(code: int, *words: str | Path) -> dict[str, Any]:
    done = _run(*words, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == code == told["exit_code"], told
    return told


def _simulated(source: Any, path: Path, events: int) -> Path:
    about = {"events": events, "seed": 1}
    simulate_file(source, SAMPLE, path, task="optics", seed=1, events=events, about=about)
    return path


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"box": BOX, "interactions": 4, "without_flash": 0.1}
    source = LarWindows(LarWindowsConfig.model_validate(options))
    return _simulated(source, tmp_path_factory.mktemp("windows") / "windows.h5", 12)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = LarBox(LarBoxConfig.model_validate(BOX))
    return _simulated(source, tmp_path_factory.mktemp("training") / "box.h5", 60)


def test_matches_as_json(windows: Path, training: Path) -> None:
    done = _run("optics/analytic", "--data", windows, "--training", training, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    summary, rows = told["summary"], told["candidates"]
    assert (told["sensors"], summary["windows"], summary["candidates"]) == (24, 12, len(rows))
    assert summary["right"]["share"] > 0.7
    assert summary["right"]["low"] < summary["right"]["share"] < summary["right"]["high"]
    assert summary["right"]["of"] == sum(row["flash_true"] >= 0 for row in rows)
    assert summary["matched"] == sum(row["flash"] >= 0 for row in rows)
    matched = next(row for row in rows if row["flash"] >= 0)
    assert matched["photo_electrons"] > 1
    assert 0.2 < matched["light_yield"] < 5
    assert told["settings"] == {
        "model_error": 0.1,
        "yield_spread": None,
        "reject_sigma": 5.0,
        "edge_cm": 5.0,
    }


def test_the_true_light_for_people(windows: Path) -> None:
    done = _run("optics/expected", "--data", windows, "--limit", "5", "--yield-spread", "0.2")
    assert done.exit_code == 0, done.output
    assert "windows: 5" in done.stdout
    assert "right: 1.000 (" in done.stdout
    assert "95 %), 5 of 5" in done.stdout
    assert "matching: 5/5 windows" in done.stderr


def test_who_has_no_flash_is_judged_too(windows: Path) -> None:
    told = json.loads(_run("optics/expected", "--data", windows, "--json").stdout)
    alone = told["summary"]["left alone rightly"]
    assert alone["of"] == sum(row["flash_true"] < 0 for row in told["candidates"]) > 0
    forced = _run("optics/expected", "--data", windows, "--reject-sigma", "0", "--json")
    flashes = json.loads(forced.stdout)["summary"]["flashes"]
    assert json.loads(forced.stdout)["summary"]["matched"] <= flashes


def _npz(path: Path, samples: Any, source: LarWindows, **changes: Any) -> Path:
    """Samples as the arrays of others, without the truth."""
    sensors = source.box.detector.sensors
    lit = samples["charge"].sum(1) >= 1
    _, window = np.unique(samples["window"], return_inverse=True)
    arrays = {
        "sensor_cm": sensors.position_cm,
        "sensor_direction": sensors.direction,
        "sensor_radius_cm": sensors.radius_cm,
        "low_cm": source.volume.low,
        "high_cm": source.volume.high,
        "drift_cm_us": source.facts["drift_cm_us"],
        "candidate_window": window,
        "candidate_segments": samples["segment_cm"].lengths,
        "segment_cm": samples["segment_cm"].values,
        "segment_photons": samples["segment_photons"].values,
        "flash_window": window[lit],
        "flash_us": samples["flash_us"][lit],
        "flash_charge": samples["charge"][lit],
    }
    np.savez(path, **{**arrays, **changes})
    return path


def test_arrays_of_others(windows: Path, training: Path, tmp_path: Path) -> None:
    source = LarWindows(LarWindowsConfig.model_validate({"box": BOX}))
    path = _npz(tmp_path / "windows.npz", read("optics", str(windows)), source)
    words = ("optics/analytic", "--training", training, "--json")
    told = json.loads(_run(*words, "--data", path).stdout)
    same = json.loads(_run(*words, "--data", windows).stdout)
    assert told["summary"]["matched"] == same["summary"]["matched"]
    assert "right" not in told["summary"]
    assert "flash_true" not in told["candidates"][0]
    ours, theirs = (
        sorted(row["deviance"] for row in one["candidates"] if row["flash"] >= 0)
        for one in (same, told)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    refused = _error(2, "optics/expected", "--data", path)
    assert refused["message"] == "what the light really is, only a simulation knows"
    bad = _npz(tmp_path / "bad.npz", read("optics", str(windows)), source, drift_cm_us=np.zeros(2))
    assert "'drift_cm_us' is float64 (2,)" in _error(4, *words[:3], "--data", bad)["message"]


def test_flashes_are_no_windows(training: Path) -> None:
    told = _error(4, "optics/expected", "--data", training)
    assert "no windows: the fields window, flash_us" in told["message"]
    assert "lar-windows" in told["remedy"]


def test_a_table_needs_samples(windows: Path) -> None:
    told = _error(2, "optics/lut", "--data", windows)
    assert "--training" in told["remedy"]


def test_training_of_another_detector(windows: Path, tmp_path: Path) -> None:
    other = _simulated(LarBox(LarBoxConfig(rows=2, columns=3)), tmp_path / "other.h5", 2)
    told = _error(4, "optics/analytic", "--data", windows, "--training", other)
    assert "the model knows the sensors" in told["message"]


def test_a_model_of_another_task_and_no_file(windows: Path) -> None:
    told = _error(2, "dnn-roi/traditional", "--data", windows)
    assert told["message"] == "a model of the task 'dnn-roi'"
    assert _error(4, "optics/expected", "--data", "absent.h5")["where"]
    assert "no .npz" in _error(4, "optics/expected", "--data", "absent.npz")["message"]


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_intervals(count: int, of: int, low: float, high: float) -> None:
    """Newcombe, Stat. Med. 17 (1998) 857, table I, method 3: Wilson's score interval."""
    told = share_of(count, of)
    assert told["share"] == count / of
    assert told["low"] == pytest.approx(low, abs=6e-5)
    assert told["high"] == pytest.approx(high, abs=6e-5)


def test_a_share_of_nothing() -> None:
    assert share_of(0, 0) == {"count": 0, "of": 0}
