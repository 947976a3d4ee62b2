"""``zoo data list|pull|verify``: public data sets, by their cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.options import JsonOption
from zoo.cli.output import emit, table, title
from zoo.cli.stored import bad_rows, bytes_text, fetched, told_fault, where_of
from zoo.errors import WeightsError

if TYPE_CHECKING:
    from zoo.weights import DataCard
    from zoo.weights.cache import Cache

__all__ = ["register"]

DataID = Annotated[
    str, typer.Argument(metavar="DATA", help="A data set: TASK/NAME or TASK/NAME@VERSION.")
]
_NO_FILES = "no digests are stated"


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``data``."""
    app.command("list")(list_command)
    app.command("pull")(pull)
    app.command("verify")(verify)


def list_command(
    task: Annotated[str | None, typer.Argument(help="Only this task.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List public data sets that zoo reads, where they are, and cards that cannot be used."""
    from zoo.registry import registry
    from zoo.weights import bad_cards, data_cards
    from zoo.weights.cache import this_cache

    if task is not None:
        registry().task(task)
    cache = this_cache()
    chosen = [card for card in data_cards() if task in (None, card.task)]
    payload = {
        "data": [_row(card, cache) for card in chosen],
        "bad_cards": bad_rows(bad_cards()),
        "cache": str(cache.own),
    }
    emit(payload, as_json, _render_list)


def pull(
    id_: DataID,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="FILE", help="Only this file; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch the files of a data set that are not on this machine; given again, it goes on.

    They lie in the cache under their digests, and under their names in the folder that is told.
    """
    from zoo.weights import find_data
    from zoo.weights.cache import this_cache
    from zoo.weights.resolving import obtain_data

    card, cache = find_data(id_), this_cache()
    with fetched(card.ref) as (progress, tell):
        folder = obtain_data(card, cache, only=only or (), progress=progress, tell=tell)
    reader = card.reader
    options = "".join(f" --set data.options.{key}={value}" for key, value in reader.options.items())
    payload = {
        **_row(card, cache),
        "folder": str(folder.path),
        "files": {name: str(folder.path / name) for name in folder.files},
        "check": f"zoo data check {card.task} --data {reader.source}:{folder.path}{options}",
    }
    emit(payload, as_json, _render_pulled)


def verify(id_: DataID, as_json: JsonOption = False) -> None:
    """Hash all files of a data set that are on this machine; exit code 5 if one is damaged."""
    from zoo.weights import find_data
    from zoo.weights.cache import this_cache
    from zoo.weights.resolving import data_wanted
    from zoo.weights.store import held

    card, cache = find_data(id_), this_cache()
    rows, absent = [], []
    for file, wanted in data_wanted(card):
        copies = list(held(wanted, cache))
        absent += [file.name] * (not copies)
        for one in copies:
            fault = told_fault(one.path, wanted, cache)
            rows.append(
                {"file": file.name, "where": one.where, "path": str(one.path)}
                | {"digest": str(file.digest), "ok": not fault, "fault": fault}
            )
    ok = all(row["ok"] for row in rows)
    emit({"ok": ok, "id": card.id, "files": rows, "absent": absent}, as_json, _render_verified)
    if not ok:
        raise typer.Exit(WeightsError.exit_code)


def _row(card: DataCard, cache: Cache) -> dict[str, Any]:
    from zoo.weights.resolving import data_wanted
    from zoo.weights.store import held

    copies = [next(held(one, cache), None) for _, one in data_wanted(card)] if card.files else []
    here = sum(copy is not None for copy in copies)
    if not copies:
        where = _NO_FILES
    elif here in (0, len(copies)):
        where = where_of(copies[0], published=True)
    else:
        where = f"{here} of {len(copies)} files"
    return {
        "id": card.id,
        "version": card.version,
        "summary": card.summary,
        "doi": card.doi,
        "licence": card.licences.data,
        "size": card.size,
        "bytes": sum(file.size for file in card.files) or None,
        "where": where,
        "card": card.model_dump(mode="json"),
    }


def _render_list(payload: Mapping[str, Any]) -> str:
    headers = ("id", "version", "size", "licence", "DOI", "where", "summary")
    rows = [
        (
            *(row["id"], row["version"], row["size"] or bytes_text(row["bytes"]), row["licence"]),
            *(row["doi"], row["where"], row["summary"]),
        )
        for row in payload["data"]
    ]
    parts = [table(headers, rows) if rows else "No data sets are known to installed plugins."]
    best = [
        (row["id"], f"{b['name']} {b['value']}", f"{b['model']}, {b['citation']}")
        for row in payload["data"]
        for b in row["card"]["best"]
    ]
    if best:
        parts.append(f"{title('Best published')}\n{table(('', '', ''), best, indent=2)}")
    if payload["bad_cards"]:
        wrong = [(one["where"], one["message"]) for one in payload["bad_cards"]]
        parts.append(f"{title('Cards that cannot be used')}\n{table(('', ''), wrong, indent=2)}")
    return "\n\n".join(parts)


def _render_pulled(payload: Mapping[str, Any]) -> str:
    rows = list(payload["files"].items())
    return f"{table(('file', 'path'), rows)}\n\nlook at it: {payload['check']}"


def _render_verified(payload: Mapping[str, Any]) -> str:
    rows = [
        (row["file"], row["where"], row["digest"][:14], "ok" if row["ok"] else row["fault"])
        for row in payload["files"]
    ]
    rows += [(name, "to pull", "", "") for name in payload["absent"]]
    return table(("file", "where", "digest", ""), rows)
