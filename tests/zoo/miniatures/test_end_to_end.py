"""Every miniature through the command line: simulate, check, train, evaluate, predict, export."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from zoo.artifacts.model_file import read_model
from zoo.cli.app import app
from zoo.data.store import TableFile

pytestmark = pytest.mark.slow


def zoo(*words: object) -> dict[str, Any]:
    """Run a command and return its JSON."""
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == 0, f"{done.exit_code}: {done.output}"
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def simulate(task: str, source: str, events: int, out: Path) -> Path:
    """A checked file of simulated samples."""
    words = ("--data", source, "--events", events, "--out", out, "--workers", 1)
    made = zoo("data", "simulate", task, *words)
    assert made["rows"] == events
    assert zoo("data", "check", task, "--data", out)["ok"]
    return out


def train(model: str, out: Path, *settings: str, data: Path | None = None) -> Path:
    """A trained run."""
    sets = [word for setting in settings for word in ("--set", setting)]
    words = ["--data", str(data)] if data else []
    zoo("train", model, "--recipe", "quick", "--out", out, *words, *sets)
    assert (out / "model.safetensors").exists()
    return out


def evaluate(run: Path, data: Path) -> dict[str, Mapping[str, float]]:
    """Model -> number -> value on all rows; the run is called ``run``."""
    result = zoo("eval", run, "--data", data, "--split", "all", "--resamples", 50)
    table: dict[str, Mapping[str, float]] = {}
    for row in result["models"]:
        name = "run" if row["model"] == str(run) else row["model"]
        table[name] = {n["name"]: n["value"] for n in row["numbers"] if not n["column"]}
    assert all(math.isfinite(value) for row in table.values() for value in row.values())
    return table


def losses(run: Path, term: str) -> list[float]:
    """A term of the training loss in the log."""
    rows = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [row[term] for row in rows if row["split"] == "train" and term in row]


def test_gan(tmp_path: Path) -> None:
    data = simulate("mini-gan", "showers", 300, tmp_path / "showers.h5")
    run = train("mini-gan/wgan-lo", tmp_path / "run", "training.steps=700", data=data)
    table = evaluate(run, data)
    assert set(table) == {"run", "mini-gan/mean-shower", "mini-gan/simulation"}
    # An untrained generator is 66 % off; the oracle's statistical distance is far below.
    assert abs(table["run"]["visible bias"]) < 10
    assert table["mini-gan/simulation"]["visible W1"] < table["run"]["visible W1"]
    made = zoo("predict", run, "--data", data, "--out", tmp_path / "made.h5")
    assert made["rows"] == 300
    again = zoo("predict", run, "--data", data, "--out", tmp_path / "again.h5", "--batch", 7)
    assert again["rows"] == 300
    first, second = (_column(tmp_path / f"{n}.h5", "layers") for n in ("made", "again"))
    np.testing.assert_allclose(first, second, rtol=1e-5)  # latent numbers follow the ids


def test_light(tmp_path: Path) -> None:
    data = simulate("mini-light", "flashes", 160, tmp_path / "flashes.h5")
    run = train("mini-light/siren", tmp_path / "run", data=data)
    table = evaluate(run, data)
    assert table["run"]["deviance"] < table["mini-light/inverse-square"]["deviance"]
    assert table["mini-light/optics"]["deviance"] < table["run"]["deviance"]
    assert zoo("predict", run, "--data", data, "--out", tmp_path / "made.h5")["rows"] == 160


def test_points_and_the_graph_fed_by_them(tmp_path: Path) -> None:
    data = simulate("mini-points", "events", 200, tmp_path / "events.h5")
    points = train("mini-points/neighbour-net", tmp_path / "points", data=data)
    table = evaluate(points, data)
    assert table["run"]["accuracy"] > 80 > 100 * 0.62  # 62 % of the voxels are showers
    assert table["mini-points/nearest-voxel"]["accuracy"] == 100
    assert zoo("predict", points, "--data", data, "--out", tmp_path / "made.h5")["rows"] == 200

    link = (f"data.model={points}", f"data.upstream.path={data}")
    link = (*link, "data.upstream.source=hdf5", "data.upstream.events=0")
    graph = train("mini-graph/edge-net", tmp_path / "graph", *link, "training.epochs=10")
    assert losses(graph, "edge")[-1] < losses(graph, "edge")[0]
    sets = [word for setting in link for word in ("--set", setting)]
    fragments = tmp_path / "fragments.h5"
    zoo("data", "convert", "mini-graph", "--data", "fragments", *sets, "--out", fragments)
    assert zoo("data", "check", "mini-graph", "--data", fragments)["ok"]
    table = evaluate(graph, fragments)
    assert table["run"]["F1"] > table["mini-graph/nearest"]["F1"]
    made = zoo("predict", graph, "--data", fragments, "--out", tmp_path / "edges.h5")
    assert made["rows"] == 200


def test_track(tmp_path: Path) -> None:
    timed = simulate("mini-track", "tracks", 400, tmp_path / "timed.h5")
    untimed = simulate("mini-track", "untimed", 40, tmp_path / "untimed.h5")
    run = train("mini-track/pad-net", tmp_path / "run", "training.epochs=25", data=timed)
    constants = read_model(run / "model.safetensors").constants
    assert set(constants) == {"row_scale", "mean", "std", "sigma_scale", "sigma_cut"}
    assert np.asarray(constants["row_scale"]).shape == (6,)

    table = evaluate(run, timed)
    assert table["run"]["resolution"] < 5  # 27 mm before the training
    assert table["run"]["efficiency"] == pytest.approx(90, abs=5)  # what the tuned cut keeps
    assert table["run"]["pull width"] == pytest.approx(1, abs=0.25)  # what the scale is for
    assert table["mini-track/diffusion-fit"]["resolution"] < 0.3

    result = zoo("eval", run, "--data", untimed, "--split", "all", "--resamples", 20)
    missing = {row["model"]: row["unavailable"] for row in result["models"]}
    assert missing["mini-track/diffusion-fit"] == "not available: needs drift_time"
    assert not missing["mini-track/centroid"]
    assert not missing[str(run)]


@pytest.mark.usefixtures("forked_runtime")
def test_exported_tracks_predict_as_the_run(tmp_path: Path) -> None:
    data = simulate("mini-track", "tracks", 60, tmp_path / "tracks.h5")
    run = train("mini-track/pad-net", tmp_path / "run", "training.epochs=2", data=data)
    zoo("predict", run, "--data", data, "--out", tmp_path / "eager.h5")
    for format_name in ("onnx", "ts"):
        words = ("--format", format_name, "--data", data, "--out", tmp_path / format_name)
        zoo("export", run, *words)
        file = next((tmp_path / format_name).glob(f"*.{format_name}"))
        out = tmp_path / f"{format_name}.h5"
        zoo("predict", file, "--runtime", format_name, "--data", data, "--out", out)
        exported, eager = (
            _column(tmp_path / f"{n}.h5", "position") for n in (format_name, "eager")
        )
        np.testing.assert_allclose(exported, eager, rtol=1e-4, atol=1e-3)


def test_accumulated_micro_batches_are_one_batch(tmp_path: Path) -> None:
    # Two heads with different counts: two micro-batches of eight are one of sixteen.
    data = simulate("mini-points", "events", 80, tmp_path / "events.h5")
    model, common = "mini-points/neighbour-net", ("training.epochs=2", "training.log_every=1")
    once = ("training.batch=16", "training.accumulate=1")
    twice = ("training.batch=8", "training.accumulate=2")
    one = train(model, tmp_path / "one", *once, *common, data=data)
    two = train(model, tmp_path / "two", *twice, *common, data=data)
    for term in ("semantic", "vertex"):
        np.testing.assert_allclose(losses(two, term), losses(one, term), rtol=1e-3)


def _column(file: Path, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    """A column of a file of predictions, in the order of ids."""
    source = TableFile(file)
    tables = [source.read(b, slice(0, b.rows), frozenset({name})) for b in source.blocks()]
    ids = np.concatenate([table.ids for table in tables])
    values = np.concatenate([table[name] for table in tables])
    return np.asarray(values[np.argsort(ids)])
