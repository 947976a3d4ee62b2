from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.data.store import TableFile
from zoo.registry import registry

ROOT = Path(__file__).resolve().parents[3]
TINY = ROOT / "tests" / "zoo" / "data" / "tiny"
ENTRY_POINTS = "[zoo.plugins]\ntiny = tiny_plugin\n"
START = "from zoo.cli.app import main; main()"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the tiny plugin is installed."""
    site = tmp_path_factory.mktemp("site")
    metadata = site / "tiny-0.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 0.5\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    return site


class Zoo:
    """``zoo data ...`` in this process, or in a fresh one that can be killed."""

    def __init__(self, site: Path, folder: Path) -> None:
        self.path = os.pathsep.join(map(str, (ROOT, TINY, site)))
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", START, "data", *arguments],
            env={**os.environ, "PYTHONPATH": self.path, "OMP_NUM_THREADS": "1"},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        done = CliRunner().invoke(app, ["data", *arguments], prog_name="zoo")
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        payload: dict[str, Any] = json.loads(self(*arguments, "--json", code=code)[0])
        return payload


@pytest.fixture
def zoo(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoo]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_PLUGINS", "tiny")
    for folder in (TINY, site):
        monkeypatch.syspath_prepend(folder)
    registry.cache_clear()
    yield Zoo(site, tmp_path)
    registry.cache_clear()


def simulate(out: str, *more: str) -> tuple[str, ...]:
    return (
        "simulate",
        "tiny",
        "--data",
        "toy",
        "--events",
        "40",
        "--seed",
        "2",
        "--out",
        out,
        *more,
    )


def test_simulate_check_and_convert(zoo: Zoo):
    made = zoo.json(*simulate("a.h5", "--set", "data.options.noise=2", "--workers", "2"))
    assert (made["rows"], made["task"]) == (80, "tiny")
    file = TableFile(zoo.folder / "a.h5")
    assert made["digest"] == file.digest
    assert file.facts["noise"] == 2.0
    assert file.about == {
        "command": "zoo data simulate tiny --data toy --events 40 --seed 2 "
        "--set data.options.noise=2",
        "options": {"noise": 2.0, "seconds": 0.0},
        "plugin": "tiny 0.5",
        "source": {
            "source": "toy",
            "path": "",
            "options": {"noise": 2},
            "events": 40,
            "seed": 2,
            "upstream": None,
            "model": "",
        },
        "zoo": file.about["zoo"],
    }
    out, _ = zoo(*simulate("a.h5", "--set", "data.options.noise=2"))
    assert "80 samples of tiny in 40 blocks" in out
    checked = zoo.json("check", "tiny", "--data", "a.h5")
    assert checked["ok"]
    assert {r["field"] for r in checked["ranges"]} == {"image", "mask", "hits", "label"}
    out, _ = zoo("check", "tiny", "--data", "hdf5:a.h5", "--limit", "10")
    assert "10 samples, 5 groups, 5 blocks" in out
    assert "No findings." in out


def test_progress_on_a_pipe_is_plain_lines_on_stderr(zoo: Zoo):
    process = zoo.start(*simulate("a.h5"))
    out, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "80/80 samples" in told
    assert "\x1b" not in out + told


def test_killed_and_repeated_gives_the_same_bytes(zoo: Zoo):
    zoo(*simulate("whole.h5", "--set", "data.options.seconds=0.03"))
    slow = simulate("a.h5", "--set", "data.options.seconds=0.03", "--workers", "2")
    process = zoo.start(*slow)
    parts = zoo.folder / "a.h5.parts"
    while len(list(parts.glob("shard-*"))) < 4 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (zoo.folder / "a.h5").exists()
    zoo(*slow)
    assert (zoo.folder / "a.h5").read_bytes() == (zoo.folder / "whole.h5").read_bytes()


def test_link_from_files_and_check_of_its_samples(zoo: Zoo):
    zoo(*simulate("a.h5"))
    link = [
        *("--data", "scores", "--set", "data.model=tiny/mean"),
        *("--set", "data.upstream.path=a.h5"),
    ]
    linked = zoo.json("convert", "tiny-next", *link, "--out", "b.h5")
    assert (linked["rows"], linked["fields"]) == (80, ["score"])
    assert zoo.json("check", "tiny-next", "--data", "b.h5")["ok"]
    told = zoo.json("check", "tiny", "--data", "b.h5", code=4)
    assert told["message"] == "it holds samples of the task 'tiny-next', not of 'tiny'"


def test_bad_data_end_with_exit_code_4_and_a_table(zoo: Zoo):
    images = np.zeros((30, 4, 5), np.float32)
    images[3, 0, 0] = np.nan
    np.save(zoo.folder / "a.npy", images)
    out, _ = zoo("check", "tiny", "--data", "npy:a.npy", code=4)
    assert "1 value(s) are NaN or infinite" in out
    payload = zoo.json("check", "tiny", "--data", "npy:a.npy", code=4)
    assert not payload["ok"]
    assert [f["field"] for f in payload["findings"]] == ["image"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("check", "tiny", "--data", "npz:a"), 2, "did you mean 'npy'?"),
        (("check", "tiny", "--data", "npy"), 2, "the path is missing"),
        (("check", "tiny", "--data", "npy:none.npy"), 4, "No such file"),
        (("check", "tiny", "--data", "none.h5"), 4, "no such file"),
        (("check", "tiny", "--data", "toy"), 2, "the number of events is missing"),
        (("check", "tini", "--data", "toy"), 3, "did you mean 'tiny'?"),
        (("convert", "tiny-next", "--data", "scores", "--out", "b.h5"), 2, "a link needs samples"),
        (simulate("a.h5", "--set", "data.options.nose=1"), 2, "data.options.nose"),
        (simulate("a.h5", "--set", "training.batch=1"), 2, "no such setting"),
        (
            ("simulate", "tiny", "--data", "npy", "--events", "1", "--out", "a.h5"),
            2,
            "is no simulator",
        ),
    ],
)
def test_errors_name_the_fault_and_the_remedy(
    zoo: Zoo, arguments: tuple[str, ...], code: int, text: str
):
    assert text in zoo(*arguments, code=code)[1]
