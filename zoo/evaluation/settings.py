"""What the models of a table were made with, side by side: only what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.contract.figures import Evaluation

__all__ = ["differing"]


def differing(evaluations: Mapping[str, Evaluation], section: str) -> dict[str, dict[str, str]]:
    """Dotted name -> model -> value as text, where models differ in it.

    Several trainings of one model show each value once: ``1, 2, 3``.

    Args:
        evaluations: Rows by name; those without a record of their training are left out.
        section: ``config`` or ``environment``.
    """
    known = {
        name: _values(one, section)
        for name, one in evaluations.items()
        if any(section in training for training in one.trainings)
    }
    names = dict.fromkeys(name for values in known.values() for name in values)
    return {
        name: {model: ", ".join(values.get(name, ())) for model, values in known.items()}
        for name in names
        if len({tuple(values.get(name, ())) for values in known.values()}) > 1
        or any(len(values.get(name, ())) > 1 for values in known.values())
    }


def _values(evaluation: Evaluation, section: str) -> dict[str, dict[str, None]]:
    """Dotted name -> its values in the trainings of one model, each once, in order."""
    found: dict[str, dict[str, None]] = {}
    for training in evaluation.trainings:
        for name, value in _leaves(training.get(section, {})):
            text = value if isinstance(value, str) else json.dumps(value)
            found.setdefault(name, {})[text] = None
    return found


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
