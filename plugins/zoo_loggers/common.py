"""What the loggers share: names and values of a line, and what to say without a library."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.api import UsageError, write_atomically

__all__ = ["flat", "kept_id", "missing", "numbers"]

_PLACE = frozenset(("step", "split", "phase"))


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """``split/phase/name`` -> value of one line, without what is not finite.

    One name in all three programs, so that a dashboard made for one can be rebuilt in another.
    """
    place = "/".join(str(row[part]) for part in ("split", "phase") if row.get(part))
    return {
        f"{place}/{name}": float(value)
        for name, value in row.items()
        if name not in _PLACE and isinstance(value, int | float)
    }


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Dotted path -> value of a nested configuration; lists are values."""
    if not isinstance(value, Mapping):
        return {path: value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= flat(item, f"{path}.{key}" if path else str(key))
    return found


def kept_id(file: Path) -> str:
    """The id in a file, made at random when it is asked for first."""
    if not file.exists():
        write_atomically(file, uuid.uuid4().hex[:16])
    return file.read_text(encoding="utf-8").strip()


def missing(name: str, error: ImportError) -> UsageError:
    """What to say where a logger's library cannot be imported."""
    return UsageError(
        f"its library cannot be imported ({error})",
        where=f"training.loggers, {name}",
        remedy=f"pip install 'detector-zoo[{name}]'",
    )
