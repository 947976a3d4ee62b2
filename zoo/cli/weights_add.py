"""``zoo weights add``: the card of a run's model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.cli.options import JsonOption, SetOption
from zoo.cli.output import emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the group ``weights``."""
    app.command("add")(add)


def add(
    ref: Annotated[
        str, typer.Argument(metavar="RUN|FILE", help="A run directory, RUN@step, or a model file.")
    ],
    *,
    card: Annotated[
        Path,
        typer.Option(
            "--card",
            metavar="CARD.toml",
            help="The card to write; one that is there is completed, what people wrote is kept.",
        ),
    ],
    evaluations: Annotated[
        list[Path] | None,
        typer.Option("--eval", metavar="DIR", help="An evaluation of it; may be repeated."),
    ] = None,
    data_command: Annotated[
        str, typer.Option("--data-command", help="The command that makes the data of --eval.")
    ] = "",
    bins: Annotated[bool, typer.Option("--bins", help="Also state numbers in bins.")] = False,
    mirrors: Annotated[
        list[str] | None,
        typer.Option("--mirror", metavar="MIRROR", help="Where the file will be; may be repeated."),
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Also put the file beside the card, as a mirror.")
    ] = False,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the card of a model file, and put the file into the cache.

    Digest, size, settings, command, environment, lineage and numbers come from the file, its run
    and --eval. Summary, citation, licences, domain and known failures are its author's: in the
    card, or by --set.
    """
    from zoo.config.layers import set_layer
    from zoo.config.toml import read_toml
    from zoo.evaluation.stated import stated_metrics
    from zoo.files import write_atomically
    from zoo.weights.adding import card_toml, find_model, make_card, merged, store_model
    from zoo.weights.cache import this_cache
    from zoo.weights.cards import Origin

    model = find_model(ref)
    draft = read_toml(card) if card.exists() else {}
    draft = merged(draft, set_layer(settings or ()).values)
    if mirrors:
        draft = merged(draft, {"file": {"mirrors": mirrors}})
    origin = Origin(folder=str(card.parent), file=card.name)
    made = make_card(model, draft, origin, beside=beside)
    metrics = [
        metric
        for folder in evaluations or ()
        for metric in stated_metrics(
            folder, model.sha256, made.ref, data_command=data_command, bins=bins
        )
    ]
    made = make_card(model, draft, origin, beside=beside, metrics=metrics)
    places = store_model(model, this_cache(), card if beside else None, made.file.name or "")
    write_atomically(card, card_toml(made))
    payload = {
        "card": str(card),
        "id": made.id,
        "version": made.version,
        "sha256": model.sha256,
        "size": made.file.size,
        "metrics": len(made.metrics),
        "files": [str(place) for place in places],
    }
    emit(payload, as_json, _render)


def _render(payload: Mapping[str, Any]) -> str:
    return (
        f"{payload['card']}: {payload['id']}@{payload['version']}, {payload['size']} bytes, "
        f"{payload['metrics']} numbers\nfile: {', '.join(payload['files'])}"
    )
