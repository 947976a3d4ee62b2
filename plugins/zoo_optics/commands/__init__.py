"""``zoo optics``: what the task adds to the command line, one small file per command."""

from __future__ import annotations

import typer

from zoo_optics.commands import calibrate, fit_track, fit_vertex, gradients, match_flash

__all__ = ["app"]

app = typer.Typer(
    help="Light: points, tracks and matches from it, calibration, gradients.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """Light: points, tracks and matches from it, calibration, gradients."""


for _command in (fit_vertex, fit_track, calibrate, gradients, match_flash):
    _command.register(app)
