"""Drawings on disk: each as PNG and PDF, its numbers as CSV, and an index of their captions.

What a reader can turn lies beside them as a page of its own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.contract.figures import Drawing, Figures
from zoo.contract.refs import resolve
from zoo.errors import DataError
from zoo.evaluation import Results
from zoo.files import write_atomically
from zoo.registry import registry
from zoo.report.interactive import is_digest, script_digest, standing_alone
from zoo.report.shifts import shifts_drawing
from zoo.report.style import drawn_in

__all__ = ["DPI", "StoredDrawing", "draw_figures", "read_drawings", "store_drawings"]

DPI = 130
"""Of the PNG."""

_INDEX = "index.json"


@dataclass(frozen=True)
class StoredDrawing:
    """A drawing as files.

    Attributes:
        name: Stem of the files ``NAME.png``, ``NAME.pdf`` and ``NAME.csv``.
        caption: What is shown, how to read it.
        script: Digest of the script of ``NAME.html``; empty: there is nothing interactive.
        height: Of that page, CSS pixels.
    """

    name: str
    caption: str
    script: str = ""
    height: int = 0

    def __post_init__(self) -> None:
        if self.script and not is_digest(self.script):
            raise ValueError(f"{self.name}: no digest of a script: {self.script!r}")


def draw_figures(results: Results, folder: Path, style: str = "") -> tuple[StoredDrawing, ...]:
    """All figures of an evaluation, in ``folder/figures``: those of variations, and of the task.

    Args:
        results: What to draw.
        folder: Of the evaluation.
        style: A ``.mplstyle`` file or the name of an installed style; empty: our own.

    Raises:
        UsageError: If the folder cannot be written, or there is no such style.
    """
    with drawn_in(style):
        return store_drawings(_drawings(results), folder / "figures")


def _drawings(results: Results) -> Iterator[Drawing]:
    varied = shifts_drawing(results)
    if varied is not None:
        yield varied
    task = registry().task(results.task)
    if task.figures is None:
        return
    factory = cast("type[Figures]", resolve(task.figures))
    shown = results.displays
    yield from factory(results.facts).draw(
        results,
        None if shown is None else shown.samples,
        {} if shown is None else shown.predictions,
    )


def store_drawings(drawings: Iterable[Drawing], folder: Path) -> tuple[StoredDrawing, ...]:
    """Write drawings one by one and, last, their index.

    Raises:
        UsageError: If the folder cannot be written.
    """
    stored = []
    for drawing in drawings:
        stem = folder / drawing.name
        _lay_out(drawing.figure)
        write_atomically(stem.with_name(f"{drawing.name}.png"), _png(drawing.figure))
        write_atomically(stem.with_name(f"{drawing.name}.pdf"), _pdf(drawing.figure))
        write_atomically(stem.with_name(f"{drawing.name}.csv"), _csv(drawing.data))
        stored.append(_with_interactive(drawing, stem))
    write_atomically(folder / _INDEX, json.dumps([asdict(one) for one in stored], indent=2) + "\n")
    return tuple(stored)


def read_drawings(folder: Path) -> tuple[StoredDrawing, ...]:
    """What :func:`store_drawings` wrote; nothing where there are no figures.

    Raises:
        DataError: If the index is damaged.
    """
    path = folder / _INDEX
    if not path.is_file():
        return ()
    try:
        return tuple(StoredDrawing(**entry) for entry in json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"cannot be read ({error})", where=str(path), remedy="evaluate again"
        ) from error


def _with_interactive(drawing: Drawing, stem: Path) -> StoredDrawing:
    shown = drawing.interactive
    if shown is None:
        return StoredDrawing(drawing.name, drawing.caption)
    page = standing_alone(drawing.name, shown)
    write_atomically(stem.with_name(f"{drawing.name}.html"), page)
    digest = script_digest(shown.script)
    return StoredDrawing(drawing.name, drawing.caption, digest, shown.height)


def _lay_out(figure: Figure) -> None:
    """Find the layout once for all files: it takes longer than drawing them.

    With an engine left, matplotlib would find it again for each, by drawing everything for nothing.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    FigureCanvasAgg(figure)
    before = figure.dpi
    figure.set_dpi(DPI)
    engine.execute(figure)
    figure.set_dpi(before)
    with mpl.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # "none" would leave one that does nothing, slowly


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(stream, dpi=DPI, format="png", metadata={"Software": None})
    return stream.getvalue()


def _pdf(figure: Figure) -> bytes:
    stream = io.BytesIO()
    # Without a date equal figures are equal files.
    FigureCanvasPdf(figure).print_figure(stream, format="pdf", metadata={"CreationDate": None})
    return stream.getvalue()


def _csv(columns: Mapping[str, NDArray[np.float64]]) -> str:
    """Columns side by side; shorter ones end in empty cells."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    length = max((len(column) for column in columns.values()), default=0)
    for row in range(length):
        writer.writerow(_cell(column, row) for column in columns.values())
    return stream.getvalue()


def _cell(column: NDArray[np.float64], row: int) -> Any:  # a number or nothing
    return f"{column[row]:.9g}" if row < len(column) else ""
