"""``zoo optics fit-vertex``: points of flashes to all sides."""

from __future__ import annotations

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
    app.command("fit-vertex")(fit_vertex)


def fit_vertex(
    model: Model,
    data: Data,
    *,
    training: Training = "",
    calibration: Constants = "",
    times: Times = "auto",
    limit: Limit = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Fit place, time and photons of flashes to all sides, from charges and hit times.

    Exit code 4 if data lack hit times or are of another detector, 2 if the model is of another
    task, classical without --training, or without the learnt times that are asked for.
    """
    from zoo_optics.reconstruction.job import Job
    from zoo_optics.reconstruction.runs import fit_vertices

    job = Job(
        model=model,
        data=data,
        training=training,
        limit=limit,
        device=device,
        calibration=calibration,
        times=times,
    )
    emit(fit_vertices(job, Progress("fitting")), as_json)
