"""``zoo calo generate`` and ``convert``, with models and sources that need no registration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from zoo.api import Table, UsageError, ZooError, load, uniform
from zoo.cli.app import app as zoo_app
from zoo_calo.commands import app
from zoo_calo.commands.options import FormatName
from zoo_calo.physics.grid import Box, Grid, grid_of
from zoo_calo.physics.showers import listed
from zoo_calo.showers_out import converting, generating
from zoo_calo.showers_out.generating import Wanted, generate_file, questions
from zoo_calo.showers_out.writer import FORMATS
from zoo_calo.sources.calo_h5 import CaloH5
from zoo_calo.sources.files_config import CaloH5Config

GRID = Grid(
    name="test box",
    depth_mm=(5.0, 9.0),
    layer_weight=(1.0, 2.0),
    threshold_mev=0.1,
    mip_mev=0.2,
    box=Box(nx=3, ny=3, cell_mm=4.0, low_x_mm=-6.0, low_y_mm=-6.0),
)


class Flat:
    """Spreads 30 MeV for each GeV over all cells, by the key of each shower."""

    model = "calo/flat"

    def __init__(self, *needs: str) -> None:
        self.needs = frozenset(needs or ("energy",))
        self.facts = GRID.facts()

    def predict(self, samples: Table, keys: Any) -> Table:
        share = uniform(keys, GRID.cells)
        energy = 30 * samples["energy"][:, None] * share / share.sum(axis=1, keepdims=True)
        if "theta" in self.needs:
            energy = energy * np.sin(samples["theta"])[:, None]
        cell, deposit = listed(energy.astype(np.float32))
        return Table({"id": samples.ids, "cell": cell, "deposit": deposit})


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Models by name instead of the registry's."""
    models: dict[str, Any] = {"calo/flat": Flat(), "calo/angled": Flat("energy", "theta")}
    monkeypatch.setattr(generating, "load", lambda name, **_: models[name])
    return models


def run(*words: str) -> Any:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def read(path: Path) -> Table:
    source = CaloH5(CaloH5Config(), path)
    return Table.concat([source.read(b, slice(0, b.rows), source.fields) for b in source.blocks()])


def generate(path: Path, *words: str, model: str = "calo/flat") -> Table:
    run("generate", model, "--out", str(path), *words)
    return read(path)


def test_showers_have_the_energies_and_angles_asked_for(tmp_path: Path) -> None:
    words = ("--energy", "20", "--energy", "50", "--theta", "60", "--theta", "90", "--events", "40")
    table = generate(tmp_path / "out.h5", *words, model="calo/angled")
    assert table.rows == 160
    pairs = {
        (round(float(e)), round(np.degrees(float(t))))
        for e, t in zip(table["energy"], table["theta"], strict=True)
    }
    assert pairs == {(20, 60), (20, 90), (50, 60), (50, 90)}
    _, counts = np.unique(table["energy"] * 100 + table["theta"], return_counts=True)
    assert counts.tolist() == [40] * 4
    total = np.array([table["deposit"][row].sum() for row in range(160)])
    np.testing.assert_allclose(total, 30 * table["energy"] * np.sin(table["theta"]), rtol=1e-5)


def test_a_range_of_energies_is_uniform_and_angles_default_to_the_normal(tmp_path: Path) -> None:
    table = generate(tmp_path / "out.h5", "--energies", "10,100", "--events", "500")
    assert 10 <= table["energy"].min() < 12
    assert 98 < table["energy"].max() < 100
    assert table["energy"].mean() == pytest.approx(55, abs=4 * 90 / np.sqrt(12 * 500))
    words = ("--energy", "5", "--events", "3")
    angled = generate(tmp_path / "angled.h5", *words, model="calo/angled")
    np.testing.assert_allclose(angled["theta"], np.pi / 2, rtol=1e-6)


def test_the_seed_decides_and_fewer_showers_are_the_first_of_more(tmp_path: Path) -> None:
    words = ("--energies", "10,100", "--events")
    one = generate(tmp_path / "one.h5", *words, "70", "--seed", "4")
    content = (tmp_path / "one.h5").read_bytes()
    generate(tmp_path / "one.h5", *words, "70", "--seed", "4")
    assert (tmp_path / "one.h5").read_bytes() == content
    few = generate(tmp_path / "few.h5", *words, "66", "--seed", "4")
    np.testing.assert_array_equal(few["energy"], one["energy"][:66])
    np.testing.assert_array_equal(few["deposit"].values, one["deposit"].values[: 66 * 18])
    other = generate(tmp_path / "other.h5", *words, "70", "--seed", "5")
    assert not np.any(np.isin(other["energy"], one["energy"]))
    assert len(np.unique(one["energy"])) == 70


@pytest.mark.parametrize("format_", ["calo-h5", "getting-high", "lcio"])
def test_formats_and_what_is_told(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "out.file"
    words = ["calo/flat", "--energy", "20", "--events", "5", "--format", format_, "--json"]
    told = json.loads(run("generate", *words, "--out", str(path), "--seed", "7").stdout)
    assert told.pop("ms_per_shower") > 0
    assert told == {
        "file": str(path),
        "format": format_,
        "model": "calo/flat",
        "grid": "test box",
        "showers": 5,
        "seed": 7,
    }
    text = run("generate", *words[:-1], "--out", str(path)).stdout
    assert f"{path}: 5 showers of calo/flat, {format_}, " in text
    if format_ == "getting-high":
        with h5py.File(path) as file:
            assert file["2x3x3"].attrs["generator"] == "calo/flat"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--events", "2"), "give either --energy or --energies"),
        (("--events", "2", "--energy", "5", "--energies", "1,2"), "give either"),
        (("--events", "2", "--energies", "5"), "'5' is no range of energies"),
        (("--events", "2", "--energies", "9,5"), "is no range"),
        (("--events", "2", "--energies", "a,b"), "is no range"),
        (("--events", "2", "--energies", "0,5"), "energies of 0, 5 GeV"),
        (("--events", "2", "--energy", "-5"), "energies of -5 GeV"),
        (("--events", "2", "--energy", "nan"), "energies of nan GeV"),
        (("--events", "2", "--energy", "5", "--theta", "60"), "this model knows no angles"),
        (("--events", "2", "--energy", "5", "--format", "calochallenge"), "square cells are no"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ZooError, match=message):
        run("generate", "calo/flat", "--out", str(tmp_path / "out.h5"), *words)
    assert list(tmp_path.iterdir()) == []


def test_angles_beyond_a_half_turn_are_refused(tmp_path: Path) -> None:
    wanted = Wanted(
        model="calo/angled",
        out=tmp_path / "out.h5",
        events=1,
        energies_gev=(5.0,),
        thetas_deg=(180.0,),
    )
    with pytest.raises(UsageError, match="polar angles of 180 degrees"):
        next(questions(wanted, angled=True))


def test_models_that_cannot_answer_are_refused(
    tmp_path: Path, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(name: str, message: str) -> None:
        wanted = Wanted(model=name, out=tmp_path / "out.h5", events=1, energies_gev=(5.0,))
        with pytest.raises(UsageError, match=message):
            generate_file(wanted, print)

    refused("optics/siren-pair", "a model of the task 'optics'")
    model["calo/corrected"] = Flat("energy", "deposit")
    refused("calo/corrected", "it needs deposit, and there is only the particle")
    model["calo/classical"] = Flat()
    model["calo/classical"].facts = {}
    refused("calo/classical", "a classical model does not know a detector")
    model["calo/needy"] = grid_of  # as load does for a predictor that looks for its grid
    monkeypatch.setattr(generating, "load", lambda name, facts, **_: model[name](facts))
    refused("calo/needy", "a classical model does not know a detector")
    monkeypatch.setattr(generating, "load", lambda name, **_: model[name])
    model["calo/alien"] = Flat()
    model["calo/alien"].model = "optics/x"
    refused("calo/alien", "a model of the task 'optics'")


def test_a_classical_model_fills_the_grid_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def classical(name: str, **options: Any) -> Flat:
        given.update(options, name=name)
        found = Flat()
        del found.facts
        return found

    monkeypatch.setattr(generating, "load", classical)
    monkeypatch.setattr(generating, "facts_of", lambda *names: {**GRID.facts(), "of": names[1]})
    words = ("--energy", "5", "--events", "2", "--data", "getting-high:x.h5")
    assert generate(tmp_path / "out.h5", *words).rows == 2
    assert given["facts"]["of"] == "getting-high:x.h5"


def test_the_parametrisation_of_the_plugin_fills_a_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "load", load)  # the registry's, not this module's
    data = tmp_path / "data.h5"
    words = ["data", "simulate", "calo", "--data", "gflash", "--events", "2", "--out", str(data)]
    assert CliRunner().invoke(zoo_app, [*words, "--set", "data.options.pool=3"]).exit_code == 0
    words = ["--energy", "20", "--events", "3", "--data", str(data)]
    table = generate(tmp_path / "out.h5", *words, model="calo/gflash")
    visible = [table["deposit"][row].sum() for row in range(3)]
    # About 30 MeV for each GeV (docs/benchmarks/calo-simulation.md), part of it counted twice.
    np.testing.assert_allclose(visible, 20 * 27, rtol=0.3)


def test_showers_are_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--energies", "10,100", "--events", "9")
    made = generate(tmp_path / "made.h5", *words)

    def source(where: str) -> CaloH5:
        return CaloH5(CaloH5Config(rows=4), where.removeprefix("calo-h5:"))

    def blocks(task: str, where: str, limit: int | None = None) -> Any:
        left = limit or 10**9
        opened = source(where)
        for block in opened.blocks():
            rows = min(block.rows, left)
            left -= rows
            if rows:
                table = opened.read(block, slice(0, rows), opened.fields)
                yield table.with_columns({"outside": np.full(rows, 0.5, np.float32)})

    monkeypatch.setattr(converting, "facts_of", lambda *names: source(names[1]).facts)
    monkeypatch.setattr(converting, "read_blocks", blocks)
    out = tmp_path / "again.h5"
    words = ("convert", f"calo-h5:{tmp_path / 'made.h5'}", "--out", str(out), "--to", "calo-h5")
    told = json.loads(run(*words, "--json", "--limit", "7").stdout)
    assert (told["showers"], told["outside_mev"]) == (7, 3.5)
    table = read(out)
    assert table["outside"].tolist() == [0.5] * 7
    np.testing.assert_array_equal(table["energy"], made["energy"][:7])
    np.testing.assert_array_equal(table["deposit"].values, made["deposit"].values[: 7 * 18])
    assert "9 showers, calo-h5" in run(*words).stdout


def test_the_group_tells_its_commands() -> None:
    group = typer.main.get_command(app)
    assert sorted(group.commands) == ["convert", "generate", "judge", "resolution"]  # type: ignore[attr-defined]
    assert set(get_args(FormatName)) == set(FORMATS)
