"""``zoo optics gradients``: gradients of models against the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from zoo_optics.commands.options import AsJson, Device, Training
from zoo_optics.commands.telling import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gradients")(gradients)


def gradients(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Runs, model files, or ids of the task optics."),
    ],
    data: Annotated[
        str, typer.Option("--data", metavar="FILE", help="Flashes of lar-box: the truth is theirs.")
    ],
    *,
    training: Training = "",
    parameters: Annotated[
        str, typer.Option(metavar="FILE", help="Scattering that they were made with.")
    ] = "",
    points: Annotated[int, typer.Option(min=1, help="Where gradients are compared.")] = 500,
    step_cm: Annotated[float, typer.Option(min=0.01, help="Of the quotients.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of the points.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Figures, and all as JSON.")
    ] = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Compare gradients of log v by the place with those of the truth, where that is known.

    Exit code 4 if the light of the data has no closed form or a model is of another detector, 2 if
    a model is of another task, or classical without --training.
    """
    from zoo_optics.gradients.job import GradientJob, judge
    from zoo_optics.gradients.telling import lines, write

    job = GradientJob(
        models=tuple(models),
        data=data,
        training=training,
        parameters=parameters,
        points=points,
        step_cm=step_cm,
        seed=seed,
        device=device,
    )
    judged = judge(job, Progress("judging", "models"))
    if out is not None:
        write(judged, job, out)
    told = judged.told(job)
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(lines(judged)))
