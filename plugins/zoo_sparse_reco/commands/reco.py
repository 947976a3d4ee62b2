"""``zoo sparse-reco reco``: particles and interactions of events, in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo_sparse_reco.commands.options import AsJson, Data, Device, Limit, Models, Training
from zoo_sparse_reco.commands.telling import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reco")(reco)


def reco(
    models: Models = None,
    *,
    data: Data,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.h5", help="The file to write.")],
    spine: Annotated[
        Path | None,
        typer.Option("--spine", metavar="FILE.h5", help="The same in the layout of SPINE's files."),
    ] = None,
    training: Training = "",
    limit: Limit = None,
    shard: Annotated[
        str,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Make this share alone, in parts beside the file; without it they are joined.",
        ),
    ] = "",
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Reconstruct events: classes, points, fragments, showers and tracks, interactions, kinds.

    Killed, the same command goes on with the parts that are whole; a finished file of the same job
    is left as it is. Exit code 2 if models or the share make no sense or another file is in the
    way, 4 if the data lack what a stage needs.
    """
    from zoo_sparse_reco.chain.job import RecoJob, reconstruct

    job = RecoJob(
        models=tuple(models or ()),
        data=data,
        out=out,
        spine=spine,
        training=training,
        limit=limit,
        shard=shard,
        device=device,
    )
    told = reconstruct(job, Progress("reconstructing"))
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(_lines(told)))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    if "shard" in told:
        yield f"{told['folder']}: {told['parts']} parts of share {told['shard']}; {told['next']}"
        return
    yield (
        f"{told['file']}: {told['events']} events, {told['voxels']} voxels, "
        f"{told['fragments']} fragments, {told['particles']} particles, "
        f"{told['interactions']} interactions"
    )
    for name, took in told["took"].items():
        model = told["stages"].get(name, {}).get("model", "")
        each = 1000 * took["seconds"] / max(told["events"], 1)
        yield f"{name:12} {each:9.1f} ms an event  {took['peak_mib']:6.0f} MiB  {model}"
    if "spine" in told:
        yield f"{told['spine']}: the same in the layout of SPINE"
