"""``zoo eval``: models, baselines and oracles in one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli import results as show
from zoo.cli.options import (
    BootstrapSeedOption,
    DeviceOption,
    JsonOption,
    NamedIDs,
    OutOption,
    ResamplesOption,
    SetOption,
    SplitOption,
    StyleOption,
)
from zoo.cli.output import emit, table, title
from zoo.cli.processes import joined
from zoo.cli.progress import progress_bar
from zoo.cli.pulling import pull_named
from zoo.cli.samples import (
    BatchOption,
    LimitOption,
    OptionalDataOption,
    TrainingOption,
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
    ids: NamedIDs,
    data: OptionalDataOption = "",
    *,
    training: TrainingOption = "",
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
    variations: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME|all",
            help="Simulate the same events with each of these changes, and tell the shifts.",
        ),
    ] = "",
    resamples: ResamplesOption = 1000,
    seed: BootstrapSeedOption = 0,
    settings: SetOption = None,
    style: StyleOption = "",
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
    from zoo.evaluation.naming import parse_named

    if style:
        from zoo.report.style import require_style

        require_style(style)
    other, number = parse_beats(claim) if claim else ("", "")
    names = {parse_named(text)[0]: parse_named(text)[1] for text in ids}
    models = [*ids, other] if other and other not in names else ids
    first = next(iter(names.values()))[0]
    pull_named([*(ref for refs in names.values() for ref in refs), other])
    with joined(device) as (processes, place), progress_bar("evaluating") as progress:
        results = evaluate(
            models,
            data_section(data, settings or (), first),
            training=training or None,
            split=split,
            limit=limit,
            resamples=resamples,
            seed=seed,
            device=place,
            batch=batch,
            variations=[name for name in variations.split(",") if name],
            progress=progress if processes.main else None,
            processes=processes,
        )
    claimed = beats(results, other, number) if claim else None
    if processes.main:
        _tell(results, claimed, out or _own_folder(names, split), style, as_json=as_json)
    if claimed is not None and not claimed.holds:
        raise typer.Exit(ParityError.exit_code)


def _tell(
    results: Results, claimed: Beats | None, out: Path | None, style: str, *, as_json: bool
) -> None:
    payload = results.as_dict()
    folder = _keep(results, out, style)
    if folder is not None:
        payload["out"] = str(folder)
    if claimed is not None:
        payload["beats"] = _claim(claimed)
    emit(payload, as_json, lambda _: "\n\n".join(_render(results, claimed, folder)))


def _own_folder(names: Mapping[str, Sequence[str]], split: str) -> Path | None:
    """Where the evaluation of one run belongs; several are nobody's."""
    refs = [ref for several in names.values() for ref in several]
    return _run_folder(refs[0], split) if len(refs) == 1 else None


def _run_folder(ref: str, split: str) -> Path | None:
    from zoo.artifacts.run_directory import RunDirectory, parse_run

    folder, step = parse_run(ref)
    if not RunDirectory.is_run(folder):
        return None
    return RunDirectory(folder).evaluations / (split if step is None else f"{split}@{step}")


def _keep(results: Results, folder: Path | None, style: str) -> Path | None:
    if folder is not None:
        from zoo.evaluation import write_results
        from zoo.report import draw_figures

        write_results(results, folder)
        draw_figures(results, folder, style)
    return folder


def _claim(claimed: Beats) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(claimed)


def _render(results: Results, claimed: Beats | None, folder: Path | None) -> Iterator[str]:
    yield from show.about(results)
    yield from show.overall(results)
    yield from show.bins(results)
    yield from show.shifts(results)
    if claimed is not None:
        yield _claim_table(claimed)
    if folder is not None:
        yield f"wrote {folder} (`zoo report {folder}` makes one page of it)"


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
