"""Fresh processes that die or are interrupted; stand-ins for Python make them do so at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from zoo.bench import launch
from zoo.bench.case import Case, Conditions, Subject
from zoo.bench.results import Row
from zoo.errors import ConfigError

CONDITIONS = Conditions(mode="inference", runtime="eager", threads=3)
FOUND = (
    '{"measured": {"wall": [1.0], "cpu": [1.0], "first": 1.0, "added": null, "peak": null, '
    '"inputs": {}, "parameters": null, "multiply_adds": null, "operator": null}}'
)
Stand = Callable[[str], None]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    def become(script: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")  # $3: the case, $4: the result
        path.chmod(0o755)
        monkeypatch.setattr(launch.sys, "executable", str(path))  # type: ignore[attr-defined]

    return become


def case(name: str, reason: str = "") -> Case:
    subject = Subject(name=name, kind="networks", model="toy/net")
    return Case(subject=subject, conditions=CONDITIONS, reason=reason)


def run(*cases: Case, processes: int = 1, folder: Path) -> tuple[Row, ...]:
    return launch.run_cases(cases, processes, folder)


def test_a_killed_process_is_a_row_and_the_others_are_kept(stand_in: Stand, tmp_path: Path):
    stand_in(f"grep -q '\"name\": \"big\"' $3 && kill -9 $$; echo '{FOUND}' > $4")
    big, small = run(case("big"), case("small"), processes=2, folder=tmp_path)
    assert big.processes == ()
    assert big.reason == "failed: its process was ended by SIGKILL: most often memory ran out"
    assert len(small.processes) == 2
    assert small.reason == ""


def test_the_last_line_of_a_crash_is_told(stand_in: Stand, tmp_path: Path):
    stand_in("echo some words >&2; echo the reason >&2; exit 3")
    (row,) = run(case("a"), folder=tmp_path)
    assert row.reason == "failed: its process ended with exit code 3: the reason"


def test_processes_take_turns_and_only_the_first_is_inspected(stand_in: Stand, tmp_path: Path):
    log = tmp_path / "log"
    stand_in(f"cat $3 >> {log}; echo >> {log}; echo $OMP_NUM_THREADS >> {log}; echo '{FOUND}' > $4")
    told: list[tuple[int, int]] = []
    cases = [case("a"), case("none", reason="not available"), case("b")]
    launch.run_cases(cases, 2, tmp_path, lambda done, total: told.append((done, total)))
    *lines, _ = log.read_text().split("\n")
    assert [("a" if '"name": "a"' in line else "b") for line in lines[::2]] == ["a", "b", "a", "b"]
    assert ['"inspect": true' in line for line in lines[::2]] == [True, True, False, False]
    assert set(lines[1::2]) == {"3"}
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_mistake_ends_the_benchmark(stand_in: Stand, tmp_path: Path):
    stand_in(
        """echo '{"error": "ConfigError", "message": "m", "where": "w", "remedy": "r"}' > $4"""
    )
    with pytest.raises(ConfigError) as caught:
        run(case("a"), folder=tmp_path)
    assert caught.value.as_dict()["where"] == "w"


def test_a_fault_of_a_plugin_is_a_row(stand_in: Stand, tmp_path: Path):
    stand_in("""echo '{"error": "PluginError", "message": "m", "where": "w", "remedy": ""}' > $4""")
    assert run(case("a"), folder=tmp_path)[0].reason == "failed: w: m"


def test_ctrl_c_ends_the_process_too(stand_in: Stand, tmp_path: Path):
    pid = tmp_path / "pid"
    stand_in(f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 60")

    def interrupt(signum: int, frame: FrameType | None) -> None:
        if pid.exists():
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(case("a"), folder=tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
