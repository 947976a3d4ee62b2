"""``zoo compare``, ``zoo select`` and ``zoo eval --variations`` in the terminal and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.cli.app import app
from zoo.prediction import load

EVENTS = ("--set", "data.events=80", "--set", "data.test=0.4")
DATA = ("--data", "tracks", *EVENTS)
FEW = ("--resamples", "40")
CENTROID = "mini-track/centroid"


def zoo(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def ok(*words: object) -> str:
    done = zoo(*words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings of one net that differ in their seed, each evaluated on its test split."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        ok(
            *("train", "mini-track/pad-net", *DATA, "--out", folder / str(seed)),
            *("--set", "training.steps=12", "--set", "training.snapshot_every=4"),
            *("--set", f"training.seed={seed}", "--set", "training.validate_every=6"),
        )
        ok("eval", folder / str(seed), *FEW)
    pair = f"net={folder / '1'},{folder / '2'}"
    ok("eval", pair, *DATA, *FEW, "--out", folder / "both")
    return folder


def test_trainings_of_one_model_are_one_row(runs: Path):
    found = json.loads((runs / "both/results.json").read_text())
    row = found["models"][0]
    assert row["model"] == "net"
    assert [t["config"]["training"]["seed"] for t in row["trainings"]] == [1, 2]
    each = [
        json.loads(ok("eval", runs / seed, *DATA, *FEW, "--json"))["models"][0]["numbers"]
        for seed in ("1", "2")
    ]
    for number, one, two in zip(row["numbers"], *each, strict=True):
        if number["trainings"] == 2 and number["value"] is not None:
            assert number["value"] == pytest.approx((one["value"] + two["value"]) / 2)
            assert number["spread"] == pytest.approx(abs(one["value"] - two["value"]) / 2**0.5)
    assert sorted(p.name for p in (runs / "both/rows").iterdir())[:2] == [
        "00-net-training-1.h5",
        "00-net-training-2.h5",
    ]


def test_stored_rows_compare_as_the_models_did(runs: Path):
    text = ok("compare", f"net={runs / '1'},{runs / '2'}", *FEW)
    assert "means over trainings, whose spread is in the intervals: net 2" in text
    assert "resolution minus that of mini-track/centroid, on the same samples" in text
    assert "training.seed" in text
    found = json.loads(ok("compare", f"net={runs / '1'},{runs / '2'}", *FEW, "--json"))
    both = json.loads((runs / "both/results.json").read_text())
    assert found["models"] == both["models"]
    kept = {
        (d["first"], d["second"], d["name"], d["column"], d["lower"]): d
        for d in both["differences"]
    }
    seen = {
        (d["first"], d["second"], d["name"], d["column"], d["lower"]): d
        for d in found["differences"]
    }
    assert kept.items() <= seen.items()
    turned = seen["mini-track/centroid", "net", "resolution", "", None]
    assert turned["value"] == -seen["net", "mini-track/centroid", "resolution", "", None]["value"]


def test_a_model_is_indistinguishable_from_itself(runs: Path):
    found = json.loads(ok("compare", f"a={runs / '1'}", f"b={runs / '1'}", "--json"))
    pair = [d for d in found["differences"] if (d["first"], d["second"]) == ("a", "b")]
    assert pair
    assert {d["verdict"] for d in pair} == {"indistinguishable"}
    assert {d["value"] for d in pair} <= {0.0, None}
    assert {d["no_worse"] for d in pair if d["groups"] >= 6 and d["margin"]} == {True}


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("compare", "nowhere"), "holds no evaluation"),
        (("compare", "{runs}/both:nothing"), "has no such row"),
        (("compare", "{runs}/1", "--against", "nobody"), "is no row of the table"),
        (("compare", "{runs}/1", "--number", "beauty"), "no such number"),
        (("compare", "x={runs}/both,{runs}/1", "{runs}/both:net", "--number", "none"), "no such"),
        (("select", "{runs}/1", "--by", "beauty", *FEW), "no such number"),
        (("select", "{runs}/1", "--report-split", "validation", *FEW), "both choose and report"),
        (("eval", "{runs}/1", "--variations", "fog", *FEW), "no such variation"),
        (("eval", "x={runs}/1,mini-track/centroid", *FEW), "different models"),
        (("eval", "x=mini-track/centroid,{runs}/1", *DATA, *FEW), "has no trainings"),
    ],
)
def test_mistakes_are_told(runs: Path, words: tuple[str, ...], where: str):
    done = zoo(*(word.format(runs=runs) for word in words))
    assert done.exit_code in (2, 4), done.output
    assert where in done.stderr
    assert "remedy" in done.stderr
    assert "Traceback" not in done.output


def test_rows_of_other_samples_are_refused(runs: Path, tmp_path: Path):
    ok("eval", "mini-track/centroid", *DATA, "--set", "data.seed=5", *FEW, "--out", tmp_path)
    done = zoo("compare", runs / "1", tmp_path)
    assert done.exit_code == 4
    assert "has other samples" in done.stderr


def test_snapshots_are_ranked_on_one_sample_and_reported_on_another(runs: Path, tmp_path: Path):
    out = tmp_path / "best.safetensors"
    words = ("select", runs / "1", "--by", "efficiency", "--out", out, *FEW, "--json")
    found = json.loads(ok(*words))
    values = [candidate["number"]["number"]["value"] for candidate in found["ranked"]]
    assert len(values) == 4  # steps 4, 8, 12, and the one that the training kept
    assert values == sorted(values, reverse=True)
    assert found["ranked"][0]["difference"] is None
    assert found["report"]["data"]["split"] == "test"
    shown = found["report"]["models"][0]
    assert shown["model"] == found["ranked"][0]["name"]
    # The file is the snapshot with its tuned constants: it measures the same.
    numbers = json.loads(ok("eval", out, *DATA, *FEW, "--json"))["models"][0]["numbers"]
    assert [n["value"] for n in numbers] == [n["value"] for n in shown["numbers"]]
    assert load(out).info["lineage"]["selected_by"] == "efficiency"  # type: ignore[attr-defined]  # of networks
    assert "reported on a sample that had no part in the choice" in ok("select", runs / "1", *FEW)


def test_a_run_without_snapshots_has_nothing_to_select(tmp_path: Path):
    ok("train", "mini-track/pad-net", *DATA, "--out", tmp_path / "r", "--set", "training.steps=2")
    done = zoo("select", tmp_path / "r")
    assert done.exit_code == 2
    assert "training.snapshot_every" in done.stderr


def test_variations_shift_numbers_of_the_same_events(runs: Path, tmp_path: Path):
    words = ("eval", runs / "1", *DATA, "--variations", "all", "--out", tmp_path, *FEW)
    text = ok(*words)
    assert "shift when the simulation is changed" in text
    found = json.loads((tmp_path / "results.json").read_text())
    shifts = {(s["variation"], s["model"], s["name"]): s for s in found["shifts"]}
    assert {key[0] for key in shifts} == {"noise-x2", "diffusion+20%"}
    assert len({key[1] for key in shifts}) == len(found["models"])
    # The centroid knows nothing of diffusion, so two evaluations tell its shift. (It cuts at the
    # nominal noise, so more noise costs it far more than an evaluation on noisy data would tell.)
    louder, quiet = (
        _resolution(json.loads(ok("eval", CENTROID, *DATA, *more, *FEW, "--json")))
        for more in (("--set", "data.options.diffusion=0.3"), ())
    )
    told = shifts["diffusion+20%", CENTROID, "resolution"]
    assert told["low"] <= told["value"] <= told["high"]
    assert told["value"] == pytest.approx(louder["value"] - quiet["value"])
    assert shifts["noise-x2", CENTROID, "resolution"]["value"] > 0
    error = (quiet["high"] - quiet["low"]) / 2 / 2.0  # t of about 30 events
    assert told["errors"] == pytest.approx(told["value"] / error, rel=0.1, abs=0.02)


def _resolution(found: dict[str, Any]) -> dict[str, float]:
    rows = {row["model"]: row["numbers"] for row in found["models"]}
    number: dict[str, float] = rows[CENTROID][0]
    assert number["name"] == "resolution"
    assert np.isfinite(number["value"])
    return number


def test_files_have_no_variations(runs: Path, tmp_path: Path):
    ok(
        "data",
        "simulate",
        "mini-track",
        "--data",
        "tracks",
        "--events",
        "20",
        "--out",
        tmp_path / "t.h5",
    )
    words = ("eval", "mini-track/centroid", "--data", tmp_path / "t.h5", "--split", "all")
    done = zoo(*words, "--variations", "all")
    assert done.exit_code == 2
    assert "only a simulator has variations" in done.stderr
