"""Layers of values, merged in order; every value knows which layer it came from.

The order is: defaults, recipe, ``--config`` files, environment (``ZOO_SET__a__b``), ``--set``.
A later layer that changes the ``kind`` of a section, or sets ``steps`` where an earlier one set
``epochs``, retracts the earlier settings that no longer apply; within one layer that is an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from zoo.config.base import Config
from zoo.config.problems import KeyPath, clean_path, config_error, dotted
from zoo.config.run import CONFLICT, RunConfig, run_config
from zoo.config.toml import leaves, parse_toml, read_toml
from zoo.errors import ConfigError, suggestion

__all__ = [
    "Layer",
    "Resolved",
    "environment_layer",
    "file_layer",
    "recipe_layer",
    "resolve",
    "set_layer",
    "validate",
]

_PREFIX = "ZOO_SET__"
_Class = TypeVar("_Class", bound=BaseModel)


@dataclass(frozen=True)
class Layer:
    """Values from one place.

    Attributes:
        name: As an error or a dump names it: ``recipe paper``, ``--set``.
        values: Nested mapping. A mapping of indices where an earlier layer has a list changes
            single elements of it.
    """

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Resolved:
    """A configuration and where its values came from.

    Attributes:
        config: The validated run configuration.
        provenance: Dotted path of each value -> ``default`` or the names of its layers.
    """

    config: RunConfig
    provenance: Mapping[str, str]


def validate(config_class: type[_Class], values: Mapping[str, Any], prefix: str = "") -> _Class:
    """A plain mapping as an instance of a config class.

    Args:
        config_class: The class.
        values: Nested plain values.
        prefix: Dotted path that errors put before their own.

    Raises:
        ConfigError: With the dotted path, what was given, and what was expected.
    """
    try:
        return config_class.model_validate(dict(values))
    except ValidationError as error:
        raise config_error(error, config_class, values, prefix=prefix) from None


def resolve(model_config: type[Config], layers: Sequence[Layer]) -> Resolved:
    """Merge layers over the defaults of a model's run configuration.

    Args:
        model_config: The model's config class.
        layers: Earlier ones give way to later ones.

    Raises:
        ConfigError: As for :func:`validate`, with the name of the layer.
    """
    merge = _Merge(run_config(model_config))
    for layer in layers:
        merge.add(layer)
    config = merge.validated()
    provenance = {dotted(path): merge.origin(path) or "default" for path, _ in leaves(config)}
    return Resolved(config, provenance)


def recipe_layer(recipes: Mapping[str, str], name: str) -> Layer:
    """A recipe of a task.

    Args:
        recipes: Name -> ``"package:folder/file.toml"``, as a task lists them.
        name: The recipe.

    Raises:
        ConfigError: If there is no such recipe, or its file is missing or no TOML.
    """
    if name not in recipes:
        raise ConfigError("no such recipe", where=name, remedy=suggestion(name, recipes))
    package, _, resource = recipes[name].partition(":")
    try:
        text = files(package).joinpath(resource).read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError) as error:
        raise ConfigError(f"recipe '{name}' is missing: {error}", where=recipes[name]) from error
    return Layer(f"recipe {name}", parse_toml(text, recipes[name]))


def file_layer(path: Path) -> Layer:
    """A TOML file of the user.

    Raises:
        ConfigError: If it cannot be read or is no TOML.
    """
    return Layer(f"file {path.name}", read_toml(path))


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Variables ``ZOO_SET__training__batch=8``.

    Raises:
        ConfigError: If two of them contradict each other.
    """
    values: dict[str, Any] = {}
    for name in sorted(environ):
        if name.startswith(_PREFIX):
            keys = name.removeprefix(_PREFIX).split("__")
            _insert(values, keys, _value(environ[name]), name)
    return Layer("environment", values)


def set_layer(assignments: Sequence[str]) -> Layer:
    """Assignments ``a.b=v``: the value is TOML, or else a string; ``a.0.b`` is an element.

    Raises:
        ConfigError: If one is no assignment, or two contradict each other.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            raise ConfigError(
                "is no assignment", where=f"--set {assignment}", remedy="write --set a.b=value"
            )
        _insert(values, keys, _value(text), f"--set {assignment}")
    return Layer("--set", values)


def _value(text: str) -> Any:
    """``0.1``, ``true``, ``[1, 2]``, ``{a = 1}``, ``"x"``; anything else is a string."""
    try:
        parsed = tomllib.loads(f"value = {text.strip()}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()
    return parsed["value"] if len(parsed) == 1 else text.strip()


def _insert(values: dict[str, Any], keys: Sequence[str], value: Any, where: str) -> None:
    for key in keys[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise ConfigError(f"'{key}' was given a value before", where=where)
    values[keys[-1]] = value


class _Merge:
    """Values of the layers so far; for each path that a layer set, the number of the layer."""

    def __init__(self, config_class: type[RunConfig]) -> None:
        self.config_class = config_class
        self.values: dict[str, Any] = {"model": {}}
        self.layers: list[str] = []
        self.origins: dict[KeyPath, int] = {}

    def add(self, layer: Layer) -> None:
        self.layers.append(layer.name)
        self._merge(self.values, layer.values, ())

    def _merge(self, old: dict[str, Any], new: Mapping[str, Any], path: KeyPath) -> None:
        for key, value in new.items():
            here = (*path, key)
            if isinstance(value, Mapping):
                self._merge_table(old, key, value, here)
            else:
                self._set(old, key, value, here)

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
                )
            old.extend([{}] if index == len(old) else [])
            if isinstance(value, Mapping) and isinstance(old[index], dict):
                self._merge(old[index], value, here)
            else:
                old[index] = deepcopy(value)
                self._claim(here)

    def _set(self, old: dict[str, Any], key: str, value: Any, path: KeyPath) -> None:
        old[key] = deepcopy(value)
        self._claim(path)

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
            elif detail["type"] == "extra_forbidden":
                path, fields = path[:-1], ["kind", path[-1]]
            else:
                continue
            ranks = {name: self._rank((*path, name)) for name in fields}
            for name, rank in ranks.items():
                if name != "kind" and rank < max(ranks.values()):
                    yield (*path, name)

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
