"""One offline HTML page of a run or an evaluation."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.artifacts.run_directory import RunDirectory
from zoo.errors import DataError, UsageError
from zoo.evaluation import Results, read_results
from zoo.evaluation.formatting import bin_label, format_difference, format_number, heading
from zoo.files import write_atomically
from zoo.report.curves import training_curves
from zoo.report.drawings import read_drawings, store_drawings
from zoo.report.html import code, figure, key_values, page, table

__all__ = ["write_report"]

Parts = list[tuple[str, str]]


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the page of a run, with its evaluations, or of one evaluation.

    Args:
        folder: A run directory, or the ``--out`` of ``zoo eval``.
        out: The page; default ``report.html`` in the folder. Links to PDF and CSV files are
            relative to the folder.

    Returns:
        The page.

    Raises:
        UsageError: If the folder holds neither.
        DataError: If a file in it is damaged.
    """
    target = out or folder / "report.html"
    if RunDirectory.is_run(folder):
        content = _run_page(RunDirectory.open(folder))
    elif (folder / "results.json").is_file():
        content = _evaluation_page(folder)
    else:
        raise UsageError(
            "holds neither a run nor an evaluation",
            where=str(folder),
            remedy="name the --out of `zoo train` or `zoo eval`",
        )
    write_atomically(target, content)
    return target


def _evaluation_page(folder: Path) -> str:
    results = read_results(folder)
    parts = _evaluation_parts(results, folder, folder)
    parts.append(("Environment", key_values(_read_json(folder / "environment.json"))))
    first = next(iter(results))
    about = {"models": list(results), "evaluated": results.created, **_about_data(results)}
    return page(f"Evaluation of {first}", _subtitle(about), parts)


def _run_page(run: RunDirectory) -> str:
    identity = run.identity()
    model = str(identity.get("model", ""))
    data = run.read_json(run.data) if run.data.is_file() else {}
    parts: Parts = []
    for path in sorted(run.evaluations.glob("*/results.json")):
        name = path.parent.name
        found = _evaluation_parts(read_results(path.parent), path.parent, run.path)
        parts += [(f"{title} ({name})", body) for title, body in found]
    parts.append(("Training", _curves(run)))
    parts.append(("Data", key_values(data)))
    parts.append(("Configuration", code(run.config.read_text(encoding="utf-8"))))
    parts.append(("Environment", key_values(run.read_json(run.environment))))
    about = {"model": model, "split": data.get("split", ""), "facts": data.get("facts", "")}
    state = "finished" if run.model.is_file() else "unfinished"
    return page(f"{model}: {run.path.resolve().name}", _subtitle({**about, "state": state}), parts)


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


def _evaluation_parts(results: Results, folder: Path, base: Path) -> Parts:
    write_atomically(folder / "numbers.csv", _numbers_csv(results))
    link = escape((folder.relative_to(base) / "numbers.csv").as_posix())
    files = f'<p>All numbers: <a href="{link}">CSV</a></p>'
    figures = folder / "figures"
    drawings = "".join(figure(one, figures, base) for one in read_drawings(figures))
    about = key_values(_about_data(results)) if folder != base else ""
    return [
        ("Results", about + _overall(results) + files),
        ("Against the baselines", _differences(results)),
        ("Figures", drawings),
        ("Results by bin", "".join(_bins(results))),
    ]


def _overall(results: Results) -> str:
    names = list(
        dict.fromkeys(heading(b) for one in results.values() for b in one.numbers if not b.column)
    )
    rows = []
    for name, one in results.items():
        cells = {heading(b): format_number(b) for b in one.numbers if not b.column}
        counts = next((str(b.n) for b in one.numbers if not b.column), "")
        values = [cells.get(column, "") for column in names]
        if one.unavailable:
            values = [one.unavailable, *values[1:]]
        rows.append((one.role, [name, counts, *values]))
    return table(["model", "n", *names], rows)


def _bins(results: Results) -> Iterator[str]:
    """For each binned column one table a number: rows models, columns bins."""
    found = [
        (b.column, heading(b), (b.lower, b.upper), name, b)
        for name, one in results.items()
        for b in one.numbers
        if b.column
    ]
    order = {key: place for place, key in enumerate(dict.fromkeys(item[:2] for item in found))}
    found.sort(key=lambda item: (order[item[:2]], item[2]))
    for (column, number), group in groupby(found, key=lambda item: item[:2]):
        items = list(group)
        cells = {(name, edges): format_number(b) for _, _, edges, name, b in items}
        bins = {(b.lower, b.upper): b.n for *_, b in items}
        rows = [
            (one.role, [name, *(cells.get((name, edges), "") for edges in bins)])
            for name, one in results.items()
            if not one.unavailable
        ]
        labels = [f"{lower:g} to {upper:g} (n = {n})" for (lower, upper), n in bins.items()]
        yield f"<h3>{escape(number)} by {escape(column)}</h3>{table(['model', *labels], rows)}"


def _differences(results: Results) -> str:
    """Paired differences of the primary number, models against all others but oracles."""
    parts = []
    for (first, second), found in results.differences.items():
        if results[first].role != "model" or results[second].role == "oracle":
            continue
        rows = [
            (
                difference.verdict,
                [
                    bin_label(difference.column, difference.lower, difference.upper),
                    f"{difference.n} ({difference.groups})",
                    format_difference(difference),
                    difference.verdict,
                ],
            )
            for difference in found
            if difference.name == results.primary
        ]
        title = f"{results.primary}: {first} minus {second}"
        headings = ["rows", "n (groups)", "paired difference", "the first is"]
        parts.append(f"<h3>{escape(title)}</h3>{table(headings, rows)}")
    return "".join(parts)


def _curves(run: RunDirectory) -> str:
    drawings = store_drawings(training_curves(run.metrics()), run.path / "figures")
    return "".join(figure(one, run.path / "figures", run.path) for one in drawings)


def _numbers_csv(results: Results) -> str:
    stream = io.StringIO()
    names = ("name", "unit", "value", "low", "high", "n", "groups", "column", "lower", "upper")
    writer = csv.DictWriter(
        stream, ("model", "role", *names), extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for entry in results.as_dict()["models"]:
        for number in entry["numbers"]:
            writer.writerow({**number, "model": entry["model"], "role": entry["role"]})
    return stream.getvalue()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot be read ({error})", where=str(path), remedy="evaluate again"
        ) from error
    return content
