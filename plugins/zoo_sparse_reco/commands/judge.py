"""``zoo sparse-reco judge``: reconstructed events against the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from zoo_sparse_reco.commands.options import AsJson, Data, OutFolder
from zoo_sparse_reco.commands.telling import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge")(judge)


def judge(
    reco: Annotated[
        Path, typer.Argument(metavar="FILE.h5", help="What `zoo sparse-reco reco` wrote.")
    ],
    *,
    data: Data,
    smallest: Annotated[
        int, typer.Option(min=1, help="Particles of fewer voxels neither count nor match.")
    ] = 10,
    resamples: Annotated[int, typer.Option(min=0, help="Of the bootstrap over events.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of it.")] = 0,
    displays: Annotated[int, typer.Option(min=0, help="Events that are drawn.")] = 2,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Judge particles, interactions, energies, vertices and kinds, by number of interactions.

    Exit code 4 if the data lack the truth or are not those that were reconstructed.
    """
    from zoo_sparse_reco.chain.judging.judge import JudgeJob, judge_file
    from zoo_sparse_reco.chain.judging.telling import judge_lines, write

    job = JudgeJob(reco=reco, data=data, smallest=smallest, resamples=resamples, seed=seed)
    judged = judge_file(job, Progress("judging"))
    if out is not None:
        from zoo_sparse_reco.chain.drawings.judged import judged_drawings

        write(judged.told, judged_drawings(judged, job, displays), out)
    typer.echo(
        json.dumps(judged.told, indent=2) if as_json else "\n".join(judge_lines(judged.told))
    )
