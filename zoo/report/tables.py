"""The tables of an evaluation as HTML: numbers, bins, verdicts, shifts, settings, provenance."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from zoo.contract.figures import BinnedNumber, Evaluation
from zoo.evaluation import Difference, Results
from zoo.evaluation.formatting import (
    bin_label,
    bin_texts,
    fit_text,
    format_difference,
    format_number,
    format_shift,
    heading,
    headings,
    leak_text,
    marks,
)
from zoo.evaluation.settings import differing
from zoo.report.html import Cell, details, table
from zoo.report.published import PublishedValue

__all__ = [
    "bins",
    "numbers_csv",
    "overall",
    "provenance",
    "published",
    "settings",
    "shifts",
    "verdicts",
]

_SIGNS = {
    "better": "▲",
    "worse": "▼",
    "indistinguishable": "=",
    "under-trained": "·",
    "leaked": "·",
}
"""Beside the word, for eyes that see no colour."""

_COLUMNS = 10
"""Numbers of a table at most, so that it fits the printed page."""


def overall(results: Results) -> str:
    """All numbers on all samples, in as many tables as the printed page demands."""
    parts = _parts(headings(results))
    return "".join(_overall(results, part) for part in parts) + _remarks(results)


def _overall(results: Results, names: Sequence[str]) -> str:
    rows = []
    for name, one in results.items():
        cells = {heading(b): format_number(b) for b in one.numbers if not b.column}
        counts = next((str(b.n) for b in one.numbers if not b.column), "")
        values = [cells.get(column, "") for column in names]
        if one.unavailable:
            values = [one.unavailable, *values[1:]]
        rows.append((one.role, [_marked(name, one), counts, *values]))
    return table(["model", "n", *names], rows)


def _parts(names: Sequence[str]) -> Sequence[Sequence[str]]:
    """The columns of tables that a printed page has room for; at least one table."""
    return [names[start : start + _COLUMNS] for start in range(0, max(len(names), 1), _COLUMNS)]


def bins(results: Results) -> Iterator[str]:
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
        edges: dict[tuple[float, float], dict[str, BinnedNumber]] = {}
        for _, _, edge, name, b in group:
            edges.setdefault(edge, {})[name] = b
        texts = [bin_texts(row) for row in edges.values()]
        rows = [
            (one.role, [name, *(cells.get(name, "") for _, cells in texts)])
            for name, one in results.items()
            if not one.unavailable
        ]
        labels = [label for label, _ in texts]
        yield f"<h3>{escape(number)} by {escape(column)}</h3>{table(['model', *labels], rows)}"


def verdicts(results: Results) -> str:
    """Paired differences to each baseline, then to each model: the primary number first."""
    references = [n for role in ("baseline", "model") for n, o in results.items() if o.role == role]
    parts = []
    for reference in references:
        pairs = {
            name: found
            for name in results
            if results[name].role == "model"
            and (found := results.differences.get((name, reference)))
        }
        if pairs:
            parts.append(_against(results, reference, pairs))
    return "".join(parts)


def shifts(results: Results) -> str:
    """How far numbers move under each variation."""
    if not results.shifts:
        return ""
    names = list(dict.fromkeys(shift.name for shift in results.shifts))
    others = "".join(_shift_table(results, name) for name in names if name != results.primary)
    return (
        "<p>In standard errors of the nominal number, and in parentheses the shift itself, on the "
        "same events.</p>"
        + _shift_table(results, results.primary)
        + details("The other numbers", others)
    )


def settings(results: Results) -> str:
    """Configurations and surroundings of the trainings, side by side, where they differ."""
    parts = []
    for section, title in (("config", "Configuration"), ("environment", "Environment")):
        found = differing(results.evaluations, section)
        if found:
            models = list(next(iter(found.values())))
            rows = [("", [name, *(values[m] for m in models)]) for name, values in found.items()]
            parts.append(f"<h3>{title}</h3>{table(['setting', *models], rows)}")
    return "".join(parts)


def published(values: Sequence[PublishedValue]) -> str:
    """What others published of other samples, each row marked as such."""
    if not values:
        return ""
    rows = [("published", [v.model, v.number, v.value, v.sample, v.source]) for v in values]
    return (
        "<p>Of other samples, and of other trainings: nothing above is compared with them.</p>"
        + table(["model", "number", "value", "sample", "source"], rows)
    )


def provenance(results: Results) -> str:
    """Which parameters were judged: file, digests, step, how done the training was, software."""
    headings = (
        *("row", "model", "file", "sha256", "trained on", "step", "last fall of loss"),
        *("zoo", "torch", "commit"),
    )
    rows = [
        ("", [name, *_origin(training)])
        for name, one in results.items()
        for training in one.trainings
    ]
    return (table(headings, rows) if rows else "") + _fits(results)


def _fits(results: Results) -> str:
    """What classical rows were fitted to."""
    rows = [
        ("", [name, fit_text(one), str(fit["digest"])[:12], str(fit["judged"])])
        for name, one in results.items()
        if (fit := one.fitted_to)
    ]
    headings = ("row", "fitted to", "digest of their ids", "of these judged")
    return table(headings, rows) if rows else ""


def numbers_csv(results: Results) -> str:
    """All numbers of all models in all bins."""
    stream = io.StringIO()
    names = ("name", "unit", "value", "low", "high", "n", "groups", "column", "lower", "upper")
    writer = csv.DictWriter(
        stream, ("model", "role", "marks", *names), extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    for entry in results.as_dict()["models"]:
        about = {"model": entry["model"], "role": entry["role"]}
        about["marks"] = marks(results[entry["model"]])
        for number in entry["numbers"]:
            writer.writerow({**number, **about})
    return stream.getvalue()


def _marked(name: str, one: Evaluation) -> str:
    several = f" ({len(one.trainings)} trainings)" if len(one.trainings) > 1 else ""
    return f"{name}{several}{f' {marks(one)}' if marks(one) else ''}"


def _remarks(results: Results) -> str:
    parts = []
    if any(len(one.trainings) > 1 for one in results.values()):
        parts.append(
            "Of several trainings a number is the mean, and its interval covers events and "
            "trainings."
        )
    if any(one.under_trained for one in results.values()):
        parts.append(
            "UNDER-TRAINED: the loss fell by more than 5 % in the last fifth of a training, so the "
            "model wins or loses nothing."
        )
    parts += [f"LEAKED: {name}: {leak_text(one)}." for name, one in results.items() if one.leaked]
    return f"<p>{escape(' '.join(parts))}</p>" if parts else ""


def _against(results: Results, reference: str, pairs: Mapping[str, Sequence[Difference]]) -> str:
    primary = {n: [d for d in found if d.name == results.primary] for n, found in pairs.items()}
    labels = list(dict.fromkeys(_bin(d) for found in primary.values() for d in found))
    rows = []
    for name, found in primary.items():
        cells = {_bin(d): _judged(d) for d in found}
        whole = found[0]
        no_worse = "yes" if whole.no_worse else "not shown"
        told: list[str | Cell] = [cells.get(label, "") for label in labels]
        told[1:1] = [f"{no_worse} (margin {whole.margin:.2g})", f"{whole.detectable:.2g}"]
        rows.append(("", [name, *told]))
    headings = ["model", *labels[:1], "no worse", "detectable", *labels[1:]]
    title = f"<h3>{escape(results.primary)}: minus that of {escape(reference)}</h3>"
    return title + table(headings, rows) + details("The other numbers", _others(results, pairs))


def _others(results: Results, pairs: Mapping[str, Sequence[Difference]]) -> str:
    """On all samples: rows models, columns numbers."""
    whole = {n: [d for d in found if not d.column] for n, found in pairs.items()}
    names = [d.name for d in next(iter(whole.values())) if d.name != results.primary]
    if not names:
        return ""
    tables = []
    for part in _parts(names):
        rows: list[tuple[str, Sequence[str | Cell]]] = []
        for name, found in whole.items():
            cells = {d.name: d for d in found}
            rows.append(("", [name, *(_judged(cells[n]) for n in part)]))
        tables.append(table(["model", *part], rows))
    return "".join(tables)


def _bin(difference: Difference) -> str:
    return bin_label(difference.column, difference.lower, difference.upper)


def _judged(difference: Difference) -> Cell:
    text = f"{_SIGNS[difference.verdict]} {difference.verdict} {format_difference(difference)}"
    return Cell(text, difference.verdict)


def _shift_table(results: Results, number: str) -> str:
    chosen = [shift for shift in results.shifts if shift.name == number]
    variations = list(dict.fromkeys(shift.variation for shift in chosen))
    models = list(dict.fromkeys(shift.model for shift in chosen))
    cells = {(shift.variation, shift.model): format_shift(shift) for shift in chosen}
    rows = [
        ("", [name, *(cells.get((name, model), "") for model in models)]) for name in variations
    ]
    return f"<h3>{escape(number)}</h3>{table(['variation', *models], rows)}"


def _origin(training: Mapping[str, Any]) -> list[str]:
    environment = training.get("environment", {})
    lineage, packages = training.get("lineage", {}), environment.get("packages", {})
    fall = training.get("loss_fall")
    commit = (environment.get("git") or {}).get("commit") or ""
    return [
        str(training.get("model", "")),
        str(training.get("file", "")),
        str(training.get("sha256", ""))[:12],
        str(lineage.get("split", ""))[:12],
        str(lineage.get("step", "")),
        "" if fall is None else f"{100 * fall:.1f} %",
        str(packages.get("detector-zoo") or ""),
        str(packages.get("torch") or ""),
        str(commit)[:10],
    ]
