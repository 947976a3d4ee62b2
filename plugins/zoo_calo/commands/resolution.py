"""``zoo calo resolution``: linearity and energy resolution as deposited and as read out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("resolution")(resolution)


def resolution(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="Runs, model files, or ids of the task calo."),
    ] = None,
    *,
    data: Annotated[
        str, typer.Option("--data", metavar="SOURCE:PATH", help="Showers of the reference.")
    ],
    training: Annotated[
        str,
        typer.Option(
            "--training",
            metavar="SOURCE:PATH",
            help="Other showers of the reference: they calibrate, and classical models learn.",
        ),
    ],
    showers: Annotated[
        list[str] | None,
        typer.Option("--showers", metavar="SOURCE:PATH", help="Generated ones; may be repeated."),
    ] = None,
    threshold: Annotated[float, typer.Option(min=0, help="Of a cell that is read, MIP.")] = 0.5,
    noise: Annotated[float, typer.Option(min=0, help="Of every cell, MIP.")] = 0.0,
    pixels: Annotated[
        float, typer.Option(min=0, help="That saturate, of a photodetector; 0: none do.")
    ] = 0.0,
    photoelectrons: Annotated[float, typer.Option(min=0.1, help="Of a MIP.")] = 15.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Showers of each.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Figure, and all as JSON.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object to stdout.")] = False,
) -> None:
    """Measure linearity and width of the energy, of all deposits (sim) and as read out (digi).

    A linear calibration is fitted at each level to the training showers of the reference, and
    holds for all. Exit code 4 if grids differ or there are too few showers.
    """
    from zoo_calo.digi.electronics import Electronics, Saturation
    from zoo_calo.digi.job import ResolutionJob, lines, run_resolution, write

    saturation = Saturation(pixels=pixels, photoelectrons=photoelectrons) if pixels else None
    job = ResolutionJob(
        data=data,
        training=training,
        models=tuple(models or ()),
        showers=tuple(showers or ()),
        electronics=Electronics(threshold_mip=threshold, noise_mip=noise, saturation=saturation),
        limit=limit,
        device=device,
    )

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    found = run_resolution(job, tell)
    if out is not None:
        write(job, found, out)
    told = job.told(found)
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(lines(found)))
