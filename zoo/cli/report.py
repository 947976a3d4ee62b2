"""``zoo report``: one offline page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import JsonOption
from zoo.cli.output import emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report_command)


def report_command(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN|EVAL_DIR", help="The --out of `zoo train` or `zoo eval`.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="Where to write the page.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write one HTML page that needs no network: results, figures, curves, configuration."""
    from zoo.report import write_report

    path = write_report(folder, out)
    emit({"file": str(path)}, as_json, lambda payload: f"wrote {payload['file']}")
