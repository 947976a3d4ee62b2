"""``zoo ha-tpc``: what the task adds to the command line."""

from __future__ import annotations

import json
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="HA-TPC: settings of trainings by name.", no_args_is_help=True, add_completion=False
)


@app.callback()
def _group() -> None:
    """HA-TPC: settings of trainings by name."""  # a group even while it has one command


@app.command()
def recipe(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="As ResNet50_b64l01p3e30h10_momy-momz."),
    ],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object to stdout.")
    ] = False,
) -> None:
    """Print the settings that a name of a training stands for, as a file for --config.

    Exit code 2 if it is no such name.
    """
    from zoo_ha_tpc.run_names import parse_run_name

    found = parse_run_name(name)
    if not as_json:
        typer.echo(found.toml(name), nl=False)
        return
    told = {
        "model": f"ha-tpc/{found.model}",
        "config": found.config(),
        "unknown": dict(found.unknown),
    }
    typer.echo(json.dumps(told, indent=2))
