"""``zoo calo judge``: all measures of generated showers against a reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge")(judge)


def judge(
    model: Annotated[
        str,
        typer.Argument(metavar="[MODEL]", help="Run, model file, or id of the task calo."),
    ] = "",
    *,
    data: Annotated[
        str, typer.Option("--data", metavar="SOURCE:PATH", help="Showers of the reference.")
    ],
    showers: Annotated[
        str,
        typer.Option("--showers", metavar="SOURCE:PATH", help="Generated ones, without a model."),
    ] = "",
    training: Annotated[
        str,
        typer.Option("--training", metavar="SOURCE:PATH", help="A classical model is fitted on."),
    ] = "",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Showers of each.")] = None,
    classifiers: Annotated[
        bool, typer.Option(help="Train them: they take most of the time.")
    ] = True,
    hidden: Annotated[int, typer.Option(min=1, help="Width of their two hidden layers.")] = 512,
    epochs: Annotated[int, typer.Option(min=1, help="They train at most.")] = 30,
    resamples: Annotated[int, typer.Option(min=1, help="Of the bootstrap.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Figures, and all as JSON.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object to stdout.")] = False,
) -> None:
    """Judge a model, or a file of showers, against a reference with all measures and checks.

    Exit code 4 if grids differ or there are fewer than 50 showers, 2 if both or neither of MODEL
    and --showers are given.
    """
    from zoo_calo.fidelity.classifier import Budget
    from zoo_calo.fidelity.job import JudgeJob, run_judge
    from zoo_calo.fidelity.judge import Settings
    from zoo_calo.fidelity.telling import lines, write

    budget = Budget(hidden=hidden, epochs=epochs, seed=seed, device=device)
    settings = Settings(budget=budget, classifiers=classifiers, resamples=resamples, seed=seed)
    job = JudgeJob(
        data=data,
        model=model,
        showers=showers,
        training=training,
        limit=limit,
        device=device,
        settings=settings,
    )

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    found, drawings = run_judge(job, tell)
    told = {"data": data, "model": model, "showers": showers, "seed": seed, **found.told()}
    if out is not None:
        write(told, drawings(), out)
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(lines(found)))
