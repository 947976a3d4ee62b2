"""Arguments and options that commands share, so that each means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = [
    "BootstrapSeedOption",
    "ConfigOption",
    "DataOption",
    "DeviceOption",
    "FromOption",
    "IDs",
    "JsonOption",
    "ModelID",
    "NamedIDs",
    "OutOption",
    "RecipeOption",
    "ResamplesOption",
    "SetOption",
    "SplitOption",
    "StyleOption",
]

_ID = "TASK/MODEL[@version], a run directory RUN[@step], or a model file."

IDs: TypeAlias = Annotated[list[str], typer.Argument(metavar="ID...", help=_ID)]
NamedIDs: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help=f"{_ID} NAME=RUN,RUN makes trainings one row."),
]
ModelID: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help=_ID)]
DataOption: TypeAlias = Annotated[
    str,
    typer.Option("--data", metavar="SOURCE:PATH", help="Where samples come from; or a zoo file."),
]
SplitOption: TypeAlias = Annotated[
    str, typer.Option("--split", help="Part of the data: train, validation, test or all.")
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Change one setting; may be repeated."),
]
ConfigOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--config", metavar="FILE.toml", help="Settings from a file; may be repeated."),
]
RecipeOption: TypeAlias = Annotated[
    str | None, typer.Option("--recipe", metavar="NAME", help="Settings that the plugin brings.")
]
FromOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", metavar="WEIGHTS|RUN", help="Take these parameters."),
]
OutOption: TypeAlias = Annotated[
    Path | None, typer.Option("--out", metavar="PATH", help="Where to write.")
]
DeviceOption: TypeAlias = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")
]
ResamplesOption: TypeAlias = Annotated[int, typer.Option(min=1, help="Bootstrap resamples.")]
BootstrapSeedOption: TypeAlias = Annotated[
    int, typer.Option("--seed", min=0, help="Of the bootstrap.")
]
StyleOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--style", metavar="FILE.mplstyle|NAME", help="Draw figures in this matplotlib style."
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write one JSON object to stdout.")
]
