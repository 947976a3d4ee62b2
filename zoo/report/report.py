"""One offline HTML page of a run or an evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.artifacts.run_directory import RunDirectory
from zoo.errors import DataError, UsageError
from zoo.evaluation import Results, read_results
from zoo.files import write_atomically
from zoo.report import tables
from zoo.report.curves import training_curves
from zoo.report.drawings import draw_figures, read_drawings, store_drawings
from zoo.report.html import code, figure, key_values, page
from zoo.report.published import published_values
from zoo.report.style import drawn_in

__all__ = ["write_report"]

Parts = list[tuple[str, str]]


def write_report(folder: Path, out: Path | None = None, *, style: str = "") -> Path:
    """Write the page of a run, with its evaluations, or of one evaluation or comparison.

    Args:
        folder: A run directory, or the ``--out`` of ``zoo eval`` or ``zoo compare``.
        out: The page; default ``report.html`` in the folder. Links to PDF and CSV files are
            relative to the folder.
        style: A ``.mplstyle`` file or the name of an installed style, in which all figures are
            drawn again; empty: the figures that are there.

    Returns:
        The page.

    Raises:
        UsageError: If the folder holds neither.
        DataError: If a file in it is damaged.
    """
    target = out or folder / "report.html"
    if RunDirectory.is_run(folder):
        content = _run_page(RunDirectory.open(folder), style)
    elif (folder / "results.json").is_file():
        content = _evaluation_page(folder, style)
    else:
        raise UsageError(
            "holds neither a run nor an evaluation",
            where=str(folder),
            remedy="name the --out of `zoo train`, `zoo eval` or `zoo compare`",
        )
    write_atomically(target, content)
    return target


def _evaluation_page(folder: Path, style: str) -> str:
    results = read_results(folder)
    parts = _evaluation_parts(results, folder, folder, style)
    parts.append(("Environment", key_values(_read_json(folder / "environment.json"))))
    first = next(iter(results))
    about = {"models": list(results), "evaluated": results.created, **_about_data(results)}
    return page(f"Evaluation of {first}", _subtitle(about), parts, _scripts([folder]))


def _run_page(run: RunDirectory, style: str) -> str:
    identity = run.identity()
    model = str(identity.get("model", ""))
    data = run.read_json(run.data) if run.data.is_file() else {}
    parts: Parts = []
    for path in sorted(run.evaluations.glob("*/results.json")):
        name = path.parent.name
        found = _evaluation_parts(read_results(path.parent), path.parent, run.path, style)
        parts += [(f"{title} ({name})", body) for title, body in found]
    parts.append(("Training", _curves(run, style)))
    parts.append(("Data", key_values(data)))
    parts.append(("Configuration", code(run.config.read_text(encoding="utf-8"))))
    parts.append(("Environment", key_values(run.read_json(run.environment))))
    about = {"model": model, "split": data.get("split", ""), "facts": data.get("facts", "")}
    state = "finished" if run.model.is_file() else "unfinished"
    title = f"{model}: {run.path.resolve().name}"
    scripts = _scripts(sorted(run.evaluations.glob("*")))
    return page(title, _subtitle({**about, "state": state}), parts, scripts)


def _subtitle(about: Mapping[str, Any]) -> str:
    written = datetime.now(UTC).isoformat(timespec="seconds")
    shown = {key: value for key, value in about.items() if value}
    return key_values({**shown, "written": f"{written} by detector-zoo {__version__}"})


def _about_data(results: Results) -> dict[str, Any]:
    data = results.data
    counts = f"{data['rows']} samples of {data['groups']} independent groups"
    return {
        "task": results.task,
        "data": f"{data['name']}, {data['split']} split, {counts}",
        "note": data["note"],
        "data digest": data["digest"],
        "intervals": f"95 %, {results.resamples} bootstrap resamples of the groups",
        "evaluated with": f"detector-zoo {results.version}",
    }


def _evaluation_parts(results: Results, folder: Path, base: Path, style: str) -> Parts:
    if style:
        draw_figures(results, folder, style)
    write_atomically(folder / "numbers.csv", tables.numbers_csv(results))
    link = escape((folder.relative_to(base) / "numbers.csv").as_posix())
    files = f'<p>All numbers: <a href="{link}">CSV</a></p>'
    figures = folder / "figures"
    drawings = "".join(figure(one, figures, base) for one in read_drawings(figures))
    about = key_values(_about_data(results)) if folder != base else ""
    return [
        ("Results", about + tables.overall(results) + files),
        ("Published values", tables.published(published_values(results.task))),
        ("Verdicts", tables.verdicts(results)),
        ("When the simulation is wrong", tables.shifts(results)),
        ("Figures", drawings),
        ("Results by bin", "".join(tables.bins(results))),
        ("What differs", tables.settings(results)),
        ("Provenance", tables.provenance(results)),
    ]


def _scripts(folders: Iterable[Path]) -> set[str]:
    """Digests of the scripts of all interactive figures of these evaluations."""
    drawings = (one for folder in folders for one in read_drawings(folder / "figures"))
    return {one.script for one in drawings if one.script}


def _curves(run: RunDirectory, style: str) -> str:
    with drawn_in(style):
        drawings = store_drawings(training_curves(run.metrics()), run.path / "figures")
    return "".join(figure(one, run.path / "figures", run.path) for one in drawings)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot be read ({error})", where=str(path), remedy="evaluate again"
        ) from error
    return content
