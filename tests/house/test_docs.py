"""Every command and every Python example of the documentation runs.

Blocks of ``bash``, ``console`` (lines after ``$``) and ``python`` run in the order of the page, in
one folder. A page that needs no other has a folder and a test of its own: workers share them. A
block whose first line is ``# not run: REASON`` is left out; one that begins with ``# needs the real
data`` runs where they are. All commands are ``zoo``'s and run through its
application object: that is what the command `zoo` calls, without a start of Python for each.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import zoo.api
from zoo.api import Figures
from zoo.cli.app import app
from zoo.contract.refs import resolve
from zoo.registry import registry

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
DNN_ROI = PLUGINS / "zoo_dnn_roi" / "README.md"
OPTICS = PLUGINS / "zoo_optics" / "README.md"
GUIDE = (
    "quickstart",
    "data",
    "configuration",
    "training",
    "running-anywhere",
    "evaluation",
    "export",
    "weights",
    "using-weights",
    "converting-weights",
    "writing-a-plugin",
    "checking-a-plugin",
)
"""Pages of ``docs``, in this order: later ones use what the first two make."""
STAGES = (
    "sparse-reco-clustering",
    "sparse-reco-grouping",
    "sparse-reco-chain",
    "sparse-reco-pretraining",
)
"""Pages of ``docs/plugins``."""
ALONE = (
    OPTICS,
    *(PLUGINS / f"zoo_{name}" / "README.md" for name in ("ha_tpc", "calo", "sparse_reco")),
    *(ROOT / "docs" / "plugins" / f"{name}.md" for name in STAGES),
)
"""Pages that need no other one."""
NOT_RUN = re.compile(r"# not run: \w+")
REAL_DATA = "# needs the real data"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    place: str
    language: str
    text: str

    @property
    def skipped(self) -> bool:
        return NOT_RUN.match(self.text) is not None

    @property
    def needs_real_data(self) -> bool:
        return self.text.startswith(REAL_DATA)


def blocks(page: Path) -> Iterator[Block]:
    """Blocks that could run; a block may be indented, as in a list."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        if found[2] in {"bash", "console", "python"}:
            line = text.count("\n", 0, found.start()) + 1
            content = re.sub(rf"^{found[1]}", "", found[3], flags=re.MULTILINE)
            yield Block(f"{page.name}, line {line}", found[2], content)


def commands(block: Block) -> Iterator[tuple[list[str], int]]:
    """Words of each command, in a ``console`` block those after a ``$``, and its exit code.

    The exit code is told after ``|| echo "exit code $?"`` in a comment, ``# 75: why``.
    """
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        command, fails, comment = line.partition('|| echo "exit code $?"')
        words = shlex.split(os.path.expandvars(command), comments=True)
        if words:
            yield words, int(re.findall(r"# (\d+): \w", comment)[0]) if fails else 0


def run_command(words: list[str], expected: int, place: str) -> None:
    """One ``zoo`` command, with assignments before it as a shell takes them."""
    environment: dict[str, str] = {}
    while "=" in words[0]:
        name, _, environment[name] = words.pop(0).partition("=")
    assert words[0] == "zoo", f"{place}: only zoo's commands run here; else say '# not run: WHY'"
    done = CliRunner().invoke(app, words[1:], env=environment)
    told = f"{place}: {shlex.join(words)}\n{done.output}"
    assert done.exit_code == expected, told


def run_page(page: Path, *, real_data: bool = False) -> int:
    """Run a page in the current folder; the number of blocks that ran."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for block in blocks(page):
        if block.skipped or block.needs_real_data != real_data:
            continue
        count += 1
        if block.language == "python":
            exec(compile(block.text, block.place, "exec"), names)  # our own pages
            continue
        for words, exit_code in commands(block):
            run_command(words, exit_code, block.place)
    return count


@pytest.fixture
def few_displays(monkeypatch: pytest.MonkeyPatch) -> None:
    """One event display of an evaluation: the others are drawn by the same code, for seconds each.

    The calorimeters' figures overlay their events in one.
    """
    for task in registry().tasks.values():
        figures = resolve(task.figures) if task.figures else Figures
        if 1 < figures.displays <= 4:
            monkeypatch.setattr(figures, "displays", 1)


@pytest.mark.usefixtures("few_displays")
@pytest.mark.timeout(600)  # it runs every command of these pages
def test_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test, so that all its pages find the same folder however tests are distributed."""
    monkeypatch.chdir(tmp_path)
    for page in (*(ROOT / "docs" / f"{name}.md" for name in GUIDE), DNN_ROI):
        assert run_page(page), page.name
    assert Path("runs/first/report.html").stat().st_size
    _predict_without_torch()


@pytest.mark.usefixtures("few_displays")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ALONE, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_page(page)


def _predict_without_torch() -> None:
    """What the quickstart says of its ONNX file."""
    program = """if True:
        import sys, zoo
        samples = zoo.read("dnn-roi", "cosmics.h5", limit=1)
        zoo.load("export/dnn-roi-lite-unet.onnx").predict(samples)
        sys.exit("torch" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.realdata
def test_plugin_page_with_real_data(
    tmp_path: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DETECTOR_ZOO_DATA", str(real_data))
    assert run_page(DNN_ROI, real_data=True) == 2
    assert run_page(OPTICS, real_data=True) == 1


@pytest.mark.usefixtures("few_displays")
def test_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = ROOT / "README.md"
    monkeypatch.chdir(tmp_path)
    assert run_page(readme) >= 2, "the commands and the Python calls"


def test_no_page_is_forgotten() -> None:
    """A page with commands runs above, or all its commands are generated."""
    generated = {"cli"}
    own_test = {"plugin-tutorial"}  # tests/house/test_tutorial.py
    pages = {
        page.stem: page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts
    }
    for stem, page in pages.items():
        unseen = [block.place for block in blocks(page) if not block.skipped]
        assert stem in {*GUIDE, *STAGES, *generated, *own_test} or not unseen, unseen


def test_api_page_tells_every_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\.\. (?:auto\w+|py:\w+):: zoo\.api\.(\w+)", page, re.MULTILINE))
    assert told == set(zoo.api.__all__)


def test_every_included_file_is_there() -> None:
    """A literal include of lines that moved shows the wrong code: ``:start-at:`` must be found."""
    page = ROOT / "docs" / "writing-a-plugin.md"
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^```\{literalinclude\} (\S+)\n((?::.*\n)*)```$", text, re.MULTILINE)
    assert len(found) >= 8
    for name, options in found:
        content = (page.parent / name).read_text(encoding="utf-8")
        for marker in re.findall(r"^:(?:start-at|end-before): (.+)$", options, re.MULTILINE):
            assert marker.strip('"') in content, f"{name}: {marker}"
