"""``zoo sparse-reco losses``: where efficiency is lost, stage by stage."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from zoo_sparse_reco.commands.options import (
    AsJson,
    Data,
    Device,
    Limit,
    Models,
    OutFolder,
    Training,
)
from zoo_sparse_reco.commands.telling import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("losses")(losses)


def losses(
    models: Models = None,
    *,
    data: Data,
    training: Training = "",
    limit: Limit = None,
    smallest: Annotated[
        int, typer.Option(min=1, help="Particles of fewer voxels neither count nor match.")
    ] = 10,
    resamples: Annotated[int, typer.Option(min=0, help="Of the bootstrap over events.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of it.")] = 0,
    out: OutFolder = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Replace the truth by models, one stage after another and each stage alone.

    Exit codes as for reco, and 4 if the data lack the truth.
    """
    from zoo_sparse_reco.chain.judging.losses import LossesJob, stage_losses
    from zoo_sparse_reco.chain.judging.telling import loss_lines, write

    job = LossesJob(
        models=tuple(models or ()),
        data=data,
        training=training,
        limit=limit,
        smallest=smallest,
        resamples=resamples,
        seed=seed,
        device=device,
    )
    told = stage_losses(job, Progress("measuring"))
    if out is not None:
        from zoo_sparse_reco.chain.drawings.losses import losses_drawing

        write(told, [losses_drawing(told)], out)
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(loss_lines(told)))
