"""A comparison as a page: verdicts, shifts, what differs, and figures in a style of one's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from zoo.cli.app import app
from zoo.config.run import DataConfig
from zoo.contract.figures import Evaluation
from zoo.evaluation import Results, read_results, write_results
from zoo.evaluation.stored import Displays
from zoo.report import draw_figures, write_report
from zoo.report.tables import overall, provenance, settings, verdicts

TRACKS = DataConfig(source="tracks", events=60, test=0.5)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def results() -> Results:
    found = zoo.evaluate(
        ["mini-track/centroid", "mini-track/diffusion-fit"],
        TRACKS,
        resamples=40,
        variations=["noise-x2"],
    )
    first, second = found.values()
    training = {
        "model": "mini-track/centroid",
        "file": "m.safetensors",
        "sha256": "ab" * 32,
        "lineage": {"step": 7, "split": "cd" * 32},
        "environment": {"packages": {"detector-zoo": "0.0.9", "torch": "2.11.0"}},
        "config": {"training": {"seed": 1}},
        "loss_fall": 0.2,
        "under_trained": True,
    }
    named = Evaluation(
        model=HOSTILE, role="model", numbers=first.numbers, rows=first.rows, trainings=(training,)
    )
    absent = Evaluation(model="x", role="baseline", numbers=(), rows=None, unavailable="needs y")
    return Results(
        task=found.task, primary=found.primary, data=found.data, facts=found.facts,
        evaluations={HOSTILE: named, second.model: second, "x": absent},
        differences={(HOSTILE, second.model): next(iter(found.differences.values()))},
        shifts=found.shifts, displays=found.displays, resamples=40, seed=0,
        created=found.created, version=found.version,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    write_results(results, folder)
    draw_figures(results, folder)
    return folder


def test_the_page_has_every_section_and_no_name_is_a_tag(folder: Path):
    text = write_report(folder).read_text()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    for heading in ("Results", "Verdicts", "When the simulation is wrong", "Figures", "Provenance"):
        assert f"<h2>{heading}</h2>" in text
    assert "UNDER-TRAINED" in text
    assert "noise-x2" in text
    assert "needs y" in text
    assert "20.0 %" in text  # the last fall of the loss


def test_verdicts_have_a_word_a_sign_and_a_class(results: Results):
    html = verdicts(results)
    (pair,) = results.differences.values()
    assert html.count(f'<td class="{pair[0].verdict}">') >= 1
    assert pair[0].verdict in html
    assert "minus that of mini-track/diffusion-fit" in html
    assert "detectable" in html
    assert "The other numbers" in html


def test_every_model_has_its_verdict_on_all_samples(results: Results):
    # Edges of "all" are NaN, which equals nothing: rows after the first once lost this cell.
    one = results.evaluations[HOSTILE]
    both = {HOSTILE: one, "second": replace(one, model="second"), **results.evaluations}
    (pair,) = results.differences.values()
    copied = tuple(replace(d, lower=float("nan")) if not d.column else d for d in pair)
    reference = "mini-track/diffusion-fit"
    differences = {(HOSTILE, reference): pair, ("second", reference): copied}
    html = verdicts(replace(results, evaluations=both, differences=differences))
    assert html.split("<details>")[0].count("<td></td>") == 0


def test_nothing_differs_in_one_training_and_its_origin_is_told(results: Results):
    assert settings(results) == ""
    assert "abababababab" in provenance(results)
    assert "abababababab" + "ab" not in provenance(results)
    for told in ("<td>cdcdcdcdcdcd</td>", "<td>0.0.9</td>", "<td>2.11.0</td>"):
        assert told in provenance(results)


def test_the_figure_of_variations_has_its_numbers(folder: Path, results: Results):
    lines = (folder / "figures/variations.csv").read_text().splitlines()
    told = {shift.model: shift.errors for shift in results.shifts if shift.name == "resolution"}
    assert lines[0].split(",") == [f"{model} [standard errors]" for model in told]
    assert [float(cell) for cell in lines[1].split(",")] == pytest.approx(list(told.values()))


def test_figures_are_drawn_again_in_a_style(folder: Path, tmp_path: Path):
    before = (folder / "figures/variations.png").read_bytes()
    style = tmp_path / "red.mplstyle"
    style.write_text("figure.facecolor: red\n")
    write_report(folder, style=str(style))
    assert (folder / "figures/variations.png").read_bytes() != before
    write_report(folder, style="")
    assert (folder / "figures/variations.png").read_bytes() != before  # nothing is drawn anew
    draw_figures(read_results(folder), folder)
    assert (folder / "figures/variations.png").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such matplotlib style"), ("no setting\n", "no matplotlib style")],
)
def test_a_bad_style_is_told(folder: Path, tmp_path: Path, content: str | None, message: str):
    style = tmp_path / "bad.mplstyle"
    if content is not None:
        style.write_text(content)
    done = CliRunner().invoke(app, ["report", str(folder), "--style", str(style)])
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    near = CliRunner().invoke(app, ["report", str(folder), "--style", "ggplott", "--json"])
    assert "ggplot" in json.loads(near.stdout)["remedy"]


def test_a_style_for_latex_is_refused_where_there_is_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    style = tmp_path / "tex.mplstyle"
    style.write_text("text.usetex: True\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["report", str(folder), "--style", str(style)])
    assert done.exit_code == 2, done.output
    assert "LaTeX" in done.stderr


def test_a_bad_style_is_told_before_anything_is_measured(tmp_path: Path):
    words = ["eval", "mini-track/centroid", "--data", "tracks", "--set", "data.events=40"]
    out = tmp_path / "out"
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--style", "ggplott"])
    assert done.exit_code == 2, done.output
    assert "ggplott" in done.stderr
    assert not out.exists()


def test_displays_come_back_and_those_of_an_earlier_evaluation_go(results: Results, tmp_path: Path):
    rows = results[HOSTILE].rows
    assert rows is not None
    samples = rows.take(slice(0, 2)).select(["group"])
    samples = samples.with_columns({"image": np.arange(8, dtype=np.float32).reshape(2, 4)})
    names = [name for name, one in results.items() if one.rows is not None]
    predictions = {
        name: samples.select(["image"]).with_columns({"time": np.full(2, number, np.float32)})
        for number, name in enumerate(names)
    }
    write_results(replace(results, displays=Displays(samples, predictions)), tmp_path)
    read = read_results(tmp_path).displays
    assert read is not None
    np.testing.assert_array_equal(read.samples["image"], samples["image"])
    assert [read.predictions[name]["time"][0] for name in names] == [0, 1]
    fewer = {name: results[name] for name in reversed(list(results))}  # other file names
    write_results(replace(results, evaluations=fewer, displays=None), tmp_path)
    assert read_results(tmp_path).displays is None


def test_many_numbers_are_told_in_several_tables(results: Results):
    one = results[HOSTILE]
    plain = [b for b in one.numbers if not b.column]
    many = tuple(
        replace(plain[0], number=replace(plain[0].number, name=f"number {count}", unit=""))
        for count in range(23)
    )
    wide = replace(results, evaluations={HOSTILE: replace(one, numbers=many)}, differences={})
    html = overall(wide)
    tables = html.split("<table>")[1:]
    assert [table.count("<th>") for table in tables] == [12, 12, 5]  # with model and n
    assert all(html.count(f"<th>number {count}</th>") == 1 for count in range(23))
    assert html.count("&lt;script&gt;") == len(tables)
