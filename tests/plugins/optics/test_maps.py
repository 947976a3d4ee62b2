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
from zoo_optics.baselines import TrilinearLut
from zoo_optics.config import LutConfig
from zoo_optics.sources.config import LarBoxConfig
from zoo_optics.sources.lar_box import LarBox
from zoo_optics.specs import SAMPLE

SCRIPT = str(Path(__file__).with_name("maps.py"))
pytestmark = pytest.mark.usefixtures("plugin")


def test_tables_are_judged_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = LarBox(LarBoxConfig(rows=2, columns=3))
    simulate_file(box, SAMPLE, tmp_path / "flashes.h5", task="optics", seed=1, events=200, about={})
    words = [SCRIPT, str(tmp_path), "--voxels", "1", "3", "--points", "20"]
    words += ["--resamples", "20"]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(SCRIPT, run_name="__main__")
    rows = {row["name"]: row for row in json.loads((tmp_path / "maps.json").read_text())}
    kinds = ("lut", "lut-nearest", "lut-centred")
    assert list(rows) == [f"{kind}-{voxels}" for kind in kinds for voxels in (1, 3)]
    assert [row["bytes"] for row in rows.values()] == [4 * 6, 4 * 6 * 27] * 3
    # A single voxel is one visibility for all places: worse than 27, and flat.
    assert rows["lut-1"]["error"] > rows["lut-3"]["error"]
    np.testing.assert_allclose(list(rows["lut-1"]["gradient"].values()), 1, atol=1e-3)
    assert all(row["seconds"] >= 0 for row in rows.values())
    assert (tmp_path / "maps.md").read_text().count("lut") == 6
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


def test_a_centred_table_holds_the_light_of_the_middles() -> None:
    light = LarBox(LarBoxConfig(rows=2, columns=3))
    made: Any = runpy.run_path(SCRIPT)["centred"](light, (2, 3, 4), 24e9)
    table = TrilinearLut(LutConfig(voxels=(2, 3, 4)), light.facts)
    table.fit(made)
    # The last voxel of 200 x 400 x 500 cm, cut into 2, 3 and 4; a billion photons count to 1 %.
    middle = np.array([[150.0, 200 - 400 / 6, 437.5]])
    np.testing.assert_allclose(table.visibility(middle), light.visibility(middle), rtol=0.03)
