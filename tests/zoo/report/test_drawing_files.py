"""Drawings as files: for figures of evaluations and for those of a plugin's commands."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from zoo.api import Drawing, Interactive, UsageError, write_drawings
from zoo.report.drawing_files import DPI


def drawing(name: str = "line") -> Drawing:
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().plot([0, 1], [2, 3])
    data = {"x": np.array([0.0, 1 / 3]), "only, one": np.array([7])}
    return Drawing(name=name, caption="A line.", figure=figure, data=data)


def test_a_drawing_is_a_picture_a_page_and_numbers(tmp_path: Path) -> None:
    written = write_drawings([drawing("a"), drawing("b")], tmp_path / "folder")
    names = [f"{name}.{suffix}" for name in "ab" for suffix in ("png", "pdf", "csv")]
    assert [path.relative_to(tmp_path / "folder").name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == sorted(names)
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert written[1].read_bytes().startswith(b"%PDF")
    with written[2].open(newline="") as stream:
        told = list(csv.reader(stream))
    assert told == [["x", "only, one"], ["0", "7"], ["0.333333333", ""]]


def test_what_a_reader_can_turn_is_a_page_beside_it(tmp_path: Path) -> None:
    shown = Interactive(markup="<p>text</p>", script="let a = 1", data={"b": [2]})
    written = write_drawings([replace(drawing(), interactive=shown)], tmp_path)
    assert [path.suffix for path in written] == [".png", ".pdf", ".csv", ".html"]
    assert "let a = 1" in written[3].read_text()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_drawings([drawing()], tmp_path / "file")


def test_equal_drawings_are_equal_files(tmp_path: Path):
    for folder in ("one", "two"):
        write_drawings([drawing()], tmp_path / folder)
    for kind in ("png", "pdf", "csv"):
        one, two = ((tmp_path / folder / f"line.{kind}").read_bytes() for folder in ("one", "two"))
        assert one == two


@pytest.mark.parametrize("layout", ["constrained", "compressed", "tight", None])
def test_the_layout_is_found_once_and_is_the_one_of_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Any
):
    def made() -> Figure:
        figure = Figure(figsize=(3, 2), layout=layout)
        for axes in figure.subplots(1, 2):
            axes.plot([0, 1000], [1, 2])
            axes.set(ylabel="a label that takes room", xlabel="another")
        return figure

    made().savefig(tmp_path / "expected.png", dpi=DPI, metadata={"Software": None})
    drawn: list[Figure] = []
    draw = Figure.draw

    def counted(figure: Figure, renderer: Any) -> None:
        drawn.append(figure)
        draw(figure, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    write_drawings([replace(drawing(), figure=made())], tmp_path)
    assert (tmp_path / "line.png").read_bytes() == (tmp_path / "expected.png").read_bytes()
    assert len(drawn) == 2  # once for each file: finding the layout again would draw, too
