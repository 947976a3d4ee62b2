"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = ["AsJson", "Collection", "FormatName", "Map", "Out", "Pdg"]

FormatName = Literal["calo-h5", "getting-high", "calochallenge", "lcio"]
Out = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The file; one that is there goes.")
]
Map = Annotated[
    str,
    typer.Option(
        "--map",
        metavar="NAME|FILE",
        help="LCIO: cell map through which hits get places in a detector.",
    ),
]
Collection = Annotated[str, typer.Option("--collection", help="LCIO: name of the hits.")]
Pdg = Annotated[int, typer.Option("--pdg", help="LCIO, CaloChallenge: kind of the particle.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]
