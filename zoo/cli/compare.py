"""``zoo compare``: stored evaluations side by side, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli import results as show
from zoo.cli.options import JsonOption, OutOption, SplitOption
from zoo.cli.output import emit
from zoo.errors import UsageError, suggestion

if TYPE_CHECKING:
    from zoo.evaluation.results import Results

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare_command)


def compare_command(
    evaluations: Annotated[
        list[str],
        typer.Argument(
            metavar="EVAL_DIR|RUN...",
            help="The --out of `zoo eval`, one row of it as EVAL_DIR:ROW, or a run with an "
            "evaluation; NAME=RUN,RUN makes trainings one row.",
        ),
    ],
    *,
    split: SplitOption = "test",
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW", help="Judge against this row; default: every baseline."),
    ] = None,
    number: Annotated[
        str, typer.Option(metavar="NAME", help="The number that is judged; default: the primary.")
    ] = "",
    resamples: Annotated[
        int | None, typer.Option(min=1, help="Bootstrap resamples; default: as evaluated.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the bootstrap; default: as evaluated.")
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare evaluations on the same samples: paired differences, verdicts, what was set.

    Nothing is predicted again: the stored rows of every event are paired. A row is no worse if the
    interval of its loss ends below the margin of the number; detectable is the true difference that
    such a sample would show with 80 % probability.
    """
    from zoo.evaluation.comparing import compare

    results = compare(evaluations, split=split, resamples=resamples, seed=seed)
    rows = _references(results, against or ())
    _require_number(results, number)
    payload = results.as_dict()
    if out is not None:
        from zoo.evaluation import write_results
        from zoo.report import draw_figures

        write_results(results, out)
        draw_figures(results, out)
        payload["out"] = str(out)
    emit(payload, as_json, lambda _: "\n\n".join(_render(results, rows, number, out)))


def _references(results: Results, against: Sequence[str]) -> Sequence[str]:
    for name in against:
        if name not in results or results[name].unavailable:
            raise UsageError(
                "is no row of the table",
                where=f"--against {name}",
                remedy=suggestion(name, results),
            )
    baselines = [n for n, one in results.items() if one.role == "baseline" and not one.unavailable]
    return against or baselines or [next(iter(results))]


def _require_number(results: Results, number: str) -> None:
    known = {binned.number.name for one in results.values() for binned in one.numbers}
    if number and number not in known:
        raise UsageError(
            "no such number", where=f"--number {number}", remedy=suggestion(number, known)
        )


def _render(
    results: Results, against: Sequence[str], number: str, out: Path | None
) -> Iterator[str]:
    yield from show.about(results)
    yield from show.overall(results)
    yield from show.bins(results, number)
    for name in against:
        yield from show.verdicts(results, name, number)
    yield from show.settings(results)
    if out is not None:
        yield f"wrote {out} (`zoo report {out}` makes one page of it)"
