"""``zoo weights convert``: a parameter file of another program as a model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import JsonOption, SetOption
from zoo.cli.output import emit
from zoo.errors import ConfigError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the group ``weights``."""
    app.command("convert")(convert_command)


def convert_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".safetensors, .pt, .pth, .ckpt, or .ts.")
    ],
    model: Annotated[str, typer.Option("--as", metavar="TASK/MODEL", help="What it becomes.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="X.safetensors", help="The model file to write.")
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="SOURCE:PATH", help="Data of the detector that it is for: its facts."
        ),
    ] = "",
    *,
    layout: Annotated[
        str, typer.Option("--layout", metavar="NAME", help="Of several that the model knows.")
    ] = "",
    prefix: Annotated[
        str,
        typer.Option(
            "--prefix", metavar="TEXT", help="Take tensors whose names begin so, and cut it off."
        ),
    ] = "",
    trust: Annotated[
        bool, typer.Option("--trust", help="Load a TorchScript file, which holds code.")
    ] = False,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a model file with the parameters of another program.

    Nothing that the file holds is run: pickles with anything but tensors and plain values are
    refused. `zoo info TASK/MODEL` tells which layouts a model knows. --set model.NAME=VALUE goes
    before what the file fixes, --set data.NAME=VALUE belongs to --data.
    """
    from zoo.conversion import convert

    own, of_data = _sections(settings or ())
    done = convert(
        file,
        model,
        out,
        layout=layout,
        facts=_facts(model, data, of_data),
        settings=own,
        trust=trust,
        prefix=prefix,
    )
    emit({**asdict(done), "file": str(done.file)}, as_json, _render)


def _sections(settings: Sequence[str]) -> tuple[Mapping[str, Any], list[str]]:
    """Settings of the model, and those of the data as they were written."""
    from zoo.config.layers import set_layer

    of_data = [text for text in settings if text.startswith("data.")]
    changes = dict(set_layer([text for text in settings if text not in of_data]).values)
    section = changes.pop("model", {})
    if changes or not isinstance(section, Mapping):
        raise ConfigError(
            "this command has no such setting",
            where=f"--set {next(iter(changes), 'model')}",
            remedy="it has --set model.NAME=VALUE and --set data.NAME=VALUE",
        )
    return section, of_data


def _facts(model: str, data: str, settings: Sequence[str]) -> Mapping[str, Any] | None:
    if not data:
        return None
    from zoo.cli.samples import data_section
    from zoo.prediction.sources import open_source

    config = data_section(data, [*settings, *_one_event(data)])
    return open_source(model.partition("/")[0], config).facts


def _one_event(data: str) -> list[str]:
    """A simulator tells its facts without a sample, but asks for a number of them."""
    return [] if ":" in data or "/" in data else ["data.events=1"]


def _render(told: Mapping[str, Any]) -> str:
    lines = [f"{told['file']}: {told['model']}, {told['taken']} tensors (layout {told['layout']})"]
    config = ", ".join(f"model.{name} = {value}" for name, value in told["config"].items())
    lines += [f"settings: {config}"] if config else []
    if told["dropped"]:
        lines.append(f"left out: {', '.join(told['dropped'])}")
    if told["built"]:
        lines.append(f"not in the file, so as first made: {', '.join(told['built'])}")
    return "\n".join([*lines, *(f"note: {note}" for note in told["notes"])])
