"""``zoo calo``: what the task adds to the command line, one small file per command."""

from __future__ import annotations

import typer

from zoo_calo.commands import convert, generate, judge, resolution

__all__ = ["app"]

app = typer.Typer(
    help="Calorimeter showers: made by a model, in the formats of others, judged.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """Calorimeter showers: made by a model, in the formats of others, judged."""


for _command in (generate, convert, judge, resolution):
    _command.register(app)
