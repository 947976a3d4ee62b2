"""The section on data of commands that read samples, and what they tell meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.artifacts.run_directory import RunDirectory
from zoo.cli import progress
from zoo.cli.progress import counted, progress_bar
from zoo.cli.samples import data_section
from zoo.errors import ConfigError, UsageError


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(
        tmp_path / "run",
        identity={"model": "tiny/net"},
        config='[data]\nsource = "toy"\nevents = 9\nvalidation = 0.3\n',
        schema={},
        environment={},
    )


def test_data_of_a_run_its_split_and_settings(run: RunDirectory):
    own = data_section("", ["data.events=5"], str(run.path))
    assert (own.source, own.events, own.validation) == ("toy", 5, 0.3)
    other = data_section("a.h5", [], f"{run.path}@100")
    assert (other.path, other.events, other.validation) == ("a.h5", 0, 0.3)


def test_without_a_run_the_folder_one_stands_in_means_nothing(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(run.path)
    assert data_section("toy", []).validation != 0.3
    with pytest.raises(UsageError, match="no data are named"):
        data_section("", [])


def test_settings_of_something_else_are_refused():
    with pytest.raises(ConfigError, match="no such setting") as caught:
        data_section("toy", ["training.batch=1"])
    assert caught.value.where == "--set training"


def test_lines_on_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    clock = iter((0.0, 1.0, 1.0, 2.0, 2.0, 13.0, 13.0, 13.0, 14.0, 14.0, 14.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress_bar("simulating") as bar:
        add = counted(bar, 100)
        add(40)  # there before: no part of the rate
        add(2)
        add(22)
        add(36)
    # 24 rows in the 12 s since the first call, then 60 in 13 s.
    assert capsys.readouterr().err.splitlines() == [
        "simulating: 64/100 samples, 2/s, 18 s left",
        "simulating: 100/100 samples, 4.62/s, 0 s left",
    ]


def test_a_second_piece_of_work_has_a_rate_of_its_own(monkeypatch: pytest.MonkeyPatch):
    clock = iter((1.0, 11.0, 21.0, 26.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    rate = progress._Rate()
    assert [rate(0), rate(100)] == [0.0, 10.0]
    assert [rate(10), rate(60)] == [0.0, 10.0]
