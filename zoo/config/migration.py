"""How settings of older versions become those of today.

A config class lists what was changed. What was written before (model files, exported files, runs,
recipes and files of users) is then read as if it had been written now. Which keys are there tells
what is old, so nothing has to be stored for it; hence a name that went never comes back with
another meaning, and a setting that changes its meaning or unit changes its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.deprecation import ChangeNotice
from zoo.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from zoo.config.base import Config

__all__ = ["Migration", "migrated", "notice"]


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What one version changed. Keys are dotted paths: ``head.width``.

    Attributes:
        since: Version of the plugin that has the new names.
        moved: Old key -> new key.
        converted: Old key of ``moved`` -> function of the old value that gives the new one.
        removed: Key that went -> the value whose behaviour stayed; files with another are refused.
        added: New key -> value that does what was done before it existed, where its default does
            something else. For files that hold whole configs, not for those that set a few keys.
    """

    since: str
    moved: Mapping[str, str] = field(default_factory=dict)
    converted: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    removed: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.converted:
            if key not in self.moved:
                raise PluginError(
                    "a value is converted only where its key moves: else old and new look alike",
                    where=key,
                    remedy="give the setting a new name",
                )


def migrated(
    config_class: type[Config], values: Mapping[str, Any], *, whole: bool
) -> tuple[dict[str, Any], list[str]]:
    """Values with the keys of today, and what was changed.

    Args:
        config_class: The class, with its migrations.
        values: Nested plain values, whatever their age; left as they are.
        whole: Whether they are all settings, as in a model file.

    Raises:
        ConfigError: If old and new key are both there, a value cannot be converted, or a setting
            was removed that did something else.
        PluginError: If the class still has a key that it says went.
    """
    if not config_class.migrations:
        return dict(values), []
    new, notes = deepcopy(dict(values)), []
    for migration in config_class.migrations:
        for key in (*migration.moved, *migration.removed):
            if key in config_class.model_fields:
                raise PluginError(
                    f"{config_class.__name__} has this setting and says that it went in version "
                    f"{migration.since}",
                    where=key,
                    remedy="tell the plugin's author: a name that went does not come back",
                )
        notes += _moved(migration, new)
        notes += _removed(migration, new)
        notes += _added(migration, new) if whole else []
    return new, notes


def notice(where: str, notes: list[str]) -> None:
    """Say that something old was read."""
    if notes:
        text = f"{where}: written for an older version; {'; '.join(notes)}"
        warnings.warn(text, ChangeNotice, stacklevel=2)


def _moved(migration: Migration, values: dict[str, Any]) -> list[str]:
    notes = []
    for old, new in migration.moved.items():
        found, value = _take(values, old)
        if not found:
            continue
        if _has(values, new):
            raise ConfigError(
                f"it was renamed to '{new}', which is set too", where=old, remedy=f"set {new} alone"
            )
        try:
            value = migration.converted.get(old, _as_it_is)(value)
        except Exception as error:
            raise ConfigError(
                f"its value {value!r} cannot be converted ({type(error).__name__}: {error})",
                where=old,
                remedy=f"since version {migration.since} it is '{new}': set that",
            ) from error
        _put(values, new, value)
        notes.append(f"{old} is {new} = {value!r} since {migration.since}")
    return notes


def _removed(migration: Migration, values: dict[str, Any]) -> list[str]:
    notes = []
    for key, stayed in migration.removed.items():
        found, value = _take(values, key)
        if found and value != stayed:
            raise ConfigError(
                f"it was removed in version {migration.since}, and with it what {value!r} did",
                where=key,
                remedy=f"use an older version of the plugin; only {stayed!r} is still done",
            )
        notes += [f"{key} is gone since {migration.since}"] if found else []
    return notes


def _added(migration: Migration, values: dict[str, Any]) -> list[str]:
    notes = []
    for key, before in migration.added.items():
        if not _has(values, key):
            _put(values, key, deepcopy(before))
            notes.append(f"{key} = {before!r}, as before {migration.since}")
    return notes


def _as_it_is(value: Any) -> Any:
    return value


def _table(values: dict[str, Any], key: str, *, make: bool = False) -> tuple[Any, str]:
    """The innermost table of a dotted key, or ``None``, and the key in it."""
    *outer, last = key.split(".")
    table: Any = values
    for part in outer:
        if not isinstance(table, dict):
            return None, last
        table = table.setdefault(part, {}) if make else table.get(part)
    return (table if isinstance(table, dict) else None), last


def _has(values: dict[str, Any], key: str) -> bool:
    table, last = _table(values, key)
    return table is not None and last in table


def _take(values: dict[str, Any], key: str) -> tuple[bool, Any]:
    """Whether a key is there, and its value, taken out; so are tables that become empty."""
    if not _has(values, key):
        return False, None
    table, last = _table(values, key)
    value = table.pop(last)
    outer = key.rpartition(".")[0]
    if outer and not table:
        _take(values, outer)
    return True, value


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    table, last = _table(values, key, make=True)
    if table is None:
        raise ConfigError("a setting stands where a section belongs", where=key)
    table[last] = value
