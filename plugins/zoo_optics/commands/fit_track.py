"""``zoo optics fit-track``: tracks of Cherenkov light."""

from __future__ import annotations

from typing import Annotated

import typer

from zoo_optics.commands.options import (
    AsJson,
    Constants,
    Data,
    Device,
    Limit,
    Model,
    Times,
    Training,
)
from zoo_optics.commands.telling import Progress, emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fit-track")(fit_track)


def fit_track(
    model: Model,
    data: Data,
    *,
    training: Training = "",
    calibration: Constants = "",
    times: Times = "auto",
    track_cm: Annotated[float, typer.Option(min=1, help="Length of the tracks.")] = 100.0,
    cone_deg: Annotated[
        float, typer.Option(min=15, max=65, help="Half opening of their cone.")
    ] = 41.4,
    free_length: Annotated[bool, typer.Option(help="Fit the length too.")] = False,
    free_cone: Annotated[bool, typer.Option(help="Fit the cone too.")] = False,
    limit: Limit = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Fit start, direction, time and photons of Cherenkov tracks, from charges and hit times.

    Exit codes as for fit-vertex.
    """
    from zoo_optics.reconstruction.fit_track import TrackSettings
    from zoo_optics.reconstruction.job import Job
    from zoo_optics.reconstruction.runs import fit_tracks

    job = Job(
        model=model,
        data=data,
        training=training,
        limit=limit,
        device=device,
        calibration=calibration,
        times=times,
    )
    settings = TrackSettings(track_cm, cone_deg, free_length=free_length, free_cone=free_cone)
    emit(fit_tracks(job, settings, Progress("fitting")), as_json)
