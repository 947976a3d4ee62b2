"""``zoo optics calibrate``: yields of sensors, and a shift of the light."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo_optics.commands.options import AsJson, Device, Limit, Model, Training
from zoo_optics.commands.telling import emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate")(calibrate)


def calibrate(
    model: Model,
    data: Annotated[
        str, typer.Option("--data", metavar="SOURCE:PATH", help="Flashes whose places are known.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="What is found.")],
    *,
    training: Training = "",
    fix_yields: Annotated[bool, typer.Option("--fix-yields", help="All yields are 1.")] = False,
    fix_offset: Annotated[
        bool, typer.Option("--fix-offset", help="The light starts where it is believed to.")
    ] = False,
    limit: Limit = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Fit a yield of every sensor and a common shift of the light; the model stays as it is.

    Exit codes as for fit-vertex; 4 also if the flashes cannot tell a shift from yields.
    """
    from zoo_optics.calibration.job import run_calibration
    from zoo_optics.reconstruction.job import Job

    job = Job(model=model, data=data, training=training, limit=limit, device=device)

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    found = run_calibration(
        job, out, free_yields=not fix_yields, free_offset=not fix_offset, tell=tell
    )
    emit(found, as_json)
