"""``zoo sparse-reco``: what the plugin adds to the command line, one small file per command."""

from __future__ import annotations

import typer

from zoo_sparse_reco.commands import judge, losses, reco

__all__ = ["app"]

app = typer.Typer(
    help="From voxels to particles and interactions, and how well.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """From voxels to particles and interactions, and how well."""


for _command in (reco, judge, losses):
    _command.register(app)
