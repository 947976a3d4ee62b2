"""``zoo eval``: models, baselines and oracles in one table."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import DeviceOption, IDs, JsonOption, OutOption, SetOption, SplitOption
from zoo.cli.output import emit, table, title
from zoo.cli.progress import progress_bar
from zoo.cli.samples import (
    BatchOption,
    LimitOption,
    OptionalDataOption,
    data_section,
)
from zoo.errors import ParityError

if TYPE_CHECKING:
    from zoo.evaluation.beats import Beats
    from zoo.evaluation.results import Results

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("eval")(eval_command)


def eval_command(
    ids: IDs,
    data: OptionalDataOption = "",
    *,
    split: SplitOption = "test",
    limit: LimitOption = None,
    out: OutOption = None,
    claim: Annotated[
        str,
        typer.Option(
            "--beats",
            metavar="ID:NUMBER",
            help="Exit code 6 unless the first ID is better than this one.",
        ),
    ] = "",
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    settings: SetOption = None,
    device: DeviceOption = "cpu",
    batch: BatchOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure models on the same samples, with the task's baselines and oracles.

    Numbers stand with 95 % intervals over independent events. One run is evaluated into its own
    folder eval/; give --out to keep any other evaluation, with its figures.
    """
    from zoo.evaluation import evaluate
    from zoo.evaluation.beats import beats, parse_beats

    other, number = parse_beats(claim) if claim else ("", "")
    models = [*ids, other] if other and other not in ids else ids
    with progress_bar("measuring") as progress:
        results = evaluate(
            models,
            data_section(data, settings or (), ids[0]),
            split=split,
            limit=limit,
            resamples=resamples,
            seed=seed,
            device=device,
            batch=batch,
            progress=progress,
        )
    claimed = beats(results, other, number) if claim else None
    payload = results.as_dict()
    folder = _keep(results, out or _run_folder(ids[0], split))
    if folder is not None:
        payload["out"] = str(folder)
    if claimed is not None:
        payload["beats"] = _claim(claimed)
    emit(payload, as_json, lambda _: "\n\n".join(_render(results, claimed, folder)))
    if claimed is not None and not claimed.holds:
        raise typer.Exit(ParityError.exit_code)


def _run_folder(ref: str, split: str) -> Path | None:
    from zoo.artifacts.run_directory import RunDirectory, parse_run

    folder, step = parse_run(ref)
    if not RunDirectory.is_run(folder):
        return None
    return RunDirectory(folder).evaluations / (split if step is None else f"{split}@{step}")


def _keep(results: Results, folder: Path | None) -> Path | None:
    if folder is not None:
        from zoo.evaluation import write_results
        from zoo.report import draw_figures

        write_results(results, folder)
        draw_figures(results, folder)
    return folder


def _claim(claimed: Beats) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(claimed)


def _render(results: Results, claimed: Beats | None, folder: Path | None) -> Iterator[str]:
    data = results.data
    yield (
        f"{title(results.task)}  {data['split']} split of {data['name']}: {data['rows']} samples, "
        f"{data['groups']} independent groups; 95 % intervals"
    )
    if data["note"]:
        yield f"note: {data['note']}"
    yield from _overall(results)
    yield from _bins(results)
    if claimed is not None:
        yield _claim_table(claimed)
    if folder is not None:
        yield f"wrote {folder} (`zoo report {folder}` makes one page of it)"


def _overall(results: Results) -> Iterator[str]:
    """Rows models, columns numbers; as many tables as the terminal's width demands."""
    from zoo.evaluation.formatting import format_number, heading

    columns: dict[str, dict[str, str]] = {}
    for name, one in results.items():
        for binned in one.numbers:
            if not binned.column:
                columns.setdefault(heading(binned), {})[name] = format_number(binned)
    yield from _tables(results, columns)


def _bins(results: Results) -> Iterator[str]:
    """The primary number in every bin."""
    from zoo.evaluation.formatting import format_number

    found = [
        (name, binned)
        for name, one in results.items()
        for binned in one.numbers
        if binned.column and binned.number.name == results.primary
    ]
    found.sort(key=lambda item: (item[1].column, item[1].lower))
    for column, items in groupby(found, key=lambda item: item[1].column):
        columns: dict[str, dict[str, str]] = {}
        for name, binned in items:
            label = f"{binned.lower:g} to {binned.upper:g} (n = {binned.n})"
            columns.setdefault(label, {})[name] = format_number(binned)
        yield f"{title(results.primary)} by {column}\n" + "\n\n".join(
            _tables(results, columns, counted=False)
        )


def _tables(
    results: Results, columns: Mapping[str, Mapping[str, str]], *, counted: bool = True
) -> Iterator[str]:
    for chunk in _fitting(results, columns):
        rows = []
        for name, one in results.items():
            counts = next((str(binned.n) for binned in one.numbers if not binned.column), "")
            cells = [columns[heading].get(name, "") for heading in chunk]
            if one.unavailable:
                cells = [one.unavailable, *[""] * (len(chunk) - 1)]
            rows.append((name, one.role, *([counts] if counted else []), *cells))
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


def _claim_table(claimed: Beats) -> str:
    from zoo.evaluation.formatting import bin_label, format_difference

    rows: Iterable[tuple[object, ...]] = [
        (
            bin_label(difference.column, difference.lower, difference.upper),
            format_difference(difference),
            difference.verdict,
            difference.groups,
        )
        for difference in claimed.differences
    ]
    verdict = "holds" if claimed.holds else "does NOT hold"
    reason = "" if claimed.apart else " (their 95 % intervals overlap)"
    head = f"{claimed.first} beats {claimed.second} in {claimed.number}: {verdict}{reason}"
    columns = ("rows", "paired difference", "verdict", "groups")
    return f"{title(head)}\n{table(columns, list(rows))}"
