"""The plugin in docs/examples is one that others could have written: installed, tested, run."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "zoo-silicon-tracks"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which it is installed, without a network."""
    site = tmp_path_factory.mktemp("site")
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    run(["-m", "pip", "install", *offline, str(EXAMPLE)], site, dict(os.environ))
    assert not (EXAMPLE / "build").exists()
    path = os.pathsep.join([str(site), *filter(None, sys.path)])
    return os.environ | {"PYTHONPATH": path, "ZOO_PLUGINS": "silicon-tracks"}


def run(words: list[str], cwd: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_its_own_tests_pass(environment: dict[str, str]) -> None:
    tests = ["tests/test_physics.py", "tests/test_reconstruction.py"]
    run(["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], EXAMPLE, environment)


def test_it_keeps_the_contract(environment: dict[str, str], tmp_path: Path) -> None:
    words = ["-m", "zoo", "check", "silicon-tracks", "--quick", "--json"]
    told = json.loads(run(words, tmp_path, environment))
    assert told["ok"]
    assert told["counts"]["pass"] >= 10


def test_every_command_of_its_page_runs(environment: dict[str, str], tmp_path: Path) -> None:
    page = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    (zoo .*)$", page, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["train", "eval", "export"]
    train, judge, export = commands
    few = "--set data.events=24 --set data.options.fewest=6 --set data.options.most=12"
    judge = re.sub(r" --set data\.events=\d+", "", judge)
    quick = "--set training.epochs=1 --set model.width=4"
    for command in (f"{train} {few} {quick}", f"{judge} {few}", export):
        run(["-m", "zoo", *shlex.split(command)[1:]], tmp_path, environment)
    assert list(tmp_path.rglob("efficiency.png"))
    assert list(tmp_path.rglob("*.onnx"))


def test_the_wheel_leaves_it_out() -> None:
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "zoo_silicon_tracks" not in listed
