"""``zoo calo resolution``: a reference, a file and a model, as deposited and as read out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from zoo.api import Table
from zoo.cli.app import app
from zoo.data.writer import TableWriter
from zoo_calo.specs import SAMPLE

ENERGIES = (5.0, 20.0)
SPOTS_PER_GEV = 36  # of the toy


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory, toy: Callable[..., Table], toy_grid: Any
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("showers")
    grid, energy = toy_grid(), np.repeat(ENERGIES, 150)
    samples = {
        "training": (toy(energy, 1, grid), grid),
        "reference": (toy(energy, 2, grid), grid),
        "tenth-more": (toy(energy, 3, grid, response=1.1), grid),
        "other": (toy(energy[:20], 4, toy_grid(cells=12)), toy_grid(cells=12)),
    }
    for name, (table, one) in samples.items():
        facts, rows = one.facts(), table.rows
        path = folder / f"{name}.h5"
        with TableWriter(path, SAMPLE, facts=facts, task="calo", block_rows=rows) as writer:
            writer.append(table.with_columns({"group": table.ids}))
    return {name: folder / f"{name}.h5" for name in samples}


def run(files: dict[str, Path], *words: str | Path) -> Result:
    asked = ("--data", files["reference"], "--training", files["training"], *words)
    return CliRunner().invoke(app, ["calo", "resolution", *map(str, asked)])


def test_samples_are_compared_at_both_levels(files: dict[str, Path], tmp_path: Path) -> None:
    out, more = tmp_path / "found", str(files["tenth-more"])
    done = run(files, "calo/another-shower", "--showers", more, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == json.loads((out / "results.json").read_text())
    assert {path.name for path in out.glob("resolution.*")} == {
        *("resolution.png", "resolution.pdf", "resolution.csv"),
    }
    samples = told["samples"]
    assert set(samples) == {"reference", "calo/another-shower", more}
    for name, expected in (("reference", 1.0), ("calo/another-shower", 1.0), (more, 1.1)):
        for point in samples[name]["sim"]["points"]:
            near = point["mean90"]
            assert near["mean"] == pytest.approx(expected, abs=0.03)
            # Spots with exponential energies: variance 2 / N, of which the shortest 90 % of a
            # normal distribution keep 0.79 of the width.
            width = 0.79 * (2 / (SPOTS_PER_GEV * point["energy"])) ** 0.5
            assert near["resolution"] == pytest.approx(width, abs=5 * near["resolution_error"])
    low, high = (point["mean90"]["mean"] for point in samples[more]["digi"]["points"])
    assert low > 1.05
    assert high > 1.05


def test_electronics_are_as_asked(files: dict[str, Path]) -> None:
    def high_over_low(*words: str) -> float:
        told = json.loads(run(files, *words, "--json").stdout)
        low, high = told["samples"]["reference"]["digi"]["points"]
        return float(high["mean90"]["mean"] / low["mean90"]["mean"])

    few = high_over_low("--pixels", "200", "--photoelectrons", "15", "--threshold", "0")
    assert few < high_over_low("--threshold", "0") - 0.03  # high energies saturate


def test_people_get_a_table(files: dict[str, Path]) -> None:
    lines = run(files).stdout.splitlines()
    assert len(lines) == 1 + 2 * len(ENERGIES) + 2
    assert "reference" in lines[1]
    assert "/sqrt(E)" in lines[-1]


def test_what_cannot_be_compared_is_refused(files: dict[str, Path]) -> None:
    other = run(files, "--showers", files["other"], "--json")
    assert other.exit_code == 4
    assert "grid" in json.loads(other.stdout)["message"]
    twice = run(files, "calo/gflash", "calo/gflash", "--json")
    assert twice.exit_code == 2
    few = run({**files, "training": files["other"]}, "--json")
    assert few.exit_code == 4
