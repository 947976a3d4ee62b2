"""Tables of an evaluation for people: numbers, bins, verdicts, shifts, settings."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from zoo.cli.output import table, title

if TYPE_CHECKING:
    from zoo.contract.figures import BinnedNumber
    from zoo.evaluation.paired import Difference
    from zoo.evaluation.results import Results

__all__ = ["about", "bins", "overall", "settings", "shifts", "verdicts", "weights_lines"]


def about(results: Results) -> Iterator[str]:
    """What was measured, what every reader must know of it, and who wins nothing."""
    data = results.data
    yield (
        f"{title(results.task)}  {data['split']} split of {data['name']}: {data['rows']} samples, "
        f"{data['groups']} independent groups; 95 % intervals"
    )
    if data["note"]:
        yield f"note: {data['note']}"
    several = {name: len(one.trainings) for name, one in results.items() if len(one.trainings) > 1}
    if several:
        counts = ", ".join(f"{name} {count}" for name, count in several.items())
        yield f"means over trainings, whose spread is in the intervals: {counts}"
    yield from _fits(results)
    trainings = [training for one in results.values() for training in one.trainings]
    yield from dict.fromkeys(line for t in trainings for line in weights_lines(t.get("weights")))
    for name, one in results.items():
        if one.under_trained:
            falls = [t["loss_fall"] for t in one.trainings if t.get("under_trained")]
            yield (
                f"UNDER-TRAINED: {name}: its loss fell by {100 * max(falls):.0f} % in the last "
                "fifth of the training, so it wins or loses nothing"
            )


def _fits(results: Results) -> Iterator[str]:
    """What classical rows were fitted to, and which of them saw what they are judged on."""
    from zoo.evaluation.formatting import fit_text, leak_text

    fits: dict[str, list[str]] = {}
    leaks: dict[str, list[str]] = {}
    for name, one in results.items():
        if one.fitted_to:
            fits.setdefault(fit_text(one), []).append(name)
        if one.leaked:
            leaks.setdefault(leak_text(one), []).append(name)
    yield from (f"fitted to {text}: {', '.join(names)}" for text, names in fits.items())
    yield from (f"LEAKED: {', '.join(names)}: {text}" for text, names in leaks.items())


def weights_lines(told: Mapping[str, Any] | None) -> Iterator[str]:
    """Which published weights they are, what they were trained on, and what speaks against it."""
    if told:
        name = f"{told['id']}@{told['version']}"
        yield f"weights {name} (sha256 {told['sha256'][:12]}), trained on: {told['trained_on']}"
        yield from (f"warning: {warning}" for warning in told["warnings"])


def overall(results: Results) -> Iterator[str]:
    """Rows models, columns numbers; as many tables as the terminal's width demands."""
    from zoo.evaluation.formatting import format_number, heading, headings

    columns: dict[str, dict[str, str]] = {name: {} for name in headings(results)}
    for name, one in results.items():
        for binned in one.numbers:
            if not binned.column and heading(binned) in columns:
                columns[heading(binned)][name] = format_number(binned)
    yield from _tables(results, columns)


def bins(results: Results, number: str = "") -> Iterator[str]:
    """One number, or the primary one, in every bin."""
    from zoo.evaluation.formatting import bin_texts

    found = [
        (name, binned)
        for name, one in results.items()
        for binned in one.numbers
        if binned.column and binned.number.name == (number or results.primary)
    ]
    order = list(dict.fromkeys(binned.column for _, binned in found))  # as the metrics bin
    found.sort(key=lambda item: (order.index(item[1].column), item[1].lower))
    for column, items in groupby(found, key=lambda item: item[1].column):
        edges: dict[tuple[float, float], dict[str, BinnedNumber]] = {}
        for name, binned in items:
            edges.setdefault((binned.lower, binned.upper), {})[name] = binned
        columns = dict(bin_texts(row) for row in edges.values())
        yield f"{title(number or results.primary)} by {column}\n" + "\n\n".join(
            _tables(results, columns, counted=False)
        )


def _tables(
    results: Results, columns: Mapping[str, Mapping[str, str]], *, counted: bool = True
) -> Iterator[str]:
    from zoo.evaluation.formatting import marks

    for chunk in _fitting(results, columns):
        rows = []
        for name, one in results.items():
            counts = next((str(binned.n) for binned in one.numbers if not binned.column), "")
            cells = [columns[heading].get(name, "") for heading in chunk]
            if one.unavailable:
                cells = [one.unavailable, *[""] * (len(chunk) - 1)]
            role = f"{one.role} ({marks(one)})" if marks(one) else one.role
            rows.append((name, role, *([counts] if counted else []), *cells))
        yield table(("model", "role", *(["n"] if counted else []), *chunk), rows)


def _fitting(results: Results, columns: Mapping[str, Mapping[str, str]]) -> Iterator[Sequence[str]]:
    """Headings in chunks whose table fits the terminal; a pipe gets one table."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    room = width - max(map(len, results), default=0) - 18
    chunk: list[str] = []
    used = 0
    for heading, cells in columns.items():
        size = 2 + max(map(len, [heading, *cells.values()]))
        if chunk and used + size > room:
            yield chunk
            chunk, used = [], 0
        chunk.append(heading)
        used += size
    if chunk or not columns:
        yield chunk or [""]


def verdicts(results: Results, against: str, number: str = "") -> Iterator[str]:
    """Paired differences of every row to one of them, on all samples and in each bin."""
    number = number or results.primary
    found = {
        name: [d for d in results.differences.get((name, against), ()) if d.name == number]
        for name in results
    }
    found = {name: differences for name, differences in found.items() if differences}
    if not found:
        return
    head = title(f"{number} minus that of {against}, on the same samples")
    rows = [(name, *_judged(differences[0])) for name, differences in found.items()]
    headings = ("row", "difference", "the row is", "no worse", "margin", "detectable")
    yield f"{head}\n{table(headings, rows)}"
    columns: dict[tuple[str, float, float], dict[str, str]] = {}
    for name, differences in found.items():
        for one in differences[1:]:
            cell = f"{_difference_text(one)} {one.verdict}"
            columns.setdefault((one.column, one.lower, one.upper), {})[name] = cell
    for column in dict.fromkeys(key[0] for key in columns):
        edges = sorted(key for key in columns if key[0] == column)
        labels = [f"{lower:g} to {upper:g}" for _, lower, upper in edges]
        cells = [(name, *(columns[key].get(name, "") for key in edges)) for name in found]
        yield f"{head}, by {column}\n{table(('row', *labels), cells)}"


def shifts(results: Results, number: str = "") -> Iterator[str]:
    """How far one number moves under each variation, in units of its nominal error."""
    number = number or results.primary
    chosen = [shift for shift in results.shifts if shift.name == number]
    if not chosen:
        return
    from zoo.evaluation.formatting import format_shift

    variations = list(dict.fromkeys(shift.variation for shift in chosen))
    cells = {(shift.variation, shift.model): format_shift(shift) for shift in chosen}
    models = list(dict.fromkeys(shift.model for shift in chosen))
    rows = [(name, *(cells.get((name, model), "") for model in models)) for name in variations]
    head = title(f"{number}: shift when the simulation is changed, in standard errors of {number}")
    yield f"{head}\n{table(('variation', *models), rows)}"


def settings(results: Results) -> Iterator[str]:
    """Configurations and surroundings of the trainings, side by side, where they differ."""
    from zoo.evaluation.settings import differing

    for section in ("config", "environment"):
        found = differing(results.evaluations, section)
        if found:
            models = list(next(iter(found.values())))
            rows = [(name, *(values[model] for model in models)) for name, values in found.items()]
            yield f"{title(f'{section}: what differs')}\n{table(('setting', *models), rows)}"


def _judged(difference: Difference) -> tuple[str, ...]:
    return (
        _difference_text(difference),
        difference.verdict,
        "yes" if difference.no_worse else "not shown",
        f"{difference.margin:.2g}",
        f"{difference.detectable:.2g}",
    )


def _difference_text(difference: Difference) -> str:
    from zoo.evaluation.formatting import format_difference

    return format_difference(difference)
