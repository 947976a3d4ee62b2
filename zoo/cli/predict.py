"""``zoo predict``: predictions of one model, as a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import DeviceOption, FromOption, JsonOption, ModelID, SetOption, SplitOption
from zoo.cli.output import emit
from zoo.cli.processes import joined
from zoo.cli.progress import progress_bar
from zoo.cli.pulling import pull_named
from zoo.cli.results import weights_lines
from zoo.cli.samples import (
    BatchOption,
    LimitOption,
    OptionalDataOption,
    TrainingOption,
    data_section,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("predict")(predict_command)


def predict_command(
    model: ModelID,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.h5", help="The file to write.")],
    data: OptionalDataOption = "",
    *,
    training: TrainingOption = "",
    split: SplitOption = "all",
    limit: LimitOption = None,
    weights: FromOption = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime", metavar="onnx|ts|pt2", help="ID is an exported file of this format."
        ),
    ] = None,
    settings: SetOption = None,
    device: DeviceOption = "cpu",
    batch: BatchOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict samples and write the predictions to a file.

    A classical algorithm is fitted first; the file tells to what, and to how many of the samples
    that it predicts.
    """
    from zoo.data.splits import SPLIT_SEED, choose_split
    from zoo.prediction.compatibility import require_facts, require_fields, require_samples
    from zoo.prediction.domain import domain_of
    from zoo.prediction.fitting import Fitting, Judged
    from zoo.prediction.loading import load, task_of
    from zoo.prediction.sources import open_source
    from zoo.prediction.training_data import judged_training, named_training
    from zoo.prediction.writing import predict_file
    from zoo.registry import registry

    config = data_section(data, settings or (), model)
    pull_named([model, weights])
    task = registry().task(task_of(model, runtime))
    with joined(device) as (processes, place):
        source = open_source(task.name, config)
        blocks = choose_split(source.blocks(), split, config.validation, config.test, SPLIT_SEED)
        predictor = load(
            model, device=place, runtime=runtime, facts=source.facts, weights=weights, batch=batch
        )
        where = config.path or config.source
        require_fields(model, predictor, source, where)
        require_facts(model, predictor, source.facts, where)
        require_samples(task, source, predictor.needs, where)
        domain = domain_of(predictor, task, source, config)
        published = {} if domain is None else {"weights": domain}
        own = judged_training(source, config, where)
        chosen = named_training(task, training, own) if training else own
        fit = Fitting(task, lambda: chosen, Judged(own, blocks, limit)).fit(predictor)
        about = {
            "model": model,
            "split": split,
            "source": config.model_dump(mode="json"),
            "fitted_to": fit,
            **published,
        }
        with progress_bar("predicting") as progress:
            rows = predict_file(
                task,
                predictor,
                source,
                blocks,
                out,
                limit=limit,
                about=about,
                progress=progress if processes.main else None,
                processes=processes,
            )
    if processes.main:
        told = {"file": str(out), "model": model, "rows": rows, "fitted_to": fit}
        emit({**told, **published}, as_json, _render)


def _render(payload: Mapping[str, Any]) -> str:
    text = f"{payload['file']}: {payload['rows']} predictions of {payload['model']}"
    fit = payload["fitted_to"]
    if fit:
        text += (
            f", fitted to the training split of {fit['data']} ({fit['rows']} samples, "
            f"{fit['judged']} of them predicted)"
        )
    return "\n".join([text, *weights_lines(payload.get("weights"))])
