"""``zoo list``: what is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from zoo.cli.options import JsonOption
from zoo.cli.output import emit, table, title
from zoo.contract.task import Model
from zoo.registry import Plugin, Registry, registry

__all__ = ["describe", "kind_of", "register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(list_command)


def list_command(
    task: Annotated[str | None, typer.Argument(help="Only this task.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List tasks, models, loggers, and plugins that are broken."""
    emit(describe(registry(), task), as_json, _render)


def kind_of(model: Model) -> str:
    """``oracle``, ``baseline`` or ``model``."""
    if model.oracle:
        return "oracle"
    return "baseline" if model.baseline else "model"


def describe(found: Registry, task: str | None = None) -> Mapping[str, Any]:
    """What ``zoo list --json`` writes.

    Raises:
        PluginError: If there is no such task.
    """
    names = list(found.tasks) if task is None else [found.task(task).name]
    return {
        "tasks": [_describe_task(found, name) for name in names],
        "loggers": list(found.loggers),
        "broken": [{"plugin": plugin.name, "reason": plugin.error} for plugin in found.broken],
        "conflicts": {what: list(names) for what, names in found.conflicts.items()},
    }


def _describe_task(found: Registry, name: str) -> dict[str, Any]:
    return {
        "task": name,
        "summary": found.task(name).summary,
        "plugin": _named(found.owner(name)),
        "models": [
            {"id": id_, "kind": kind_of(model), "summary": model.summary}
            for id_, model in found.models_of(name).items()
        ],
    }


def _named(plugin: Plugin) -> str:
    return f"{plugin.distribution or plugin.name} {plugin.version}".strip()


def _render(payload: Mapping[str, Any]) -> str:
    parts = [
        f"{title(task['task'])}  {task['summary']}  ({task['plugin']})\n{_models(task['models'])}"
        for task in payload["tasks"]
    ]
    if not payload["tasks"]:
        parts.append("No tasks are installed: `pip install` a plugin (`zoo doctor` tells more).")
    if payload["loggers"]:
        parts.append(f"{title('Loggers')} (`training.loggers`): {', '.join(payload['loggers'])}")
    if payload["broken"]:
        rows = [(item["plugin"], item["reason"]) for item in payload["broken"]]
        parts.append(
            f"{title('Broken plugins')} (see `zoo doctor`)\n{table(('', ''), rows, indent=2)}"
        )
    if payload["conflicts"]:
        rows = [(what, " and ".join(names)) for what, names in payload["conflicts"].items()]
        parts.append(f"{title('Claimed by two plugins')}\n{table(('', ''), rows, indent=2)}")
    return "\n\n".join(parts)


def _models(models: list[dict[str, str]]) -> str:
    order = ("model", "baseline", "oracle")
    ranked = sorted(models, key=lambda model: order.index(model["kind"]))
    rows = [(model["id"], model["kind"], model["summary"]) for model in ranked]
    return table(("", "", ""), rows, indent=2) if rows else "  no models"
