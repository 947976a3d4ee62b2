"""What a reader can turn is shown in a sandbox, and nothing else ever runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import zoo
from zoo.config.run import DataConfig
from zoo.contract.figures import Drawing, Interactive
from zoo.errors import DataError, PluginError
from zoo.evaluation import write_results
from zoo.report import write_report
from zoo.report.drawings import StoredDrawing, draw_figures, read_drawings, store_drawings
from zoo.report.html import figure, page
from zoo.report.interactive import script_digest, standing_alone

SCRIPT = 'const told = JSON.parse(document.getElementById("data").textContent);'
EVIL = "</script><script>alert(1)</script>"
SHOWN = Interactive(markup="<canvas></canvas>", script=SCRIPT, data={"name": EVIL}, height=333)


class Frames(HTMLParser):
    """Tags of a page with their attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts.append(data)
            self._inside = False

    def one(self, tag: str) -> dict[str, str | None]:
        (found,) = (attributes for name, attributes in self.tags if name == tag)
        return found

    @property
    def policy(self) -> str:
        content = next(a["content"] for t, a in self.tags if t == "meta" and "http-equiv" in a)
        return content or ""


def drawing(shown: Interactive | None = SHOWN) -> Drawing:
    made = Figure(figsize=(1, 1))
    return Drawing("turn", "A <b> event.", made, {"x": np.zeros(1)}, interactive=shown)


def framed(folder: Path, stored: StoredDrawing) -> Frames:
    body = figure(stored, folder, folder)
    return Frames(page("title", "", [("Figures", body)], [stored.script]))


def test_it_is_stored_as_a_page_that_stands_alone(tmp_path: Path) -> None:
    (stored,) = store_drawings([drawing()], tmp_path)
    assert read_drawings(tmp_path) == (stored,)
    text = (tmp_path / "turn.html").read_text(encoding="utf-8")
    alone = Frames(text)
    assert EVIL not in text
    data, script = alone.scripts
    assert json.loads(data) == {"name": EVIL}
    assert script == SCRIPT
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in alone.policy
    assert "default-src 'none'" in alone.policy
    assert "unsafe-inline" not in alone.policy.partition("script-src")[2]


def test_the_page_frames_it_in_a_sandbox(tmp_path: Path) -> None:
    (stored,) = store_drawings([drawing()], tmp_path)
    shown = framed(tmp_path, stored)
    frame = shown.one("iframe")
    assert frame["sandbox"] == "allow-scripts"  # no access to the page, no forms, no links
    assert frame["height"] == "333"
    assert frame["srcdoc"] == (tmp_path / "turn.html").read_text(encoding="utf-8")
    assert "src" not in frame
    assert not shown.scripts  # those are inside the frame
    assert f"script-src '{stored.script}'" in shown.policy  # a frame inherits the policy
    links = [a["href"] for tag, a in shown.tags if tag == "a" and a["href"] != "#s0"]
    assert links == ["turn.html", "turn.pdf", "turn.csv"]


def test_without_one_no_script_is_let_in(tmp_path: Path) -> None:
    (stored,) = store_drawings([drawing(None)], tmp_path)
    assert stored == StoredDrawing("turn", "A <b> event.")
    assert not (tmp_path / "turn.html").exists()
    shown = framed(tmp_path, stored)
    assert "script-src" not in shown.policy
    assert "iframe" not in {tag for tag, _ in shown.tags}


def test_an_index_of_before_is_read(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('[{"name": "old", "caption": "As it was."}]')
    assert read_drawings(tmp_path) == (StoredDrawing("old", "As it was."),)


def test_an_index_cannot_smuggle_a_policy_in(tmp_path: Path) -> None:
    entry = {"name": "turn", "caption": "", "script": "* 'unsafe-inline'", "height": 9}
    (tmp_path / "index.json").write_text(json.dumps([entry]))
    with pytest.raises(DataError, match="no digest of a script"):
        read_drawings(tmp_path)


def test_the_page_is_told_when_it_is_missing(tmp_path: Path) -> None:
    (stored,) = store_drawings([drawing()], tmp_path)
    (tmp_path / "turn.html").unlink()
    with pytest.raises(DataError, match=r"turn\.html"):
        figure(stored, tmp_path, tmp_path)


@pytest.mark.parametrize("script", ["x = '</SCRIPT>'", "y = '<!--'", "a\r\nb"])
def test_a_script_that_a_page_would_cut_is_refused(script: str) -> None:
    with pytest.raises(PluginError, match="carriage return"):
        standing_alone("turn", replace(SHOWN, script=script))


@pytest.mark.parametrize("data", [{"x": float("nan")}, {"x": {1}}])
def test_data_that_are_no_json_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(PluginError, match="no JSON"):
        standing_alone("turn", replace(SHOWN, data=data))


def test_a_report_runs_the_script_of_its_figures_and_no_other(tmp_path: Path) -> None:
    data = DataConfig(source="untimed", events=40, test=0.5)
    results = zoo.evaluate("mini-track/centroid", data, resamples=10)
    write_results(results, tmp_path)
    draw_figures(results, tmp_path)
    store_drawings([drawing()], tmp_path / "figures")
    text = write_report(tmp_path).read_text(encoding="utf-8")
    assert re.findall(r"script-src ([^;\"]*)", Frames(text).policy) == [
        f"'{script_digest(SCRIPT)}'"
    ]
