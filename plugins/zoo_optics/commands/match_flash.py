"""``zoo optics match-flash``: flashes and the charge that they belong to."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo_optics.commands.options import AsJson, Device, Model, Training
from zoo_optics.commands.telling import Progress, emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("match-flash")(match_flash)


def match_flash(
    model: Model,
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="SOURCE:PATH", help="Samples of lar-windows; or an .npz of windows."
        ),
    ],
    *,
    training: Training = "",
    model_error: Annotated[
        float, typer.Option(min=0, max=1, help="Relative error of the light at a sensor.")
    ] = 0.1,
    yield_spread: Annotated[
        float, typer.Option(min=0, max=1, help="Relative spread of the light yield; 0: it is free.")
    ] = 0.0,
    reject_sigma: Annotated[
        float,
        typer.Option(min=0, help="RMS above a right pair at which nobody is matched; 0: never."),
    ] = 5.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Windows at most.")] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Find which flash belongs to which charge, whose place along the drift is open.

    Exit code 4 if data have no windows or are of another detector, 2 if the model is of another
    task or classical without --training.
    """
    from zoo_optics.reconstruction.job import Job
    from zoo_optics.reconstruction.match_job import match_flashes
    from zoo_optics.reconstruction.matching import MatchSettings

    job = Job(model=model, data=data, training=training, limit=limit, device=device)
    settings = MatchSettings(
        model_error=model_error, yield_spread=yield_spread or None, reject_sigma=reject_sigma
    )
    emit(match_flashes(job, settings, Progress("matching", "windows")), as_json)
