"""Weights, runs and exported files that are damaged, foreign or of another model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

Call = Callable[..., Any]
"""A command; it returns the `Done` of conftest.py."""
ONE_STEP = ("--set", "training.steps=1")
MODEL = "mini-track/pad-net"


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """The finished run, to be damaged."""
    return Path(shutil.copytree(run, tmp_path / "copied"))


def changed_byte(content: bytes) -> bytes:
    middle = len(content) - 100  # within the parameters
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: content[:0],
    "cut": lambda content: content[: len(content) // 2],
    "byte": changed_byte,
    "garbage": lambda content: b"\xff" * len(content),
    "longer": lambda content: content + b"more",
}


def test_damaged_model_files(
    zoo: Call, train: Call, copied: Path, tracks: Path, tmp_path: Path
) -> None:
    model = copied / "model.safetensors"
    whole, told = model.read_bytes(), {"where": model, "says": "damaged", "remedy": "again"}
    out = ("--out", tmp_path / "p.h5")
    for damage in DAMAGE.values():
        model.write_bytes(damage(whole))
        for ref in (copied, model):
            zoo("predict", ref, "--data", tracks, *out).failed(5, **told)
        zoo("eval", copied).failed(5, **told)
        zoo("export", copied, "--format", "onnx", *out).failed(5, **told)
        train("--from", model, *ONE_STEP).failed(5, **told)
    assert not (tmp_path / "p.h5").exists()


def test_safetensors_of_somebody_else(zoo: Call, tracks: Path, tmp_path: Path) -> None:
    file = tmp_path / "resnet.safetensors"
    save_file({"conv1.weight": np.zeros((3, 3), np.float32)}, file)
    done = zoo("predict", file, "--data", tracks, "--out", tmp_path / "p.h5")
    done.failed(5, where=file, says="zoo did not write", remedy="zoo weights convert")


def test_weights_of_another_model(zoo: Call, run: Path, tracks: Path, tmp_path: Path) -> None:
    flashes = tmp_path / "flashes.h5"
    words = ("data", "simulate", "mini-light", "--data", "flashes", "--events", 3)
    assert zoo(*words, "--out", flashes, "--workers", 1).code == 0
    out = ("--out", tmp_path / "p.h5")
    done = zoo("predict", "mini-light/siren", "--from", run, "--data", flashes, *out)
    done.failed(5, where=run, says=f"{MODEL}, not mini-light/siren", remedy=MODEL)
    done = zoo("export", "mini-light/siren", "--from", run, "--format", "ts", *out)
    done.failed(5, where=run, says=f"{MODEL}, not mini-light/siren", remedy=MODEL)
    done = zoo("predict", f"{MODEL}@v1", "--data", tracks, *out)
    done.failed(5, where=f"{MODEL}@v1", says="published", remedy="zoo train")
    done = zoo("predict", MODEL, "--data", tracks, *out)
    done.failed(2, where=MODEL, says="needs weights", remedy="zoo train")


def test_a_start_from_other_networks(zoo: Call, train: Call, run: Path, tmp_path: Path) -> None:
    wider = train("--from", run, "--set", "model.width=4", *ONE_STEP)
    wider.failed(5, where=run, says="net/body.0.weight", remedy="config")
    flashes = tmp_path / "flashes.h5"
    words = ("data", "simulate", "mini-light", "--data", "flashes", "--events", 20)
    assert zoo(*words, "--out", flashes, "--workers", 1).code == 0
    done = train("--from", run, *ONE_STEP, model="mini-light/siren", data=flashes)
    done.failed(5, where=run, says="shares no parameter", remedy="net/body.0")
    absent = tmp_path / "absent"
    train("--from", absent, *ONE_STEP).failed(5, where=absent, says="no such run", remedy="--from")
    train("--from", f"{run}@9", *ONE_STEP).failed(2, where=run, says="step 9", remedy="snapshot")


def test_a_model_file_whose_header_tells_of_other_networks(
    zoo: Call, copied: Path, tracks: Path, tmp_path: Path
) -> None:
    from zoo.artifacts.model_file import read_model, write_model

    model = copied / "model.safetensors"
    record = read_model(model)
    predict = ("predict", copied, "--data", tracks, "--out", tmp_path / "p.h5")

    def rewritten(**changes: object) -> None:
        write_model(model, type(record)(**{**vars(record), **changes}))

    rewritten(config={**record.config, "width": 4})
    zoo(*predict).failed(5, where=f"{model}: net", says="shape", remedy="configuration")
    rewritten(config={"widht": 8})
    zoo(*predict).failed(5, where=model, says="config", remedy="version")
    rewritten(tensors=dict(list(record.tensors.items())[1:]))
    zoo(*predict).failed(5, where=f"{model}: net", says="missing", remedy="configuration")
    rewritten(model="mini-track/pad-nte")
    zoo(*predict).failed(3, where="mini-track/pad-nte", says="no such", remedy="pad-net")
    rewritten(model="gone/net")
    zoo(*predict).failed(3, where="gone", says="no such", remedy="zoo list")
    rewritten(model="mini-track/centroid", config={})
    zoo(*predict).failed(5, where=model, says="classical")
    rewritten(constants={})
    zoo(*predict).failed(3, where=MODEL, says="row_scale", remedy="zoo data check")


@pytest.mark.parametrize("name", ["run.json", "config.toml", "data.json", "metrics.jsonl"])
def test_damaged_runs(zoo: Call, copied: Path, tracks: Path, name: str) -> None:
    file = copied / name
    file.write_text("{broken\n{}\n")
    code, where = (2, file) if name == "config.toml" else (4, file)
    if name != "config.toml":  # the report shows it as it is
        zoo("report", copied).failed(code, where=where)
    if name in {"config.toml", "data.json"}:
        zoo("eval", copied).failed(code, where=where)
    if name == "run.json":
        words = ("train", MODEL, "--data", tracks, "--out", copied, *ONE_STEP)
        zoo(*words).failed(4, where=file, remedy="damaged")


def test_a_run_whose_description_lacks_a_part(zoo: Call, copied: Path, tracks: Path) -> None:
    (copied / "data.json").write_text("{}")
    zoo("eval", copied).failed(4, where=copied / "data.json", says="'source'", remedy="damaged")
    (copied / "config.toml").write_text("")
    zoo("eval", copied).failed(2, where=copied, says="no data", remedy="--data")
    (copied / "run.json").write_text("{}")
    words = ("train", MODEL, "--data", tracks, "--out", copied, *ONE_STEP)
    zoo(*words).failed(2, where=copied, says="other settings", remedy="--out")


def test_a_run_without_its_marker_or_its_model(zoo: Call, copied: Path, tracks: Path) -> None:
    (copied / "model.safetensors").unlink()
    zoo("eval", copied).failed(2, where=copied, says="no selected model", remedy="zoo train")
    (copied / "run.json").unlink()
    zoo("eval", copied).failed(2, where=copied, says="no run directory", remedy="run.json")
    zoo("report", copied).failed(2, where=copied, says="neither a run", remedy="zoo train")
    words = ("train", MODEL, "--data", tracks, "--out", copied, *ONE_STEP)
    zoo(*words).failed(2, where=copied, says="holds no run", remedy="--out")


def test_damaged_checkpoints(zoo: Call, tracks: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("train", MODEL, "--data", tracks, "--out", out, "--set", "training.steps=2")
    assert zoo(*words, "--max-time", "1e-9").code == 75
    state = next((out / "checkpoints").glob("*/state.safetensors"))
    state.write_bytes(changed_byte(state.read_bytes()))
    error = zoo(*words).failed(5, where=out / "checkpoints", says="no checkpoint", remedy="--out")
    assert error["error"] == "weights"
    zoo(*words).failed(5, where=out / "checkpoints", says="no checkpoint", remedy="--out")


def test_damaged_evaluations(zoo: Call, copied: Path) -> None:
    assert zoo("eval", copied, "--split", "all", "--resamples", 5).code == 0
    results = copied / "eval" / "all" / "results.json"
    whole = results.read_text()
    results.write_text(whole[: len(whole) // 2])
    zoo("report", copied).failed(4, where=results, says="no readable", remedy="zoo eval")
    results.write_text(json.dumps({**json.loads(whole), "format": 99}))
    zoo("report", copied).failed(4, where=results, says="format 99", remedy="again")
    results.write_text(whole)
    rows = next((copied / "eval" / "all" / "rows").glob("*.h5"))
    rows.write_bytes(rows.read_bytes()[:1000])
    zoo("report", copied).failed(4, where=rows, says="damaged", remedy="anew")


@pytest.mark.parametrize("kind", ["onnx", "ts", "pt2"])
def test_garbage_for_a_runtime(zoo: Call, tracks: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"model.{kind}"
    predict = ("predict", file, "--runtime", kind, "--data", tracks, "--out", tmp_path / "p.h5")
    zoo(*predict).failed(5, where=file, remedy="zoo export")  # it is not there
    file.write_bytes(b"garbage" * 100)
    zoo(*predict).failed(5, where=file, says="damaged", remedy="zoo export")
    zoo("predict", file, *predict[4:]).failed(5, where=file, says="damaged", remedy="zoo export")


@pytest.mark.usefixtures("forked_runtime")
def test_an_export_that_is_cut_or_of_an_unknown_format(
    zoo: Call, run: Path, tracks: Path, tmp_path: Path
):
    out = tmp_path / "export"
    done = zoo("export", run, "--format", "ts", "--out", out)
    assert done.code == 0, done.stdout
    file = out / "mini-track-pad-net.ts"
    data = ("--data", tracks, "--out", tmp_path / "p.h5")
    zoo("predict", file, "--runtime", "tsx", *data).failed(2, where="tsx", remedy="'ts'")
    zoo("predict", file, "--runtime", "onnx", *data).failed(5, where=file, remedy="zoo export")
    file.write_bytes(file.read_bytes()[:-500])
    zoo("predict", file, *data).failed(5, where=file, says="damaged", remedy="zoo export")
