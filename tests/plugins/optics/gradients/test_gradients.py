"""``zoo optics gradients``: its table, its files, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.api import write_drawings
from zoo.cli.app import app
from zoo_optics.drawings.slices import MapSlice, map_slices, slice_points
from zoo_optics.physics.detector import Box, Detector, Sensors
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import box_detector

pytestmark = pytest.mark.usefixtures("plugin")

BOX = ("--set", "data.options.rows=2", "--set", "data.options.columns=3")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(code: int, *words: str | Path) -> dict[str, Any]:
    done = run(*words, "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == code == told["exit_code"], told
    return told


@pytest.fixture(scope="module")
def flashes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gradients") / "box.h5"
    made = run(
        *("data", "simulate", "optics", "--data", "lar-box", "--events", "300"),
        *("--seed", "1", "--out", path, *BOX),
    )
    assert made.exit_code == 0, made.output
    return path


def test_a_table_and_a_closed_form_are_judged(flashes: Path, tmp_path: Path) -> None:
    """The box's light is domes, so discs know its gradient better than a coarse table does."""
    words = ("optics", "gradients", "optics/lut-nearest", "optics/analytic", "--data", flashes)
    words = (*words, "--training", flashes, "--points", "60", "--out", tmp_path / "found")
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "found" / "results.json").read_text())
    nearest, analytic = (told["models"][f"optics/{name}"] for name in ("lut-nearest", "analytic"))
    assert sum(one["pairs"] for one in nearest) == 60 * 6
    bright = 3  # from 1e-3 to 1e-2
    assert nearest[bright]["median"] == pytest.approx(1)  # inside of a voxel it is flat
    assert analytic[bright]["median"] < 0.6
    for name in ("gradient-error", "map-slices"):
        assert (tmp_path / "found" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / "found" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_a_network_is_judged_too(flashes: Path, tmp_path: Path) -> None:
    trained = run(
        *("train", "optics/hash-grid", "--data", flashes, "--out", tmp_path / "run"),
        *("--set", "training.steps=2", "--set", "model.hidden=8"),
    )
    assert trained.exit_code == 0, trained.output
    done = run("optics", "gradients", tmp_path / "run", "--data", flashes, "--points", "20")
    assert done.exit_code == 0, done.output
    # Untrained it is flat, but for its features of 1e-4.
    medians = [float(line.split("  ")[-2].split()[0]) for line in done.stdout.splitlines()[1:]]
    assert medians
    assert all(0.9 < value < 1.1 for value in medians)


def test_bad_input_is_refused(flashes: Path, tmp_path: Path) -> None:
    tank = tmp_path / "tank.h5"
    small = {"rows": 2, "columns": 4, "rings": "[1]"}
    settings = [w for n, v in small.items() for w in ("--set", f"data.options.tank.{n}={v}")]
    made = run(
        *("data", "simulate", "optics", "--data", "cherenkov", "--events", "2", "--out", tank),
        *("--seed", "1", "--set", "data.options.photons=[99,99]", *settings),
    )
    assert made.exit_code == 0, made.output
    judge = ("optics", "gradients", "optics/lut")
    assert "no closed form" in refused(4, *judge, "--data", tank, "--training", tank)["message"]
    assert "fitted to samples" in refused(2, *judge, "--data", flashes)["message"]
    assert "sensors" in refused(4, *judge, "--data", flashes, "--training", tank)["message"]
    twice = refused(2, *judge, "optics/lut", "--data", flashes, "--training", flashes)
    assert "named twice" in twice["message"]
    wide = refused(2, *judge, "--data", flashes, "--training", flashes, "--step-cm", "60")
    assert "does not fit into the volume" in wide["message"]


def detector() -> Detector:
    return box_detector(LarBoxConfig(rows=1, columns=1))


def test_slices_go_through_the_sensor() -> None:
    places = slice_points(detector(), 2.0)
    assert places.shape == (60, 24, 3)  # 496 to 196 cm
    assert (places[..., 1] == 0).all()
    np.testing.assert_allclose(places[0, [0, -1], 0], [2 + 196 / 48, 198 - 196 / 48])
    np.testing.assert_allclose(places[[0, -1], 0, 2], [2 + 496 / 120, 498 - 496 / 120])
    outside = Sensors(np.array([[9.0, 30, 5]]), np.array([[-1.0, 0, 0]]), 1.0)
    held = slice_points(Detector(outside, Box((0.0, 0, 0), (8.0, 20, 10))), 1.0)
    assert (held[..., 1] == 19).all()


def test_slices_show_ratio_and_gradient_error(tmp_path: Path) -> None:
    places = slice_points(detector(), 2.0)
    shape = places.shape[:2]
    slope = np.broadcast_to([0.03, 0, 0.04], (*shape, 3))
    truth = MapSlice(np.linspace(1e-4, 1e-2, 60 * 24).reshape(shape), slope)
    missing = np.array(slope)
    missing[5, 5] = np.nan
    models = {
        "run": MapSlice(1.1 * truth.visibility, 1.3 * slope),
        "table": MapSlice(truth.visibility, missing),
    }
    drawing = map_slices(detector(), places, truth, models)
    data = drawing.data
    np.testing.assert_allclose(data["run ratio"], 1.1)
    np.testing.assert_allclose(data["true gradient [1/cm]"], 0.05)
    np.testing.assert_allclose(data["run gradient error"], 0.3)
    off = data["table gradient error"].reshape(shape)
    assert off[5, 5] == pytest.approx(1)
    assert off.sum() == pytest.approx(1)
    titles = [axes.get_title() for axes in drawing.figure.axes if axes.get_title()]
    assert titles == ["true", "run", "table"]
    assert [path.name for path in write_drawings([drawing], tmp_path)] == [
        f"map-slices.{suffix}" for suffix in ("png", "pdf", "csv")
    ]
    with (tmp_path / "map-slices.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 60 * 24
    assert float(rows[7]["run ratio"]) == pytest.approx(1.1)
