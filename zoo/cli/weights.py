"""``zoo weights``: published weights: list, tell, fetch, verify; and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli import weights_add, weights_audit, weights_convert
from zoo.cli.options import JsonOption
from zoo.cli.output import emit, table, title
from zoo.cli.stored import NOT_PUBLISHED, bad_rows, bytes_text, fetched, told_fault, where_of
from zoo.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from zoo.weights import WeightsCard
    from zoo.weights.cache import Cache

__all__ = ["register"]

WeightsIDs = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="TASK/MODEL or TASK/MODEL@VERSION.")
]
WeightsID = Annotated[str, typer.Argument(metavar="ID", help="TASK/MODEL or TASK/MODEL@VERSION.")]
AllOption = Annotated[bool, typer.Option("--all", help="All that are published.")]
weights_app = typer.Typer(no_args_is_help=True, help="Published weights: list, fetch, verify.")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(weights_app, name="weights")


weights_add.register(weights_app)
weights_audit.register(weights_app)
weights_convert.register(weights_app)


@weights_app.command("list")
def list_command(
    task: Annotated[str | None, typer.Argument(help="Only this task.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List published weights, where they are, and cards that cannot be used."""
    from zoo.registry import registry
    from zoo.weights import bad_cards, cards
    from zoo.weights.cache import this_cache

    if task is not None:
        registry().task(task)
    cache = this_cache()
    chosen = [card for card in cards() if task in (None, card.task)]
    payload = {
        "weights": [_row(card, cache) for card in chosen],
        "bad_cards": bad_rows(bad_cards()),
        "cache": str(cache.own),
    }
    emit(payload, as_json, _render_list)


@weights_app.command()
def info(id_: WeightsID, as_json: JsonOption = False) -> None:
    """Tell what a card says: file, licences, training, numbers, domain, failures."""
    from zoo.weights import find
    from zoo.weights.cache import this_cache

    card = find(id_)
    payload = {
        **_row(card, this_cache()),
        "card": card.model_dump(mode="json"),
        "card_file": str(card.origin),
        "plugin": card.origin.plugin,
    }
    emit(payload, as_json, _render_info)


@weights_app.command()
def pull(ids: WeightsIDs = None, every: AllOption = False, as_json: JsonOption = False) -> None:
    """Fetch weights that are not on this machine. Given again, it goes on where it was cut.

    Of several, those that cannot be had are told, with exit code 5 when the others are there.
    """
    from zoo.weights.cache import this_cache
    from zoo.weights.resolving import obtain_weights

    cache = this_cache()
    chosen = _chosen(ids, every=every)
    rows = []
    for card in chosen:
        try:
            with fetched(card.ref) as (progress, tell):
                held = obtain_weights(card, cache, progress=progress, tell=tell)
        except WeightsError as error:
            if len(chosen) == 1:
                raise
            rows.append(_row(card, cache) | {"error": error.as_dict()})
        else:
            rows.append(_row(card, cache) | {"where": held.where, "path": str(held.path)})
    emit({"weights": rows}, as_json, _render_paths)
    if any("error" in row for row in rows):
        raise typer.Exit(WeightsError.exit_code)


@weights_app.command()
def path(id_: WeightsID, as_json: JsonOption = False) -> None:
    """Tell the file of weights, fetched where need be: for other programs."""
    from zoo.weights import find
    from zoo.weights.cache import this_cache
    from zoo.weights.resolving import obtain_weights

    card, cache = find(id_), this_cache()
    with fetched(card.ref) as (progress, tell):
        held = obtain_weights(card, cache, progress=progress, tell=tell)
    row = _row(card, cache) | {"where": held.where, "path": str(held.path)}
    emit(row, as_json, lambda told: str(told["path"]))


@weights_app.command()
def verify(ids: WeightsIDs = None, as_json: JsonOption = False) -> None:
    """Hash every copy on this machine in whole; exit code 5 if one is not what its card says."""
    from zoo.weights.cache import this_cache
    from zoo.weights.resolving import wanted
    from zoo.weights.store import held

    cache = this_cache()
    rows = []
    for card in _chosen(ids, every=not ids):
        for one in held(wanted(card), cache):
            fault = told_fault(one.path, wanted(card), cache)
            rows.append(
                {"id": card.id, "version": card.version, "where": one.where}
                | {"path": str(one.path), "ok": not fault, "fault": fault}
            )
    ok = all(row["ok"] for row in rows)
    emit({"ok": ok, "files": rows}, as_json, _render_verified)
    if not ok:
        raise typer.Exit(WeightsError.exit_code)


def _chosen(ids: list[str] | None, *, every: bool) -> list[WeightsCard]:
    from zoo.weights import cards, find

    if bool(ids) == every:
        raise UsageError(
            "name weights, or --all of them", where="ID", remedy="`zoo weights list` shows them"
        )
    return [find(id_) for id_ in ids] if ids else [card for card in cards() if card.published]


def _row(card: WeightsCard, cache: Cache) -> dict[str, Any]:
    from zoo.weights.resolving import holder

    held = holder(card, cache)
    return {
        "id": card.id,
        "version": card.version,
        "summary": card.summary,
        "published": card.published,
        "size": card.file.size,
        "sha256": card.file.sha256,
        "licence": card.licences.weights,
        "where": where_of(held, published=card.published),
        "path": None if held is None else str(held.path),
    }


def _render_list(payload: Mapping[str, Any]) -> str:
    headers = ("id", "version", "size", "licence", "where", "summary")
    rows = [
        (r["id"], r["version"], bytes_text(r["size"]), r["licence"] or "", r["where"], r["summary"])
        for r in payload["weights"]
    ]
    parts = [table(headers, rows) if rows else "No weights are published by installed plugins."]
    if payload["bad_cards"]:
        wrong = [
            (bad["where"], f"{bad['message']}; {bad['remedy']}") for bad in payload["bad_cards"]
        ]
        parts.append(f"{title('Cards that cannot be used')}\n{table(('', ''), wrong, indent=2)}")
    return "\n\n".join(parts)


def _render_info(payload: Mapping[str, Any]) -> str:
    card = payload["card"]
    training, domain, file = card["training"], card["domain"], card["file"]
    where = payload["where"]
    if where == NOT_PUBLISHED and file["reason"]:
        where = f"{where}: {file['reason']}"
    rows = [
        ("file", f"{file['name']}, {bytes_text(file['size'])}" if file["name"] else ""),
        ("sha256", file["sha256"] or ""),
        ("where", where),
        ("mirrors", ", ".join(file["mirrors"])),
        ("licence", ", ".join(f"{k} {v}" for k, v in card["licences"].items() if v)),
        ("cite", card["citation"]),
        ("trained on", domain["trained_on"]),
        ("valid for", "; ".join(domain["valid_for"])),
        ("known failures", _failures(card["known_failures"])),
        ("trained by", training["command"]),
        ("with", ", ".join(f"{k} {v}" for k, v in (training["environment"] or {}).items())),
        ("on", f"{training['device']}, {training['steps']} steps" if training["device"] else ""),
        ("settings", training["config_digest"] or ""),
        ("started from", card["lineage"]["start"]),
        ("upstream", ", ".join(card["lineage"]["upstream"])),
        ("converted from", card["lineage"]["converted_from"]),
        ("card", payload["card_file"]),
    ]
    head = f"{title(card['id'] + '@' + card['version'])}  {card['summary']}"
    parts = [f"{head}\n{table(('', ''), [row for row in rows if row[1]], indent=2)}"]
    if card["metrics"]:
        parts.append(_metrics(card["metrics"]))
    return "\n\n".join(parts)


def _failures(known: list[str] | None) -> str:
    """What is known to go wrong; nothing to tell of weights at which nobody has looked."""
    return "" if known is None else "; ".join(known) or "none are known"


def _metrics(metrics: list[dict[str, Any]]) -> str:
    headers = ("number", "bin", "value", "95 % interval", "n", "data")
    rows = []
    for metric in metrics:
        interval = metric["interval"]
        both = "" if interval is None else f"{interval[0]:.4g} to {interval[1]:.4g}"
        value = f"{metric['value']:.4g} {metric['unit']}".strip()
        rows.append((metric["name"], metric["bin"], value, both, metric["n"], metric["data"]))
    return table(headers, rows)


def _render_paths(payload: Mapping[str, Any]) -> str:
    rows = [
        (f"{r['id']}@{r['version']}", r["where"], r["path"] or r.get("error", {}).get("message"))
        for r in payload["weights"]
    ]
    return table(("weights", "where", "file"), rows)


def _render_verified(payload: Mapping[str, Any]) -> str:
    if not payload["files"]:
        return "No published weights are on this machine."
    rows = [
        (f"{r['id']}@{r['version']}", r["where"], "ok" if r["ok"] else f"WRONG: {r['fault']}")
        for r in payload["files"]
    ]
    return table(("weights", "where", ""), rows)
