"""``zoo new plugin``: a whole package, or nothing and the reason."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.errors import UsageError
from zoo.registry import Plugin, Registry
from zoo.scaffold import make_plugin
from zoo.scaffold.naming import PluginName, free_name

LONGEST = "a-name-of-24-charactersx"


def made(name: str, into: Path) -> Path:
    done = CliRunner().invoke(app, ["new", "plugin", name, "--into", str(into), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    folder = Path(told["folder"])
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == set(told["files"])
    return folder


def test_a_whole_package(tmp_path: Path) -> None:
    folder = made("beam-pulses", tmp_path / "not" / "there" / "yet")
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    points = project["project"]["entry-points"]["zoo.plugins"]
    assert points == {"beam-pulses": "zoo_beam_pulses.plugin"}
    assert project["project"]["name"] == folder.name == "zoo-beam-pulses"
    for path in folder.rglob("*"):
        if path.is_file():
            assert "${" not in path.read_text(), f"a placeholder is left in {path}"
    modules = {path.name for path in (folder / "zoo_beam_pulses").glob("*.py")}
    assert modules >= {"plugin.py", "specs.py", "codec.py", "baselines.py", "figures.py"}
    for name in (".gitignore", ".github/workflows/test.yml", "zoo_beam_pulses/py.typed"):
        assert (folder / name).is_file()
    assert [path.name for path in folder.parent.iterdir()] == ["zoo-beam-pulses"]


def test_it_imports_nothing_of_zoo_but_what_a_plugin_may(tmp_path: Path) -> None:
    for path in made("q", tmp_path).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "zoo":
                assert node.module in {"zoo.api", "zoo.testing"}, path


@pytest.mark.parametrize("name", ["q", LONGEST])
def test_it_is_as_tidy_as_the_house(tmp_path: Path, name: str) -> None:
    folder = made(name, tmp_path)
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_its_types_hold(tmp_path: Path) -> None:
    """By the rules of the house, which are stricter than its own: what the cache knows is valid."""
    folder = made("q", tmp_path)
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "mypy", f"--config-file={root / 'pyproject.toml'}"]
    done = subprocess.run(
        [*command, f"--cache-dir={root / '.mypy_cache'}", "--package=zoo_q"],
        cwd=folder,
        env=os.environ | {"MYPYPATH": f"{root}:{folder}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("Beam Pulses", "beam-pulses"),
        ("beam_pulses", "beam-pulses"),
        ("../x", "x"),
        ("2d", "d"),
        ("-", "beam-pulses"),
        ("", "beam-pulses"),
        ("zoo-", "beam-pulses"),
        ("a--b", "a-b"),
        ("x" * 25, "x" * 24),
        ("é", "beam-pulses"),
        ("a\n", "a"),
    ],
)
def test_what_is_no_name(name: str, proposal: str) -> None:
    with pytest.raises(UsageError, match="is no name of a plugin") as caught:
        free_name(name, Registry([]))
    assert caught.value.remedy.endswith(f": {proposal}")
    assert free_name(proposal, Registry([])).task == proposal


def test_names_that_somebody_has() -> None:
    broken = Plugin(name="broken", value="m", distribution="zoo-broken", error="E")
    commanding = Plugin(name="c", value="m", commands={"fit": "m:app"})
    found = Registry([broken, commanding])
    for name, holder in (
        ("train", "a command of the core"),
        ("zoo-broken", "the plugin broken (zoo-broken)"),
        ("fit", "the plugin c (m)"),
        ("dnn-roi", "a Python package zoo_dnn_roi is installed"),
    ):
        with pytest.raises(UsageError) as caught:
            free_name(name, found)
        assert holder in caught.value.message
        assert caught.value.remedy == "choose another name"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    made("q", tmp_path)
    (tmp_path / "zoo-q" / "README.md").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        make_plugin(PluginName("q"), tmp_path)
    assert (tmp_path / "zoo-q" / "README.md").read_text() == "mine"


@pytest.mark.parametrize("where", ["/proc/plugins", "file"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    words = ["new", "plugin", "q", "--into", str(tmp_path / where), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "--into" in json.loads(done.stdout)["remedy"]
