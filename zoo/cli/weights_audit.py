"""``zoo weights audit``: the numbers of cards, measured again."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import JsonOption
from zoo.cli.output import console, emit, table, title
from zoo.cli.pulling import pull_named
from zoo.errors import ParityError, UsageError

if TYPE_CHECKING:
    from zoo.weights import WeightsCard

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the group ``weights``."""
    app.command("audit")(audit_command)


def audit_command(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="TASK/MODEL[@VERSION]...", help="Which weights.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All weights of all plugins.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--data-folder",
            metavar="DIR",
            help="Where the data of cards lie, and where those that are made are kept.",
        ),
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Only the last digit counts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure again what cards state; exit code 6 where it does not hold.

    Every number is measured in a fresh process by the command of the card. Data of simulators are
    made again; other data that are not here are told by name, and their numbers are not audited.
    """
    from zoo.auditing import audit

    cards = _chosen(ids or [], every=every)
    pull_named(card.ref for card in cards if card.published)
    with tempfile.TemporaryDirectory(prefix="zoo-audit-") as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        found = [audit(card, place, exact=exact, tell=_tell) for card in cards]
    counts = {
        verdict: sum(one.verdict == verdict for one in found)
        for verdict in ("holds", "differs", "not audited")
    }
    emit({"weights": [one.as_dict() for one in found], "counts": counts}, as_json, _render)
    if counts["differs"]:
        raise typer.Exit(ParityError.exit_code)


def _chosen(ids: list[str], *, every: bool) -> list[WeightsCard]:
    from zoo.weights import cards, find

    if bool(ids) == every:
        raise UsageError(
            "name weights, or --all of them, and not both",
            where="zoo weights audit",
            remedy="`zoo weights list` shows all",
        )
    return list(cards()) if every else [find(id_) for id_ in ids]


def _tell(command: str) -> None:
    console().print(f"running: {command}", soft_wrap=True, markup=False)


def _render(payload: Mapping[str, Any]) -> str:
    parts = [_one(told) for told in payload["weights"]]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in payload["counts"].items())
    return "\n\n".join([*parts, f"weights: {counts}"])


def _one(told: Mapping[str, Any]) -> str:
    head = f"{title(told['weights'])}: {told['verdict']}"
    if told["reason"]:
        return f"{head}: {told['reason']}"
    rows = [
        (
            metric["name"],
            metric["bin"] or "all",
            metric["data"],
            f"{metric['stated']:.10g}",
            "" if metric["measured"] is None else f"{metric['measured']:.10g}",
            f"{metric['verdict']} to the last digit" if metric["exact"] else metric["verdict"],
            metric["reason"],
        )
        for metric in told["metrics"]
    ]
    columns = ("number", "bin", "data", "stated", "measured", "verdict", "reason")
    return f"{head}\n{table(columns, rows, indent=2)}"
