"""Drawings as files: each as PNG and PDF, its numbers as CSV.

What a reader can turn lies beside them as a page of its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zoo.contract.figures import Drawing
from zoo.files import write_atomically
from zoo.report.interactive import standing_alone

__all__ = ["DPI", "write_drawings"]

DPI = 130
"""Of the PNG."""


def write_drawings(drawings: Iterable[Drawing], folder: Path) -> list[Path]:
    """Write ``NAME.png``, ``NAME.pdf`` and ``NAME.csv`` of every drawing.

    One with :class:`Interactive` has a ``NAME.html``, too. Equal figures are equal files. A layout
    engine of a figure is executed once and taken from it.

    Args:
        drawings: What to write, one by one.
        folder: Where to; it is made.

    Returns:
        The files.

    Raises:
        UsageError: If the folder cannot be written.
    """
    written = []
    for drawing in drawings:
        for suffix, content in _contents(drawing):
            path = folder / f"{drawing.name}.{suffix}"
            write_atomically(path, content)
            written.append(path)
    return written


def _contents(drawing: Drawing) -> Iterator[tuple[str, bytes | str]]:
    _lay_out(drawing.figure)
    yield "png", _png(drawing.figure)
    yield "pdf", _pdf(drawing.figure)
    yield "csv", _csv(drawing.data)
    if drawing.interactive is not None:
        yield "html", standing_alone(drawing.name, drawing.interactive)


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
