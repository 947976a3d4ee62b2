"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

__all__ = ["AsJson", "Constants", "Data", "Device", "Limit", "Model", "Times", "Training"]

Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="Run, model file, or id of the task optics."),
]
Data = Annotated[
    str, typer.Option("--data", metavar="SOURCE:PATH", help="Events with hit times; or a zoo file.")
]
Training = Annotated[
    str,
    typer.Option(
        "--training",
        metavar="SOURCE:PATH",
        help="Flashes that a classical model (optics/lut, optics/analytic) is fitted on.",
    ),
]
Constants = Annotated[
    str,
    typer.Option(
        "--calibration",
        metavar="FILE.json",
        help="What `zoo optics calibrate` wrote: its yields are used.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Events at most.")]
Times = Annotated[
    Literal["auto", "learnt", "closed-form"],
    typer.Option("--times", help="Distribution of hit times; auto: learnt, if the model has one."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]
