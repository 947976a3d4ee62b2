"""Published weights wherever a run is: what uses them names them, and tells where they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo as api
from zoo.artifacts.model_file import read_model
from zoo.cli.app import app
from zoo.config.run import DataConfig
from zoo.contract.table import Table
from zoo.data.store import TableFile
from zoo.errors import WeightsError
from zoo.files import file_digest
from zoo.prediction import task_of
from zoo.prediction.sources import open_source

ID = "mini-track/pad-net"
TRACKS = ("--data", "tracks", "--set", "data.events=20")
Zoo = Callable[..., Any]


def text(*words: object) -> str:
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_id_gives_the_model_of_its_file(site: Any, version: str):
    samples = _samples()
    published = api.load(f"{ID}@{version}")
    own: Any = api.load(site.files[version])
    for field in ("position", "sigma"):
        np.testing.assert_array_equal(
            published.predict(samples, None)[field], own.predict(samples, None)[field]
        )
    about: Any = published.info["weights"]  # type: ignore[attr-defined]  # a network
    assert (about["id"], about["version"]) == (ID, version)
    assert about["sha256"] == file_digest(site.files[version])
    assert task_of(f"{ID}@{version}") == "mini-track"
    assert own.info.get("weights") is None


def _samples() -> Any:
    source = open_source("mini-track", DataConfig(source="tracks", events=4))
    blocks = source.blocks()
    return Table.concat([source.read(b, slice(0, 1), frozenset({"pads"})) for b in blocks])


@pytest.mark.usefixtures("site")
def test_an_unknown_version_or_other_weights_are_refused():
    with pytest.raises(WeightsError, match="v9"):
        api.load(f"{ID}@v9")
    with pytest.raises(WeightsError, match="no published weights of this model"):
        api.load("mini-track/centroid@v1")


def test_a_changed_file_is_not_loaded(site: Any):
    content = bytearray(site.files["v1"].read_bytes())
    content[-3] ^= 1
    site.files["v1"].write_bytes(content)
    with pytest.raises(WeightsError):
        api.load(f"{ID}@v1")


@pytest.mark.usefixtures("site")
def test_predict_tells_what_they_were_trained_on(tmp_path: Path, zoo: Zoo):
    words = ("predict", f"{ID}@v1", *TRACKS, "--out", tmp_path / "p.h5")
    told = zoo(*words)["weights"]
    assert told["trained_on"].startswith("zoo simulator")
    assert (told["id"], told["version"], len(told["sha256"])) == (ID, "v1", 64)
    assert told["input"] == {"source": "tracks", "kind": "simulator"}
    assert told["warnings"] == []
    assert TableFile(tmp_path / "p.h5").about["weights"] == told
    said = text(*words)
    assert f"weights {ID}@v1 (sha256 {told['sha256'][:12]}), trained on: zoo simulator" in said
    assert "warning" not in said


@pytest.mark.usefixtures("site")
def test_input_of_another_origin_is_flagged(tmp_path: Path, zoo: Zoo):
    file = tmp_path / "untimed.h5"
    text("data", "simulate", "mini-track", "--data", "untimed", "--events", 9, "--out", file)
    words = ("predict", f"{ID}@v1", "--data", file, "--out", tmp_path / "p.h5")
    told = zoo(*words)["weights"]
    assert told["input"] == {"source": "untimed", "kind": "simulator"}  # the file tells
    (warning,) = told["warnings"]
    assert warning.startswith("these samples come from untimed (simulator)")
    assert warning.endswith("trained on: zoo simulator: straight tracks of mini-track")
    assert "warning: these samples come from untimed" in text(*words)
    assert TableFile(tmp_path / "p.h5").about["weights"] == told


def test_without_sources_the_kind_decides(site: Any, tmp_path: Path, zoo: Zoo):
    site.change('sources = ["tracks"]', "")
    for source in ("tracks", "untimed"):
        words = ("predict", f"{ID}@v1", "--data", source, "--set", "data.events=3")
        told = zoo(*words, "--out", tmp_path / "p.h5")["weights"]
        assert told["warnings"] == []


@pytest.mark.usefixtures("site")
def test_rows_of_two_versions_do_not_collide(tmp_path: Path, zoo: Zoo):
    out = tmp_path / "evaluated"
    told = zoo(
        "eval", f"{ID}@v1", f"{ID}@v2", *TRACKS, "--split", "all", "--resamples", 9, "--out", out
    )
    rows = {row["model"]: row for row in told["models"]}
    one, two = rows[f"{ID}@v1"], rows[f"{ID}@v2"]
    assert one["numbers"][0]["value"] != two["numbers"][0]["value"]
    for version, row in (("v1", one), ("v2", two)):
        weights = row["trainings"][0]["weights"]
        assert (weights["version"], weights["input"]["source"]) == (version, "tracks")
        assert row["trainings"][0]["sha256"] == weights["sha256"]
    assert len(list((out / "rows").glob("*pad-net*"))) == 2
    said = text("eval", f"{ID}@v1", *TRACKS, "--split", "all", "--resamples", 9)
    assert f"weights {ID}@v1" in said


@pytest.mark.usefixtures("site")
def test_a_training_begins_from_them(tmp_path: Path, site: Any):
    out = tmp_path / "run"
    text(
        *("train", ID, "--data", "tracks", "--set", "data.events=30", "--from", f"{ID}@v2"),
        *("--set", "training.steps=1", "--set", "optimizers.net.lr=1e-30", "--out", out),
    )
    began, ended = read_model(site.files["v2"]), read_model(out / "model.safetensors")
    assert ended.lineage["start"] == file_digest(site.files["v2"])
    name = "networks/net/body.6.weight"
    np.testing.assert_allclose(ended.tensors[name], began.tensors[name], atol=1e-7)


@pytest.mark.usefixtures("site")
def test_info_lists_the_cards_and_tells_one(zoo: Zoo):
    listed = zoo("info", ID)
    assert [card["version"] for card in listed["weights"]] == [f"{ID}@v2", f"{ID}@v1"]
    assert listed["checkpoints"] == {"listed": "zoo_miniatures.track.checkpoints:listed"}
    told = zoo("info", f"{ID}@v1")
    assert told["weights"] == f"{ID}@v1"
    assert told["domain"]["sources"] == ["tracks"]
    assert told["header"]["model"] == ID
    said = text("info", ID)
    assert "zoo simulator: straight tracks" in said


@pytest.mark.usefixtures("site")
def test_an_export_carries_them(tmp_path: Path, zoo: Zoo):
    told = zoo("export", f"{ID}@v1", "--format", "onnx", "--out", tmp_path)
    assert told["report"]["weights"]["version"] == "v1"
    words = ("predict", tmp_path / "mini-track-pad-net.onnx", *TRACKS, "--limit", 2)
    found = zoo(*words, "--out", tmp_path / "p.h5")["weights"]
    assert (found["version"], found["warnings"]) == ("v1", [])
