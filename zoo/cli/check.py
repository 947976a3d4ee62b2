"""``zoo check``: whether a plugin keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import JsonOption
from zoo.cli.output import console, emit, table, title
from zoo.errors import ParityError

if TYPE_CHECKING:
    from zoo.testing import Result

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check_command)


def check_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="PLUGIN|TASK|TASK/MODEL...", help="A plugin, a task or a model, or several."
        ),
    ],
    rules: Annotated[
        str, typer.Option(metavar="R01,R02", help="Only these rules; default: all.")
    ] = "",
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Leave out what starts processes for each model."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check plugins, tasks or models by numbered rules; exit code 6 if one is broken.

    Samples come from the task's simulator, networks train a few steps. What an author declares in
    the check file of a task makes models small, and tells which failures are expected.
    """
    from zoo.testing import Checker, cases_of, choose_rules

    chosen = choose_rules([number for number in rules.split(",") if number], quick=quick)
    cases = list(dict.fromkeys(case for name in names for case in cases_of(name, chosen)))
    checker = Checker(chosen)
    results = []
    for number, (rule, subject) in enumerate(cases, 1):
        result = checker.check(rule, subject)
        results.append(result)
        place = f"{number}/{len(cases)} {rule.number} {subject}"
        console().print(f"{place}: {result.status} ({result.seconds:.1f} s)", soft_wrap=True)
    broken = [result for result in results if not result.good]
    emit(_payload(results), as_json, _render)
    if broken:
        raise typer.Exit(ParityError.exit_code)


def _payload(results: Sequence[Result]) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for result in results:
        counts[result.status] = counts.get(result.status, 0) + 1
    return {
        "ok": all(result.good for result in results),
        "counts": counts,
        "results": [result.as_dict() for result in results],
    }


def _render(payload: Mapping[str, Any]) -> str:
    return "\n\n".join(_parts(payload))


def _parts(payload: Mapping[str, Any]) -> Iterator[str]:
    results = payload["results"]
    for subject in dict.fromkeys(result["subject"] for result in results):
        rows = [
            (r["number"], r["name"], r["status"], f"{r['seconds']:.1f}", r["message"])
            for r in results
            if r["subject"] == subject
        ]
        yield f"{title(subject)}\n{table(('rule', '', '', 's', 'found'), rows, indent=2)}"
    for result in results:
        if result["status"] != "pass" and result["status"] != "skipped":
            yield _about(result)
    counts = ", ".join(f"{count} {status}" for status, count in payload["counts"].items())
    yield f"{counts}: {'all rules hold' if payload['ok'] else 'the contract is not kept'}"


def _about(result: Mapping[str, Any]) -> str:
    lines = [
        ("rule", f"{result['meaning']}"),
        ("found", result["message"]),
        ("symptom", result["symptom"]),
        ("remedy", result["remedy"]),
        ("expected", result["reason"]),
    ]
    head = f"{result['number']} {result['name']}, {result['subject']}: {result['status']}"
    told = [(name, text) for name, text in lines if text]
    return f"{title(head)}\n{table(('', ''), told, indent=2)}"
