"""To what the baselines of a table are fitted, from the command line to the page."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.cli.app import app
from zoo.config.run import DataConfig
from zoo.contract.table import Table
from zoo.data.reader import read_split
from zoo.data.splits import choose_split
from zoo.data.store import TableFile
from zoo.evaluation import read_results
from zoo.prediction import load
from zoo.prediction.sources import open_source

CENTROID = "mini-track/centroid"
FEW = ("--resamples", "20")


def zoo(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def ok(*words: object) -> str:
    done = zoo(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of independent events, and a run of a few steps on each."""
    folder = tmp_path_factory.mktemp("fits")
    for number, name in enumerate(("a", "b", "judged")):
        ok(
            *("data", "simulate", "mini-track", "--data", "tracks", "--events", 60),
            *("--seed", number, "--out", folder / f"{name}.h5"),
        )
    for name in ("a", "b"):
        ok(
            *("train", "mini-track/pad-net", "--data", folder / f"{name}.h5"),
            *("--set", "training.steps=4", "--set", "data.test=0.3"),
            *("--out", folder / f"run-{name}"),
        )
    return folder


def rows_of(text: str) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in json.loads(text)["models"]}


def sigma_of(folder: Path) -> float:
    """What the centroid says of its accuracy: it was fitted, and every pull tells it."""
    rows = read_results(folder)[CENTROID].rows
    assert rows is not None
    return float(np.median(rows["residual"] / rows["pull"]))


def fitted_by_hand(path: Path, test: float) -> float:
    source = open_source("mini-track", DataConfig(path=str(path)))
    predictor = load(CENTROID, facts=source.facts)
    blocks = choose_split(source.blocks(), "train", 0.1, test, 0)
    samples = Table.concat(list(read_split(source, blocks, frozenset({"pads", "position"}))))
    predictor.fit([samples])
    return float(predictor.predict(samples.take(slice(0, 1)))["sigma"][0])


def test_a_baseline_is_fitted_to_what_the_run_beside_it_was_trained_on(place: Path, tmp_path: Path):
    judged = ("--data", place / "judged.h5", "--split", "all", *FEW)
    text = ok("eval", place / "run-a", *judged, "--out", tmp_path)
    assert f"fitted to the training split of {place / 'a.h5'}, " in text
    assert "(what the runs were trained on): mini-track/centroid" in text
    assert "LEAKED" not in text
    found = rows_of((tmp_path / "results.json").read_text())
    fit = found[CENTROID]["fitted_to"]
    trained = json.loads((place / "run-a/data.json").read_text())
    assert fit["rows"] == trained["rows"]["train"]
    assert (fit["origin"], fit["judged"], found[CENTROID]["leaked"]) == ("runs", 0, False)
    assert found[str(place / "run-a")]["fitted_to"] == {}
    assert sigma_of(tmp_path) == pytest.approx(fitted_by_hand(place / "a.h5", 0.3), rel=1e-5)
    ok("report", tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "what the runs were trained on" in page
    assert fit["digest"][:12] in page


def test_on_its_own_test_split_too(place: Path):
    found = rows_of(ok("eval", place / "run-a", *FEW, "--json"))[CENTROID]["fitted_to"]
    assert (found["origin"], found["judged"]) == ("runs", 0)


def test_a_row_that_saw_what_it_is_judged_on_is_marked_and_wins_nothing(
    place: Path, tmp_path: Path
):
    judged = ("--data", place / "judged.h5", "--split", "all", *FEW)
    text = ok("eval", CENTROID, *judged, "--out", tmp_path)
    assert "LEAKED: mini-track/centroid, mini-track/diffusion-fit: fitted to " in text
    assert f"{CENTROID}       baseline (LEAKED)" in text
    stored = json.loads((tmp_path / "results.json").read_text())
    row = rows_of(json.dumps(stored))[CENTROID]
    assert row["leaked"]
    assert row["fitted_to"]["judged"] == row["fitted_to"]["rows"] > 0
    assert {d["verdict"] for d in stored["differences"]} == {"leaked"}
    assert not any(d["no_worse"] for d in stored["differences"])
    claim = zoo("eval", CENTROID, *judged, "--beats", "mini-track/diffusion-fit:resolution")
    assert claim.exit_code == 6
    ok("report", tmp_path)
    assert f"LEAKED: {CENTROID}: fitted to" in (tmp_path / "report.html").read_text()
    with (tmp_path / "numbers.csv").open() as stream:
        assert {line["marks"] for line in csv.DictReader(stream)} == {"LEAKED"}
    assert read_results(tmp_path)[CENTROID].leaked
    compared = ok("compare", tmp_path, *FEW)
    assert "LEAKED: mini-track/centroid" in compared


@pytest.mark.parametrize("split", ["all", "train"])
def test_a_run_that_is_judged_on_its_training_is_marked(place: Path, tmp_path: Path, split: str):
    run = place / "run-a"
    text = ok("eval", run, "--split", split, *FEW, "--out", tmp_path)
    rows = json.loads((run / "data.json").read_text())["rows"]["train"]
    assert f"LEAKED: {run}: trained on {rows} of the samples" in text
    stored = rows_of((tmp_path / "results.json").read_text())[str(run)]
    assert stored["leaked"]
    assert [training["judged"] for training in stored["trainings"]] == [rows]
    limited = ok("eval", run, "--split", split, *FEW, "--limit", 10, "--json")
    assert 0 < rows_of(limited)[str(run)]["trainings"][0]["judged"] <= 10
    for clean in ((), ("--data", place / "b.h5", "--split", "all")):
        found = rows_of(ok("eval", run, *clean, *FEW, "--json"))[str(run)]
        assert not found["leaked"]


def test_named_data_go_before_those_of_the_run(place: Path, tmp_path: Path):
    judged = ("--data", place / "judged.h5", "--split", "all", *FEW, "--out", tmp_path)
    ok("eval", place / "run-a", *judged, "--training", place / "b.h5")
    fit = rows_of((tmp_path / "results.json").read_text())[CENTROID]["fitted_to"]
    assert (fit["origin"], fit["data"]) == ("named", str(place / "b.h5"))
    # Split in the shares of the judged data, which are those of the run.
    assert sigma_of(tmp_path) == pytest.approx(fitted_by_hand(place / "b.h5", 0.3), rel=1e-5)
    ok("eval", CENTROID, *judged, "--training", place / "run-b")
    assert sigma_of(tmp_path) == pytest.approx(fitted_by_hand(place / "b.h5", 0.3), rel=1e-5)


def test_runs_of_different_data_are_told(place: Path):
    judged = ("--data", place / "judged.h5", *FEW)
    text = ok("eval", place / "run-a", place / "run-b", *judged)
    assert "(the judged data themselves; the networks were trained on different data)" in text
    assert "LEAKED" not in text  # the test split is not what they were fitted to


def test_training_data_that_moved_are_told(place: Path):
    judged = ("--data", place / "judged.h5", *FEW)
    (place / "a.h5").rename(place / "moved.h5")
    try:
        text = ok("eval", place / "run-a", *judged)
    finally:
        (place / "moved.h5").rename(place / "a.h5")
    assert "the judged data themselves; the data of the runs cannot be used: " in text


def test_baselines_of_two_fits_stand_side_by_side(place: Path, tmp_path: Path):
    for name in ("a", "b"):
        judged = ("--data", place / "judged.h5", "--split", "all", *FEW)
        ok("eval", place / f"run-{name}", *judged, "--out", tmp_path / name)
    text = ok("compare", tmp_path / "a", tmp_path / "b", *FEW, "--out", tmp_path / "both")
    names = [f"{CENTROID} ({place / f'{name}.h5'})" for name in ("a", "b")]
    found = read_results(tmp_path / "both")
    assert set(names) < set(found)
    assert f"minus that of {names[1]}, on the same samples" in text
    pull = {name: found[name].numbers[2].number.value for name in names}
    assert pull[names[0]] != pull[names[1]]


def test_a_baseline_whose_training_data_lack_a_field_says_so(place: Path, tmp_path: Path):
    untimed = tmp_path / "untimed.h5"
    events = ("--data", "untimed", "--events", 30, "--seed", 3)
    ok("data", "simulate", "mini-track", *events, "--out", untimed)
    judged = ("--data", place / "judged.h5", "--split", "all", "--training", untimed, *FEW)
    found = rows_of(ok("eval", CENTROID, *judged, "--json"))
    reason = found["mini-track/diffusion-fit"]["unavailable"]
    assert reason == "not available: the data to fit to lack drift_time"
    assert not found[CENTROID]["unavailable"]


@pytest.mark.parametrize(
    ("training", "code", "message"),
    [
        ("tracks", 2, "zoo data simulate mini-track --data tracks"),
        ("missing.h5", 4, "missing.h5"),
        ("nonsense", 2, "no such source"),
    ],
)
def test_mistakes_have_a_message_and_a_code(place: Path, training: str, code: int, message: str):
    done = zoo("eval", CENTROID, "--data", place / "judged.h5", "--training", training)
    assert message in done.output
    assert done.exit_code == code


def test_predictions_tell_what_their_algorithm_was_fitted_to(place: Path, tmp_path: Path):
    out = tmp_path / "predictions.h5"
    text = ok("predict", CENTROID, "--data", place / "judged.h5", "--out", out)
    fit = TableFile(out).about["fitted_to"]
    assert fit["judged"] == fit["rows"] > 0
    assert f"({fit['rows']} samples, {fit['rows']} of them predicted)" in text
    run = ("--training", place / "run-a")
    text = ok("predict", CENTROID, "--data", place / "judged.h5", "--out", out, *run)
    assert TableFile(out).about["fitted_to"]["judged"] == 0
    assert ", 0 of them predicted)" in text
