"""One page that needs no network, and drawings with their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import zoo
from zoo.artifacts.run_directory import RunDirectory
from zoo.config.run import DataConfig
from zoo.contract.figures import Drawing
from zoo.errors import UsageError
from zoo.evaluation import write_results
from zoo.report import draw_figures, write_report
from zoo.report.curves import training_curves
from zoo.report.drawings import read_drawings, store_drawings
from zoo.report.html import table


class Links(HTMLParser):
    """What a page would fetch, and what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "src" or (tag == "link" and name == "href"):
                self.fetched.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(path: Path) -> Links:
    page = Links()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def drawing(name: str = "line") -> Drawing:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1], [1, 2])
    data = {"x": np.array([0.0, 1.0]), "only, one": np.array([0.1])}
    return Drawing(name=name, caption="A <line> & more.", figure=figure, data=data)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    data = DataConfig(source="untimed", events=40, test=0.5)
    results = zoo.evaluate("mini-track/centroid", data, resamples=20)
    write_results(results, folder)
    draw_figures(results, folder)
    store_drawings([drawing()], folder / "figures")
    return folder


def rows() -> Iterator[dict[str, object]]:
    for step in (10, 20, 30):
        place = {"step": step, "epoch": 0, "phase": "net", "seconds": 1.0}
        place |= {"samples_per_second": 100.0 + step, "data_wait": 0.1, "peak_memory": 2**30}
        yield {**place, "split": "train", "bce": 100.0 / step**3, "loss": 50.0 / step, "lr": 0.1}
        yield {**place, "split": "validation", "bce": 60.0 / step**3, "loss": 40.0 / step}
        yield {
            "step": step,
            "split": "validation",
            "phase": "metrics",
            "E": None if step == 10 else 1,
        }


def test_drawings_are_found_by_their_index(tmp_path: Path):
    assert read_drawings(tmp_path) == ()
    store_drawings([drawing("b"), drawing("a")], tmp_path)
    assert [(one.name, one.caption) for one in read_drawings(tmp_path)] == [
        (name, "A <line> & more.") for name in "ba"
    ]
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".pdf", ".csv", ".json"}


def test_the_page_fetches_nothing_and_links_only_to_files_beside_it(evaluation: Path):
    page = parsed(write_report(evaluation))
    assert page.fetched
    assert all(source.startswith("data:image/png;base64,") for source in page.fetched)
    files = [link for link in page.links if not link.startswith("#")]
    assert {Path(link).suffix for link in files} == {".pdf", ".csv"}
    assert all((evaluation / link).is_file() for link in files)
    assert not page.tags & {"script", "link", "iframe"}
    assert "http" not in re.sub(r"http-equiv", "", (evaluation / "report.html").read_text())


def test_the_page_tells_the_numbers_the_missing_row_and_where_they_come_from(evaluation: Path):
    text = parsed(write_report(evaluation)).text
    for expected in (
        "Evaluation of mini-track/centroid",
        "resolution [mm]",
        "not available: needs drift_time",
        "resolution [mm] by drift",
        "350 to 500 (n = ",
        "data digest",
        "A <line> & more.",  # as text, not as a tag
        "python",
    ):
        assert expected in text


def test_a_run_shows_its_curves_configuration_and_evaluations(evaluation: Path, tmp_path: Path):
    run = RunDirectory.create(
        tmp_path / "run",
        identity={"model": "mini-track/pad-net"},
        config="[training]\nbatch = 8  # recipe <quick>\n",
        schema={},
        environment={"python": "3.11.9"},
    )
    for row in rows():
        run.append_metrics(row)
    (run.evaluations).mkdir()
    evaluation_copy = run.evaluations / "test"
    evaluation_copy.symlink_to(evaluation, target_is_directory=True)
    page = parsed(write_report(run.path))
    for expected in ("mini-track/pad-net: run", "unfinished", "# recipe <quick>", "3.11.9"):
        assert expected in page.text
    assert "Results (test)" in page.text
    assert {"figures/training.pdf", "figures/optimizer.csv"} <= set(page.links)
    assert "eval/test/figures/line.pdf" in page.links


def test_curves_are_the_numbers_of_the_log():
    training, optimizer = training_curves(list(rows()))
    np.testing.assert_array_equal(training.data["train net loss step"], [10, 20, 30])
    np.testing.assert_allclose(training.data["validation net loss"], [4, 2, 40 / 30])
    np.testing.assert_allclose(training.data["validation metrics E step"], [20, 30])  # null is none
    np.testing.assert_allclose(optimizer.data["train net lr"], [0.1] * 3)
    scales = {axes.get_ylabel(): axes.get_yscale() for axes in training.figure.axes}
    assert scales == {"loss": "linear", "bce": "log", "E": "linear", "": "linear"}
    assert training_curves([]) == []


def test_what_is_neither_run_nor_evaluation_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="neither a run nor an evaluation"):
        write_report(tmp_path)


def test_text_cannot_become_a_tag():
    page = table(["<b>"], [("model", ["<script>alert(1)</script> [0, 1]"])])
    assert "<script>" not in page
    assert "<b>" not in page
