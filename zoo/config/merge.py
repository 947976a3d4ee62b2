"""Merging layers of values, and what one layer retracts of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from zoo.config.problems import KeyPath, clean_path, config_error, dotted, known_fields
from zoo.config.run import CONFLICT, RunConfig
from zoo.errors import ConfigError

__all__ = ["Merge"]


class Merge:
    """Values of the layers so far; for each path that a layer set, the number of the layer."""

    def __init__(self, config_class: type[RunConfig]) -> None:
        self.config_class = config_class
        self.values: dict[str, Any] = {"model": {}}
        self.layers: list[str] = []
        self.origins: dict[KeyPath, int] = {}

    def add(self, name: str, values: Mapping[str, Any]) -> None:
        """Put a layer over the earlier ones.

        Raises:
            ConfigError: If it names an element beyond the end of a list.
        """
        self.layers.append(name)
        self._merge(self.values, values, ())

    def _merge(self, old: dict[str, Any], new: Mapping[str, Any], path: KeyPath) -> None:
        for key, value in new.items():
            here = (*path, key)
            if isinstance(value, Mapping):
                self._merge_table(old, key, value, here)
            else:
                old[key] = deepcopy(value)
                self._claim(here)

    def _merge_table(
        self, old: dict[str, Any], key: str, value: Mapping[str, Any], path: KeyPath
    ) -> None:
        if key not in old:
            self._start_from_default(old, key, value, path)
        if isinstance(old.get(key), list) and _all_indices(value):
            self._merge_list(old[key], value, path)
            return
        if not isinstance(old.get(key), dict):
            self._forget(path)
            old[key] = {}
        self._merge(old[key], value, path)

    def _merge_list(self, old: list[Any], new: Mapping[str, Any], path: KeyPath) -> None:
        for index in sorted(map(int, new)):
            value, here = new[str(index)], (*path, index)
            if index > len(old):
                raise ConfigError(
                    f"the list has {len(old)} elements",
                    where=f"{dotted(here)} (from {self.layers[-1]})",
                    remedy=f"its last index is {len(old) - 1}, and {len(old)} appends one",
                )
            old.extend([{}] if index == len(old) else [])
            if isinstance(value, Mapping) and isinstance(old[index], dict):
                self._merge(old[index], value, here)
            else:
                old[index] = deepcopy(value)
                self._claim(here)

    def _claim(self, path: KeyPath) -> None:
        self._forget(path)
        self.origins[path] = len(self.layers) - 1

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]

    def _start_from_default(
        self, old: dict[str, Any], key: str, value: Mapping[str, Any], path: KeyPath
    ) -> None:
        """A layer that changes a part of a default section or list keeps the rest of it."""
        default = _default_at(self.config_class, path)
        if isinstance(default, BaseModel):
            old[key] = default.model_dump(mode="json")
        elif isinstance(default, (list, tuple)) and _all_indices(value):
            old[key] = [
                item.model_dump(mode="json") if isinstance(item, BaseModel) else item
                for item in default
            ]

    def validated(self) -> RunConfig:
        """The configuration; settings that a later layer made inapplicable are dropped.

        Raises:
            ConfigError: With path, layer, what was given and what was expected.
        """
        while True:
            try:
                return self.config_class.model_validate(self.values)
            except ValidationError as error:
                if not self._retract(error):
                    raise config_error(
                        error, self.config_class, self.values, origin=self.origin
                    ) from None

    def _retract(self, error: ValidationError) -> bool:
        """Drop settings that a later layer made inapplicable; whether there were any."""
        dropped = [path for path in self._inapplicable(error) if self._drop(path)]
        return bool(dropped)

    def _inapplicable(self, error: ValidationError) -> Iterator[KeyPath]:
        for detail in error.errors(include_url=False):
            path = clean_path(detail["loc"], self.values)
            if detail["type"] == CONFLICT:
                fields = detail["ctx"]["fields"]
            elif detail["type"] == "extra_forbidden" and self._suits_another_kind(path):
                path, fields = path[:-1], ["kind", path[-1]]
            else:
                continue
            ranks = {name: self._rank((*path, name)) for name in fields}
            for name, rank in ranks.items():
                if name != "kind" and rank < max(ranks.values()):
                    yield (*path, name)

    def _suits_another_kind(self, path: KeyPath) -> bool:
        """Only then was it right before the kind changed; else it is a slip, and is told."""
        return path[-1] in known_fields(self.config_class, {}, path[:-1])

    def _rank(self, path: KeyPath) -> int:
        return max((n for p, n in self.origins.items() if _overlap(p, path)), default=-1)

    def _drop(self, path: KeyPath) -> bool:
        table: Any = self.values
        for key in path[:-1]:
            table = table[key]
        self._forget(path)
        there = path[-1] in table
        table.pop(path[-1], None)
        return there

    def origin(self, path: KeyPath) -> str:
        """Names of the layers that set this path, or a part of it; empty: none."""
        around = sorted((k for k in self.origins if path[: len(k)] == k), key=len)
        within = [known for known in self.origins if known[: len(path)] == path]
        ranks = sorted({self.origins[known] for known in (*within, *around[-1:])})
        return ", ".join(dict.fromkeys(self.layers[rank] for rank in ranks))


def _default_at(config_class: type[BaseModel], path: KeyPath) -> object:
    """The default that stands at a path, or ``None``; for a section without one, its class."""
    current: object = config_class
    for key in path:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = _field_default(current.model_fields.get(str(key)))
        elif isinstance(current, BaseModel):
            current = getattr(current, str(key), None)
        elif isinstance(current, Mapping):
            current = current.get(key)
        elif isinstance(current, (list, tuple)) and isinstance(key, int) and key < len(current):
            current = current[key]
        else:
            return None
    return current


def _field_default(field: FieldInfo | None) -> object:
    if field is None:
        return None
    if field.is_required():
        return field.annotation
    try:
        default: object = field.get_default(call_default_factory=True)
    except ValidationError:  # the section has settings without defaults
        return field.annotation
    return default


def _overlap(one: KeyPath, other: KeyPath) -> bool:
    """Whether one path is the other or lies within it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _all_indices(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(key.isdecimal() for key in value)
