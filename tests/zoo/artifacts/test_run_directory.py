"""The run directory: what it refuses, and a log that survives a kill."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.errors import DataError, UsageError


def create(path: Path) -> RunDirectory:
    return RunDirectory.create(
        path,
        identity={"model": "toy/linear"},
        config="[training]\nbatch = 2\n",
        schema={"type": "object"},
        environment={"python": "3.11", "load": float("nan")},
    )


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create(tmp_path / "run")


def test_a_new_run_has_its_descriptions(run: RunDirectory) -> None:
    assert RunDirectory.open(run.path).identity() == {"model": "toy/linear"}
    assert run.config.read_text() == "[training]\nbatch = 2\n"
    assert run.read_json(run.schema) == {"type": "object"}
    assert run.read_json(run.environment) == {"load": None, "python": "3.11"}
    run.write_data({"files": ["a.h5"]})
    assert run.read_json(run.data) == {"files": ["a.h5"]}
    assert run.metrics() == []


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert RunDirectory.is_run(create(tmp_path / "empty").path)


def test_what_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        create(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        create(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_is_not_overwritten(run: RunDirectory) -> None:
    with pytest.raises(UsageError, match="holds a run already"):
        create(run.path)


def test_an_unwritable_place_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written") as caught:
        create(tmp_path / "file" / "run")
    assert "--out" in caught.value.remedy
    assert caught.value.exit_code == 2


def test_opening_what_is_no_run(run: RunDirectory) -> None:
    with pytest.raises(UsageError, match="is no run directory") as caught:
        RunDirectory.open(run.path.with_name("rnu"))
    assert caught.value.remedy == "did you mean 'run'?"
    with pytest.raises(UsageError, match=r"lacks run\.json"):
        RunDirectory.open(run.path.parent)


def test_metrics_are_appended(run: RunDirectory) -> None:
    for step in (1, 2):
        run.append_metrics({"step": step, "loss": 0.5 / step, "bad": float("nan")})
    assert run.metrics() == [
        {"step": 1, "loss": 0.5, "bad": None},
        {"step": 2, "loss": 0.25, "bad": None},
    ]
    lines = run.metrics_log.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


@pytest.mark.parametrize("line", [{}, {"step": "1"}, {"step": 1.0}])
def test_a_line_needs_its_step(run: RunDirectory, line: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="integer 'step'"):
        run.append_metrics(line)


@pytest.mark.parametrize("torn", ['{"step": 3, "lo', '{"step": 3}', "\x00\x00"])
def test_a_half_written_line_is_ignored_and_then_replaced(run: RunDirectory, torn: str) -> None:
    run.append_metrics({"step": 1})
    with run.metrics_log.open("a") as stream:
        stream.write(torn)
    resumed = RunDirectory.open(run.path)
    assert resumed.metrics() == [{"step": 1}]
    resumed.append_metrics({"step": 2})
    assert resumed.metrics() == [{"step": 1}, {"step": 2}]


def test_truncation_drops_what_the_checkpoint_does_not_know(run: RunDirectory) -> None:
    for step in range(1, 6):
        run.append_metrics({"step": step})
    with run.metrics_log.open("a") as stream:
        stream.write('{"step": 6')
    resumed = RunDirectory.open(run.path)
    resumed.truncate_metrics(3)
    assert resumed.metrics_log.read_text() == '{"step": 1}\n{"step": 2}\n{"step": 3}\n'
    resumed.append_metrics({"step": 4})
    assert [line["step"] for line in resumed.metrics()] == [1, 2, 3, 4]


def test_lines_of_the_step_itself_are_kept_by_their_split(run: RunDirectory) -> None:
    for step in (1, 2, 3):
        for split in ("train", "validation"):
            run.append_metrics({"step": step, "split": split})
    run.truncate_metrics(2, splits=("train",))
    found = [(line["step"], line["split"]) for line in run.metrics()]
    assert found == [(1, "train"), (1, "validation"), (2, "train")]


def test_a_run_whose_making_was_cut_is_known_and_incomplete(run: RunDirectory) -> None:
    assert run.complete
    run.environment.unlink()
    (run.path / ".environment.json.a1b2c3d4").write_text("{")
    cut = RunDirectory.open(run.path)
    assert not cut.complete
    (run.path / ".hidden").touch()  # not ours
    cut.discard()
    assert [path.name for path in run.path.iterdir()] == [".hidden"]


def test_truncating_nothing(run: RunDirectory) -> None:
    run.truncate_metrics(0)
    assert not run.metrics_log.exists()


@pytest.mark.parametrize("damage", ["garbage", "[1]", '{"loss": 1}', '{"step": null}'])
def test_damage_within_the_log_is_told(run: RunDirectory, damage: str) -> None:
    run.metrics_log.write_text(f'{{"step": 1}}\n{damage}\n{{"step": 2}}\n')
    with pytest.raises(DataError, match="line 2 is damaged"):
        run.metrics()


def test_damaged_json(run: RunDirectory) -> None:
    for content in (b"{", b"[]", b"\xff"):
        (run.path / "run.json").write_bytes(content)
        with pytest.raises(DataError, match="run is damaged"):
            run.identity()


def test_snapshots_by_step(run: RunDirectory) -> None:
    for step in (200, 30):
        run.snapshot(step).parent.mkdir(exist_ok=True)
        run.snapshot(step).touch()
    assert run.snapshots() == [30, 200]
    assert run.model_at(30) == run.path / "snapshots" / "000000030.safetensors"
    with pytest.raises(UsageError, match="steps with a snapshot: 30, 200"):
        run.model_at(31)
    with pytest.raises(UsageError, match="has no selected model yet"):
        run.model_at(None)
    run.model.touch()
    assert run.model_at(None) == run.model


@pytest.mark.parametrize(
    ("ref", "folder", "step"),
    [
        ("runs/a", "runs/a", None),
        ("runs/a@100", "runs/a", 100),
        ("runs/a@best", "runs/a@best", None),
        ("runs@old/a", "runs@old/a", None),
        ("runs@7/a@8", "runs@7/a", 8),
        ("@8", "@8", None),
    ],
)
def test_addresses(ref: str, folder: str, step: int | None) -> None:
    assert parse_run(ref) == (Path(folder), step)


def test_a_full_disk_is_told_with_the_way_to_go_on(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UsageError, match="No space left") as caught:
        run.append_metrics({"step": 1})
    assert "resumes" in caught.value.remedy
