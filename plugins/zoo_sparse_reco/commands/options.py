"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "Data", "Device", "Limit", "Models", "OutFolder", "Training"]

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[STAGE=]MODEL...",
        help="Runs, weights, exported files, classical ids, or `truth`; stages that are not named "
        "have the baseline. Stages: semantic, cluster, shower, track, interaction.",
    ),
]
Data = Annotated[
    str, typer.Option("--data", metavar="SOURCE:PATH", help="Events; or a file that zoo wrote.")
]
Training = Annotated[
    str,
    typer.Option(
        "--training",
        metavar="SOURCE:PATH",
        help="Events that classical models are fitted to; none: round numbers stand in.",
    ),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Events at most.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="Figures, and all as JSON.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]
