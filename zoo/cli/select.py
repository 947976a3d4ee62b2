"""``zoo select``: the best snapshot of a run, chosen on one sample and reported on another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import results as show
from zoo.cli.options import (
    BootstrapSeedOption,
    DeviceOption,
    JsonOption,
    ResamplesOption,
    SetOption,
    SplitOption,
)
from zoo.cli.output import emit, table, title
from zoo.cli.progress import progress_bar
from zoo.cli.samples import OptionalDataOption, data_section

if TYPE_CHECKING:
    from zoo.evaluation.selecting import Selection

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("select")(select_command)


def select_command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run with snapshots.")],
    data: OptionalDataOption = "",
    *,
    by: Annotated[
        str, typer.Option(metavar="NUMBER", help="What ranks; default: the primary number.")
    ] = "",
    split: SplitOption = "validation",
    report_data: Annotated[
        str,
        typer.Option(metavar="SOURCE:PATH", help="What the best is reported on; default: --data."),
    ] = "",
    report_split: Annotated[
        str, typer.Option(help="Part of it: train, validation, test or all.")
    ] = "test",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.safetensors", help="Write the best as a model file."),
    ] = None,
    resamples: ResamplesOption = 1000,
    seed: BootstrapSeedOption = 0,
    settings: SetOption = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Rank the snapshots of a run by any number; report the best on a sample that did not choose.

    Thresholds and other tuned constants are tuned for each snapshot on the sample that chooses.
    """
    from zoo.evaluation.selecting import Sample, select

    choose = Sample(data_section(data, settings or (), str(run)), split)
    other = data_section(report_data, (), str(run)) if report_data else choose.data
    with progress_bar("measuring") as progress:
        selection = select(
            run,
            choose=choose,
            report=Sample(other, report_split),
            by=by,
            out=out,
            resamples=resamples,
            seed=seed,
            device=device,
            progress=progress,
        )
    payload = {
        "ranked": [asdict(candidate) for candidate in selection.ranked],
        "report": selection.report.as_dict(),
        "file": str(out) if out else None,
    }
    emit(payload, as_json, lambda _: "\n\n".join(_render(selection, split)))


def _render(selection: Selection, split: str) -> Iterator[str]:
    from zoo.evaluation.formatting import format_difference, format_number, heading

    rows = [
        (
            candidate.name,
            format_number(candidate.number),
            format_difference(candidate.difference) if candidate.difference else "",
            candidate.difference.verdict if candidate.difference else "the best",
        )
        for candidate in selection.ranked
    ]
    number = heading(selection.best.number)
    yield (
        f"{title(f'ranked on the {split} split')}\n"
        f"{table(('snapshot', number, 'minus the best', 'verdict'), rows)}"
    )
    yield title("reported on a sample that had no part in the choice")
    yield from show.about(selection.report)
    yield from show.overall(selection.report)
    if selection.file is not None:
        yield f"wrote {selection.file}"
