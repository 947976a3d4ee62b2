"""``zoo predict`` writes a file of predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

import zoo as api
from zoo.cli.app import app
from zoo.data.store import TableFile

DATA = ("--data", "tracks", "--set", "data.events=30")


def zoo(*words: object) -> str:
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_predictions_of_every_sample_by_its_id(tmp_path: Path):
    samples = tmp_path / "samples.h5"
    zoo("data", "simulate", "mini-track", "--data", "tracks", "--events", 12, "--out", samples)
    out = tmp_path / "predictions.h5"
    told = json.loads(
        zoo("predict", "mini-track/centroid", "--data", samples, "--out", out, "--json")
    )
    fit = told.pop("fitted_to")
    assert told == {"file": str(out), "model": "mini-track/centroid", "rows": 12}
    assert fit["judged"] == fit["rows"] < 12  # it saw the training split of what it predicts
    file = TableFile(out)
    assert file.task == "mini-track"
    assert file.about["model"] == "mini-track/centroid"
    centroid = api.load("mini-track/centroid", facts=TableFile(samples).facts)
    expected = centroid.predict(api.read("mini-track", str(samples)))
    parts = [file.read(b, slice(0, b.rows), file.fields) for b in file.blocks()]
    np.testing.assert_array_equal(np.concatenate([p.ids for p in parts]), expected.ids)
    found = np.concatenate([part["position"] for part in parts])
    np.testing.assert_array_equal(found, expected["position"])


def test_a_limit_and_a_split(tmp_path: Path):
    out = tmp_path / "predictions.h5"
    words = ("predict", "mini-track/centroid", *DATA, "--out", out)
    assert "5 predictions" in zoo(*words, "--limit", 5)
    zoo(*words, "--split", "test")
    assert 0 < TableFile(out).rows < 15


def test_a_missing_field_names_source_and_model(tmp_path: Path):
    words = ("predict", "mini-track/diffusion-fit", "--data", "untimed", "--set", "data.events=3")
    out = tmp_path / "predictions.h5"
    done = CliRunner().invoke(app, [*words, "--out", str(out)])
    assert done.exit_code == 4
    assert "untimed: mini-track/diffusion-fit needs the field 'drift_time'" in done.output
    assert not out.exists()
