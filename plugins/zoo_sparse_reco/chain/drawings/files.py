"""Drawings of a command as files: PNG, PDF, and their numbers as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf

from zoo.api import Drawing, write_atomically

__all__ = ["store"]

_DPI = 130


def store(drawings: Iterable[Drawing], folder: Path) -> list[Path]:
    """Write ``NAME.png``, ``NAME.pdf`` and ``NAME.csv`` of every drawing.

    Returns:
        The files.

    Raises:
        UsageError: If the folder cannot be written.
    """
    written = []
    for drawing in drawings:
        contents = {"png": _png(drawing), "pdf": _pdf(drawing), "csv": _csv(drawing).encode()}
        for suffix, content in contents.items():
            path = folder / f"{drawing.name}.{suffix}"
            write_atomically(path, content)
            written.append(path)
    return written


def _png(drawing: Drawing) -> bytes:
    """The picture, without the time when it was made."""
    stream = io.BytesIO()
    canvas = FigureCanvasAgg(drawing.figure)
    canvas.print_figure(stream, dpi=_DPI, format="png", metadata={"Software": None})
    return stream.getvalue()


def _pdf(drawing: Drawing) -> bytes:
    stream = io.BytesIO()
    canvas = FigureCanvasPdf(drawing.figure)
    canvas.print_figure(stream, dpi=_DPI, format="pdf", metadata={"CreationDate": None})
    return stream.getvalue()


def _csv(drawing: Drawing) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(drawing.data)
    columns = [np.asarray(column) for column in drawing.data.values()]
    writer.writerows([f"{value:.6g}" for value in row] for row in zip(*columns, strict=True))
    return stream.getvalue()
