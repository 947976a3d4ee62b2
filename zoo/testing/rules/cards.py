"""R17: cards of published weights."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from zoo.testing.rule import NotApplicable, Violation
from zoo.testing.subjects import PluginSubject

__all__ = ["cards"]


def cards(subject: PluginSubject) -> str:
    """Read every card in the folders that the hook ``zoo_cards`` names."""
    count = 0
    for resource in subject.plugin.cards:
        package, _, folder = resource.partition(":")
        with as_file(files(package).joinpath(folder)) as path:
            if not path.is_dir():
                raise Violation(
                    f"the folder of cards '{resource}' is missing",
                    "name it as 'package:folder', and have the wheel hold it",
                )
            for card in sorted(path.glob("*.toml")):
                _require_card(subject, card)
                count += 1
    if not count:
        raise NotApplicable("it publishes no weights")
    return f"{count} cards"


def _require_card(subject: PluginSubject, path: Path) -> None:
    content = _read_card(path)
    model = str(content.get("id", "")).partition("@")[0]
    task, _, name = model.partition("/")
    known = subject.plugin.tasks.get(task)
    if model not in subject.plugin.models and (known is None or name not in known.models):
        raise Violation(
            f"{path.name}: its id '{content.get('id', '')}' is of no model of this plugin",
            "write id = 'TASK/MODEL@VERSION'",
        )


def _read_card(path: Path) -> Mapping[str, Any]:
    """The one place that knows how a card is read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Violation(
            f"{path.name} is no card: {error}", "`zoo weights add` writes one"
        ) from error
