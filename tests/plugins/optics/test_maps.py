"""The measurement of maps: tables of a small box, judged and written."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.data.simulate import simulate_file
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox
from zoo_optics.specs import SAMPLE

SCRIPT = str(Path(__file__).with_name("maps.py"))
pytestmark = pytest.mark.usefixtures("plugin")


def test_tables_are_judged_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = LarBox(LarBoxConfig(rows=2, columns=3))
    simulate_file(box, SAMPLE, tmp_path / "box.h5", task="optics", seed=1, events=200, about={})
    words = [SCRIPT, str(tmp_path), "--voxels", "1", "3", "--points", "20"]
    words += ["--resamples", "20"]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(SCRIPT, run_name="__main__")
    rows = {row["name"]: row for row in json.loads((tmp_path / "maps.json").read_text())}
    assert list(rows) == ["lut-1", "lut-3", "lut-nearest-1", "lut-nearest-3"]
    assert [row["bytes"] for row in rows.values()] == [4 * 6, 4 * 6 * 27] * 2
    # A single voxel is one visibility for all places: worse than 27, and flat.
    assert rows["lut-1"]["error"] > rows["lut-3"]["error"]
    np.testing.assert_allclose(list(rows["lut-1"]["gradient"].values()), 1, atol=1e-3)
    assert all(row["seconds"] >= 0 for row in rows.values())
    assert (tmp_path / "maps.md").read_text().count("lut") == 4
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


def test_progress_is_that_of_the_log(tmp_path: Path) -> None:
    progress: Any = runpy.run_path(SCRIPT)["progress"]
    path = tmp_path / "metrics.jsonl"
    assert progress(path) == []
    lines = [
        {"step": 1, "phase": "net", "loss": 3.0},
        {"step": 2, "phase": "metrics", "visibility error": 31.5},
        {"step": 4, "phase": "metrics", "visibility error": None},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert progress(path) == [(2, 31.5)]
