"""The tutorial works: its commands run, its changes apply to what `zoo new plugin` writes."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.registry import registry

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "plugin-tutorial.md"
PLUGIN, PACKAGE = "zoo-pulses", "zoo_pulses"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.slow


def forget() -> None:
    """Let the next import see the files as they are now."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    importlib.invalidate_caches()
    registry.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_PLUGINS", "pulses")
    forget()
    yield tmp_path
    forget()


def install(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page says, but not into this environment and without a network."""
    assert words == ["install", "--editable", PLUGIN]
    site = folder / "site"
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    command = [sys.executable, "-m", "pip", "install", *offline, str(folder / PLUGIN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Editable: the metadata is that of the installed package, the code is the folder's.
    for path in (site, folder / PLUGIN):
        monkeypatch.syspath_prepend(path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    forget()


def run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, *words = shlex.split(line)
    if program == "pip":
        install(words, folder, monkeypatch)
        return
    assert program == "zoo", f"no other program belongs here: {line}"
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, f"{line}\n{done.output}"


def change(text: str, folder: Path) -> None:
    """Apply a ``diff`` block: its first line names the file, what it takes away is there once."""
    header, *lines = text.splitlines()
    path = folder / PLUGIN / header.removeprefix("--- ")
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1, f"{header}: not there once:\n{old}"
    path.write_text(content.replace(old, new), encoding="utf-8")
    forget()


@pytest.mark.timeout(900)
def test_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = []
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        kinds.append(language)
        if language == "diff":
            change(text, folder)
        else:
            assert language == "bash"
            if text.startswith("# not run:"):
                continue
            for line in text.replace("\\\n", " ").splitlines():
                run(line, folder, monkeypatch)
    assert kinds.count("diff") >= 8
    assert list(Path("export").glob("*.onnx"))
    assert (Path("runs") / "dropout" / "model.safetensors").is_file()
    _house_style(folder / PLUGIN)
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*tests, "tests/test_physics.py"], cwd=folder / PLUGIN, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def _house_style(plugin: Path) -> None:
    """What the page makes of the plugin is as tidy as before."""
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
        done = subprocess.run(command, cwd=plugin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
