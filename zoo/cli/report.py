"""``zoo report``: one offline page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import JsonOption, StyleOption
from zoo.cli.output import emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report_command)


def report_command(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|EVAL_DIR", help="The --out of `zoo train`, `zoo eval` or `zoo compare`."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="Where to write the page.")
    ] = None,
    style: StyleOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write one HTML page that needs no network: results, verdicts, figures, settings.

    With --style all figures are drawn again, displays of events included.
    """
    from zoo.report import write_report

    path = write_report(folder, out, style=style)
    emit({"file": str(path)}, as_json, lambda payload: f"wrote {payload['file']}")
