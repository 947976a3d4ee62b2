"""The figures of an evaluation on disk, and an index of their captions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from zoo.contract.figures import Drawing, Figures
from zoo.contract.refs import resolve
from zoo.errors import DataError
from zoo.evaluation import Results
from zoo.files import write_atomically
from zoo.registry import registry
from zoo.report.drawing_files import write_drawings
from zoo.report.interactive import is_digest, script_digest
from zoo.report.shifts import shifts_drawing
from zoo.report.style import drawn_in

__all__ = ["StoredDrawing", "draw_figures", "read_drawings", "store_drawings"]

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
        write_drawings([drawing], folder)
        stored.append(_stored(drawing))
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


def _stored(drawing: Drawing) -> StoredDrawing:
    shown = drawing.interactive
    if shown is None:
        return StoredDrawing(drawing.name, drawing.caption)
    return StoredDrawing(drawing.name, drawing.caption, script_digest(shown.script), shown.height)
