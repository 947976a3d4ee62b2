"""Whole trainings of a miniature: files, resume, refusals."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.artifacts.model_file import read_model
from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.config.layers import Layer, Resolved, recipe_layer, resolve, set_layer
from zoo.config.migration import Migration
from zoo.contract.codec import Codec
from zoo.errors import ConfigError, Interrupted, NonFiniteError, UsageError, WeightsError
from zoo.evaluation import evaluate
from zoo.training import train
from zoo.training.parts import find_parts
from zoo.training.reporting import SilentReporter
from zoo_miniatures.track.config import PadNetConfig

MODEL = "mini-track/pad-net"
SMALL = ("data.events=60", "training.batch=8", "training.log_every=1")


class Recorder(SilentReporter):
    """Keeps what it is told; may send a signal at a step."""

    def __init__(self, stop_at: int = -1) -> None:
        self.messages: list[str] = []
        self._stop_at = stop_at

    def message(self, text: str) -> None:
        self.messages.append(text)

    def progress(self, step: int, total: int) -> None:
        if step == self._stop_at:
            os.kill(os.getpid(), signal.SIGTERM)


def settings(*assignments: str, model: str = MODEL) -> Resolved:
    parts = find_parts(model)
    recipe = recipe_layer(parts.task.recipes, "quick")
    length = Layer("test", {"training": {"steps": 9, "validate_every": 3}})
    return resolve(parts.config, [recipe, length, set_layer([*SMALL, *assignments])])


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_clock(run: RunDirectory) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.metrics()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """Filled by the first test that trains, shared by the others."""
    return {}


def trained(finished: dict[str, RunDirectory], factory: pytest.TempPathFactory) -> RunDirectory:
    if MODEL not in finished:
        finished[MODEL] = train(MODEL, settings(), factory.mktemp("run") / "a")
    return finished[MODEL]


@pytest.fixture
def run(
    finished: dict[str, RunDirectory], tmp_path_factory: pytest.TempPathFactory
) -> RunDirectory:
    return trained(finished, tmp_path_factory)


class Disk:
    """What a power cut would leave of a log, by the calls that make something durable."""

    def __init__(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checkpoints: list[tuple[str, bytes, bytes]] = []  # name, the log on disk, the log
        self._log, self._content, self._found = log, b"", False
        self._fsync, self._replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "replace", self.replace)

    def fsync(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path == self._log:
            self._content = path.read_bytes()
        self._found = self._found or (path == self._log.parent and self._log.exists())

    def replace(self, source: Path, target: Path) -> None:
        if target.parent.name == "checkpoints":
            content = self._content if self._found else b""
            self.checkpoints.append((target.name, content, self._log.read_bytes()))
        self._replace(source, target)


def test_no_checkpoint_is_ahead_of_the_log_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    disk = Disk(out / "metrics.jsonl", monkeypatch)
    often = settings("training.checkpoint_every=2")
    with pytest.raises(Interrupted):
        train(MODEL, often, out, progress=Recorder(stop_at=5))
    train(MODEL, often, out)
    steps = [int(name[:9]) for name, _, _ in disk.checkpoints]
    assert steps == [2, 4, 5, 6, 8, 9]
    for step, (_, durable, log) in zip(steps, disk.checkpoints, strict=True):
        assert durable == log
        assert durable.count(b'"train"') == step


def test_the_run_directory_tells_everything(run: RunDirectory) -> None:
    record = read_model(run.model)
    assert record.model == MODEL
    assert record.plugin == "mini-track"
    assert record.lineage["step"] in {3, 6, 9}
    assert record.metrics["loss"] == min(
        row["loss"] for row in run.metrics() if row["split"] == "validation"
    )
    data = run.read_json(run.data)
    assert sum(data["rows"].values()) == 60
    assert min(data["groups"].values()) >= 1
    assert [row["step"] for row in run.metrics() if row["split"] == "train"] == list(range(1, 10))
    assert len(list(run.checkpoints.iterdir())) <= 2
    for name in ("config.toml", "schema.json", "environment.json", "run.json"):
        assert (run.path / name).is_file()


def test_fitted_and_tuned_constants_are_stored(run: RunDirectory) -> None:
    fitted = read_model(run.path / "constants.safetensors").constants
    final = read_model(run.model).constants
    assert fitted
    assert set(fitted) < set(final)  # what tune adds


def test_what_the_file_tells_of_itself_is_measured_after_tuning(run: RunDirectory) -> None:
    told = read_model(run.model).metrics
    results = evaluate([str(run.path)], settings().config.data, split="validation", resamples=1)
    found = {n.number.name: n.number.value for n in results[str(run.path)].numbers if not n.column}
    assert found["pull width"] > 0
    for name, value in found.items():
        assert told[name] == pytest.approx(value, rel=1e-9)


def test_equal_trainings_give_equal_files(run: RunDirectory, tmp_path: Path) -> None:
    other = train(MODEL, settings("training.workers=1", "data.memory=stream"), tmp_path / "b")
    assert digest(other.model) == digest(run.model)
    assert without_clock(other) == without_clock(run)


def test_stopped_and_resumed_it_gives_the_same_file(run: RunDirectory, tmp_path: Path) -> None:
    out = tmp_path / "c"
    for stop_at in (2, 3, 7):
        recorder = Recorder(stop_at)
        with pytest.raises(Interrupted) as caught:
            train(MODEL, settings(), out, progress=recorder)
        assert caught.value.exit_code == 75
        assert not RunDirectory.open(out).model.exists()
    resumed = train(MODEL, settings(), out)
    assert digest(resumed.model) == digest(run.model)
    assert without_clock(resumed) == without_clock(run)


def test_a_line_that_a_kill_left_half_written_is_dropped(run: RunDirectory, tmp_path: Path) -> None:
    out = tmp_path / "torn"
    with pytest.raises(Interrupted):
        train(MODEL, settings(), out, progress=Recorder(4))
    with RunDirectory.open(out).metrics_log.open("a") as stream:
        stream.write('{"step": 5, "epoch": 0, "split": "tr')
    resumed = train(MODEL, settings(), out)
    assert without_clock(resumed) == without_clock(run)
    assert digest(resumed.model) == digest(run.model)


def test_a_finished_run_is_left_alone(run: RunDirectory) -> None:
    before = digest(run.model), run.model.stat().st_mtime_ns
    recorder = Recorder()
    train(MODEL, settings(), run.path, progress=recorder)
    assert recorder.messages == [f"{run.path}: this training is finished"]
    assert (digest(run.model), run.model.stat().st_mtime_ns) == before


def test_other_settings_are_refused_by_name(run: RunDirectory) -> None:
    changed = settings("optimizers.net.lr=0.5", "training.batch=4", "training.max_time=5")
    with pytest.raises(UsageError, match=r"optimizers\.net\.lr, training\.batch") as caught:
        train(MODEL, changed, run.path)
    assert "max_time" not in str(caught.value)
    with pytest.raises(UsageError, match="freeze"):
        train(MODEL, settings(), run.path, freeze=["net/*bias"])


def test_a_run_begun_before_a_setting_existed_goes_on_with_its_default(
    run: RunDirectory, tmp_path: Path
) -> None:
    out = tmp_path / "before"
    with pytest.raises(Interrupted):
        train(MODEL, settings(), out, progress=Recorder(4))
    path = out / "run.json"
    identity = json.loads(path.read_text())
    del identity["config"]["training"]["seed"]
    path.write_text(json.dumps(identity))
    with pytest.raises(UsageError, match=r"other settings: training\.seed"):
        train(MODEL, settings("training.seed=1"), out)
    assert digest(train(MODEL, settings(), out).model) == digest(run.model)


def test_a_run_of_an_older_version(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose setting ``width`` was ``channels``: a finished one is known, another is refused."""
    old = tmp_path / "old"
    shutil.copytree(run.path, old)
    identity = json.loads((old / "run.json").read_text())
    model = identity["config"]["model"]
    model["channels"] = model.pop("width")
    (old / "run.json").write_text(json.dumps(identity))
    with pytest.raises(UsageError, match=r"other settings: model\.channels"):
        train(MODEL, settings(), old)
    change = Migration(since="2.0", moved={"channels": "width"})
    monkeypatch.setattr(PadNetConfig, "migrations", (change,))
    recorder = Recorder()
    assert train(MODEL, settings(), old, progress=recorder).path == old
    assert recorder.messages == [f"{old}: this training is finished"]
    (old / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"older version: channels is width = 8 since 2\.0"):
        train(MODEL, settings(), old)
    assert list((old / "checkpoints").iterdir())


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        train(MODEL, settings(), tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_start_from_a_run_and_freeze(run: RunDirectory, tmp_path: Path) -> None:
    before = read_model(run.model).tensors
    names = [name for name in before if name.endswith("weight")]
    pattern = names[0].removeprefix("networks/")
    recorder = Recorder()
    tuned = train(
        MODEL,
        settings("training.steps=2"),
        tmp_path / "d",
        start_from=str(run.path),
        freeze=[pattern],
        progress=recorder,
    )
    after = read_model(tuned.model)
    np.testing.assert_array_equal(after.tensors[names[0]], before[names[0]])
    assert any(not np.array_equal(after.tensors[name], before[name]) for name in names[1:])
    assert after.lineage["start"] == digest(run.model)
    assert after.lineage["frozen"] == [pattern]
    assert "loaded" in recorder.messages[0]


def test_starts_that_cannot_be(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such run"):
        train(MODEL, settings(), tmp_path / "e", start_from=str(tmp_path / "nowhere"))
    wide = next(
        f"model.{name}={value * 2}"
        for name, value in settings().config.model.model_dump().items()
        if isinstance(value, int) and name in {"width", "hidden", "channels"}
    )
    with pytest.raises(WeightsError, match="shape"):
        train(MODEL, settings(wide), tmp_path / "f", start_from=str(run.path))
    with pytest.raises(ConfigError, match="matches no parameter"):
        train(MODEL, settings(), tmp_path / "g", freeze=["nett/*"])


def test_compilation_must_be_declared_safe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="differentiates twice"):
        train(
            "mini-gan/wgan-lo",
            settings("engine.compile=true", "data.events=40", model="mini-gan/wgan-lo"),
            tmp_path / "h",
        )


def test_a_classical_model_is_not_trained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to train"):
        train("mini-track/centroid", settings(), tmp_path / "i")


def test_divergence_names_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codec: type[Codec] = find_parts(MODEL).codec
    encode = codec.encode
    seen: list[int] = []

    def poisoned(self: Codec, samples: Any) -> Any:
        batch = encode(self, samples)
        seen.append(len(seen))
        if len(seen) == 4:
            for array in batch.inputs.values():
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    array[...] = np.nan
        return batch

    monkeypatch.setattr(codec, "encode", poisoned)
    with pytest.raises(NonFiniteError):
        train(MODEL, settings("training.validate_every=100", "data.validation=0"), tmp_path / "j")
    record = json.loads((tmp_path / "j" / "nonfinite.json").read_text())
    assert record["step"] == 3
    assert len(record["ids"]) == 8


def test_the_gan_selects_by_its_metric(tmp_path: Path) -> None:
    model = "mini-gan/wgan-lo"
    run = train(model, settings("data.events=60", model=model), tmp_path / "k")
    rows = [row for row in run.metrics() if row["phase"] == "metrics"]
    record = read_model(run.model)
    select = find_parts(model).task.select
    assert record.metrics[select] == min(row[select] for row in rows)
    assert {n.split("/")[1] for n in record.tensors if n.startswith("networks/")} == {
        "generator",
        "critic",
        "constrainer",
    }
