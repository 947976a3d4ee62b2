"""``zoo export``: a trained model as a file that another program loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import FromOption, JsonOption, ModelID, OutOption, SetOption
from zoo.cli.output import console, emit, table
from zoo.cli.pulling import pull_named
from zoo.errors import ConfigError, UsageError
from zoo.registry import registry

if TYPE_CHECKING:
    from zoo.contract.table import Table

__all__ = ["register"]

_SAMPLES = 2
"""Enough to see a wrong codec; the grid tests the network."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export_command)


def export_command(
    model: ModelID,
    format_name: Annotated[
        str, typer.Option("--format", metavar="onnx|pt2|ts", help="Format of the file.")
    ] = "",
    consumer: Annotated[
        str, typer.Option("--for", metavar="CONSUMER", help="Program that will load the file.")
    ] = "",
    *,
    weights: FromOption = None,
    data: Annotated[
        str,
        typer.Option(
            "--data", metavar="SOURCE:PATH", help="Samples for the end-to-end comparison."
        ),
    ] = "",
    settings: SetOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export a model and prove that the file is the model.

    The file is loaded in a fresh process and compared with the model on a grid of sizes; with
    --data, whole predictions are compared too. A consumer's settings are written beside it.
    """
    if not (format_name or consumer):
        known = ", ".join(registry().consumers) or "none are installed"
        raise UsageError(
            "neither of these is given",
            where="--format, --for",
            remedy=f"give --format onnx, pt2 or ts, or --for CONSUMER ({known})",
        )
    from zoo.export import export

    pull_named([model, weights])
    console().print(f"exporting {model}: comparing all sizes takes a minute", soft_wrap=True)
    done = export(
        model,
        format_name,
        consumer=consumer,
        out=out or Path(),
        weights=weights,
        samples=_samples(model, data) if data else None,
        settings=_settings(settings or ()),
    )
    payload = {"files": [str(path) for path in done.files], "report": done.report}
    emit(payload, as_json, _render)


def _settings(assignments: Sequence[str]) -> Mapping[str, Any]:
    """``model.NAME=VALUE``, the only ones that an export knows."""
    from zoo.config.layers import set_layer

    changes = dict(set_layer(assignments).values)
    section = changes.pop("model", {})
    if changes or not isinstance(section, Mapping):
        raise ConfigError(
            "this command has no such setting",
            where=f"--set {next(iter(changes), 'model')}",
            remedy="it has those that the model's deploy allows: --set model.NAME=VALUE",
        )
    return section


def _samples(model: str, data: str) -> Table:
    from zoo.prediction import read, task_of

    return read(task_of(model), data, limit=_SAMPLES)


def _render(payload: Mapping[str, Any]) -> str:
    report = payload["report"]
    rows = [
        (
            " x ".join(str(size) for size in point["sizes"].values()),
            point["output"],
            f"{point['export_error']:.2g}",
            f"{point['eager_error']:.2g}",
            f"{point['tolerance']:.2g}",
        )
        for point in report["parity"]
    ]
    sizes = " x ".join(report["parity"][0]["sizes"])
    parts = [
        table((sizes, "output", "file - float64", "float32 - float64", "allowed"), rows),
        *(f"warning: {text}" for text in report["warnings"]),
        _end_to_end(report["end_to_end"]),
        "\n".join(f"wrote {path}" for path in payload["files"]),
    ]
    return "\n".join(part for part in parts if part)


def _end_to_end(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "end to end: not compared (give --data)"
    columns = ", ".join(
        f"{name} {column['differing']:.2g}" for name, column in found["columns"].items()
    )
    return f"end to end on {found['samples']} samples, share of values that differ: {columns}"
