"""What commands say: results on stdout, everything else on stderr.

With ``--json`` a command writes exactly one JSON object to stdout, an error included. Of several
processes that are one command only the first writes there; the others have their own errors on
stderr.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

from zoo.artifacts.canonical import tidy
from zoo.data.processes import ALONE, Launched, launched
from zoo.errors import Interrupted, UsageError, ZooError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "emit", "is_first", "report_error", "table", "title"]

INTERRUPTED_BY_USER = 130


@cache
def console() -> Console:
    """Progress and remarks for people, on stderr. Rich is imported on first use."""
    from rich.console import Console

    return Console(stderr=True)


def emit(
    payload: Mapping[str, Any], as_json: bool, render: Callable[[Mapping[str, Any]], str]
) -> None:
    """Write a command's result to stdout.

    Args:
        payload: JSON values; floats that JSON lacks become null.
        as_json: Whether the user asked for JSON.
        render: Payload -> text for people.
    """
    if as_json:
        typer.echo(json.dumps(tidy(payload), indent=2))
    else:
        typer.echo(render(payload))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, indent: int = 0) -> str:
    """Aligned columns; the last one wraps at the width of the terminal.

    Args:
        headers: One per column; all empty: no line for them.
        rows: Cells, shown with ``str``.
        indent: Spaces before each line.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    before = indent + sum(widths[:-1]) + 2 * (len(widths) - 1)
    room = max(24, _width() - before)
    lines = [title(_line(headers, widths, indent))] if any(headers) else []
    for row in cells:
        last = textwrap.wrap(row[-1], room, break_on_hyphens=False) or [""]
        lines.append(_line([*row[:-1], last[0]], widths, indent))
        lines += [" " * before + more for more in last[1:]]
    return "\n".join(lines)


def title(text: str) -> str:
    """Bold on a terminal; the codes are stripped elsewhere."""
    return typer.style(text, bold=True)


def report_error(error: BaseException, as_json: bool) -> int:
    """Tell an error in the way that was asked for, and return the exit code.

    Of several processes the first tells it. Another one tells only what the first has not seen, as
    text that begins with its number. ``ZOO_TRACEBACK=1`` adds the traceback.
    """
    if os.environ.get("ZOO_TRACEBACK", "") not in ("", "0"):
        typer.echo("".join(traceback.format_exception(error)), err=True)
    if isinstance(error, KeyboardInterrupt):
        told: ZooError = Interrupted("stopped by Ctrl-C")
        code = INTERRUPTED_BY_USER
    else:
        told = error if isinstance(error, ZooError) else _unexpected(error)
        code = told.exit_code
    here = _process()
    if not here.main:
        if not (here.local_rank > 0 if told.shared is None else told.shared):
            _tell(told, f"process {here.rank} of {here.size}: ")
    elif as_json:
        typer.echo(json.dumps(told.as_dict() | {"exit_code": code}, indent=2))
    else:
        _tell(told)
    return code


def is_first() -> bool:
    """Whether this is the first of the processes that are one command, or the only one."""
    return _process().main


def _tell(error: ZooError, before: str = "") -> None:
    sys.stdout.flush()
    typer.secho(f"{before}error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(str(error), err=True)


def _process() -> Launched:
    try:
        return launched()
    except (UsageError, ValueError):  # it may be what is told
        return ALONE


def _unexpected(error: BaseException) -> ZooError:
    told = ZooError(
        f"unexpected {type(error).__name__}: {error}",
        remedy="this is a fault of zoo or of a plugin; ZOO_TRACEBACK=1 shows where",
    )
    told.shared = False  # nobody has compared it
    return told


def _line(cells: Sequence[str], widths: Sequence[int], indent: int) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return (" " * indent + "  ".join(padded)).rstrip()


def _width() -> int:
    """Columns of the terminal; a pipe gets whole lines, for grep."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
