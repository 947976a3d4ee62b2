"""What several processes say when they fail: the first tells it, others only what is their own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.contract.codec import Codec
from zoo.errors import DataError
from zoo.training.parts import find_parts

Start = Callable[..., Any]
MODEL = "mini-track/pad-net"
JSON = "--json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def data(folder: Path) -> Path:
    """A file of tracks. A training imports here what forked processes then have."""
    file = folder / "tracks.h5"
    if not file.exists():
        simulate = ("data", "simulate", "mini-track", "--data", "tracks", "--events", "80")
        done = CliRunner().invoke(app, [*simulate, "--out", str(file), "--workers", "1"])
        assert done.exit_code == 0, done.output
        done = CliRunner().invoke(app, words(folder / "run", file, steps=1))
        assert done.exit_code == 0, done.output
    return file


def words(out: Path, data: Path | str, *more: str, steps: int = 1000) -> list[str]:
    settings = (f"training.steps={steps}", "training.batch=8", "training.log_every=1")
    basis = ["train", MODEL, "--data", str(data), "--out", str(out), "--device", "cpu"]
    return [*basis, *[word for s in settings for word in ("--set", s)], *more]


def end(ranks: list[Any], *codes: int) -> list[str]:
    """What each process has said."""
    found = [rank.wait(30) for rank in ranks]
    assert found == list(codes), [rank.said for rank in ranks]
    return [rank.said for rank in ranks]


def error_of(said: str) -> dict[str, Any]:
    """The JSON object after what was told to people."""
    told: dict[str, Any] = json.loads(said[said.index("{\n") :])
    return told


def failing_at(number: int) -> None:
    """Have this process fail when it encodes its micro-batch of this number."""
    codec: type[Codec] = find_parts(MODEL).codec
    encode, numbers = codec.encode, count()

    def fail(self: Codec, samples: Any) -> Any:
        if next(numbers) == number:
            raise DataError("is cut", where="tracks.h5", remedy="copy it again")
        return encode(self, samples)

    codec.encode = fail  # type: ignore[method-assign]  # in the process of the test alone


def test_a_mistake_in_the_command_is_told_once(
    tmp_path: Path, data: Path, start_ranks: Start
) -> None:
    for more, says in ((("--set", "training.bach=5"), "training.bach"), (("--jsno",), "--jsno")):
        first, second = end(start_ranks(2, *words(tmp_path, data, *more)), 2, 2)
        assert says in first
        assert second == ""
    first, second = end(start_ranks(2, *words(tmp_path, data, "--set", "x=1", JSON)), 2, 2)
    assert error_of(first)["exit_code"] == 2
    assert second == ""


def test_what_all_find_out_is_told_once(tmp_path: Path, data: Path, start_ranks: Start) -> None:
    out = tmp_path / "run"
    first, second = end(start_ranks(2, *words(out, tmp_path / "no.h5"), JSON), 4, 4)
    assert error_of(first)["where"] == str(tmp_path / "no.h5")
    assert second == ""
    rows = json.loads((data.parent / "run" / "data.json").read_text())["rows"]["train"]
    one_left = words(out, data, "--set", f"training.batch={rows - 1}")
    first, second = end(start_ranks(2, *one_left), 2, 2)
    assert "too few for 2 processes that normalise together" in first
    assert second == ""


def test_what_one_finds_out_at_the_start_is_told_by_the_first(
    tmp_path: Path, data: Path, start_ranks: Start
) -> None:
    def enter(rank: int) -> None:
        os.chdir(data.parent if rank == 0 else tmp_path)

    ranks = start_ranks(2, *words(tmp_path / "run", data.name), JSON, before=enter)
    first, second = end(ranks, 4, 4)
    assert error_of(first)["where"] == f"{data.name}, process 1 of 2"
    assert second == ""


def test_what_all_meet_in_a_step_is_told_once(
    tmp_path: Path, data: Path, start_ranks: Start
) -> None:
    # The audit would have the first process encode more than the others.
    command = words(tmp_path / "run", data, "--set", "engine.audit=false", JSON)
    ranks = start_ranks(3, *command, before=lambda _: failing_at(9))
    first, *others = end(ranks, 4, 4, 4)
    assert error_of(first)["message"] == "is cut"
    assert others == ["", ""]


def test_what_one_meets_in_a_step_is_not_lost(
    tmp_path: Path, data: Path, start_ranks: Start
) -> None:
    def fail(rank: int) -> None:
        if rank == 1:
            failing_at(9)

    ranks = start_ranks(3, *words(tmp_path / "run", data), JSON, before=fail)
    first, second, third = end(ranks, 2, 4, 2)
    assert "another process of this run has ended" in error_of(first)["message"]
    assert second.splitlines()[0] == "process 1 of 3: error: tracks.h5: is cut"
    assert "copy it again" in second
    assert third == ""


def test_what_the_first_meets_alone_is_told_by_it(
    tmp_path: Path, data: Path, start_ranks: Start
) -> None:
    def fail(rank: int) -> None:
        if rank == 0:
            failing_at(9)

    ranks = start_ranks(3, *words(tmp_path / "run", data), JSON, before=fail)
    first, second, third = end(ranks, 4, 2, 2)
    assert error_of(first)["message"] == "is cut"
    # It may as well have been killed: one other process says that it is gone.
    assert second.startswith("process 1 of 3: error: another process of this run has ended")
    assert third == ""


def test_a_stop_is_told_once(tmp_path: Path, data: Path, start_ranks: Start) -> None:
    ranks = start_ranks(2, *words(tmp_path / "run", data), JSON)
    log = tmp_path / "run" / "metrics.jsonl"
    while not log.exists():
        assert all(Path(f"/proc/{rank.pid}").exists() for rank in ranks)
    for rank in ranks:
        os.kill(rank.pid, signal.SIGTERM)
    first, second = end(ranks, 75, 75)
    assert error_of(first)["error"] == "interrupted"
    assert second == ""
