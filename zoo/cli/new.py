"""``zoo new``: the beginning of something of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import JsonOption
from zoo.cli.output import emit, title
from zoo.registry import registry
from zoo.scaffold import Made, make_plugin
from zoo.scaffold.naming import free_name

__all__ = ["register"]

_group = typer.Typer(help="Make something new.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="new")


@_group.command("plugin")
def plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the plugin and of its task.")],
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="The folder to write it into.")
    ] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write a whole plugin: a small task that works, with tests; change it into yours."""
    made = make_plugin(free_name(name, registry()), into)
    emit(_told(made), as_json, _render)


def _told(made: Made) -> dict[str, Any]:
    task = made.name.task
    return {
        "folder": str(made.folder),
        "task": task,
        "distribution": made.name.distribution,
        "package": made.name.package,
        "files": list(made.files),
        "next": [
            f"pip install --editable {made.folder}",
            f"pytest {made.folder}",
            f"zoo train {task}/pulse-net --recipe quick --out runs/{task}",
            f"zoo eval runs/{task}",
        ],
    }


def _render(payload: Mapping[str, Any]) -> str:
    files = "".join(f"\n  {name}" for name in payload["files"])
    steps = "".join(f"\n  {step}" for step in payload["next"])
    return f"{title(payload['folder'])}{files}\n\n{title('What to do next')}{steps}"
