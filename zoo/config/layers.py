"""Layers of values, merged in order; every value knows which layer it came from.

The order is: defaults, recipe, ``--config`` files, environment (``ZOO_SET__a__b``), ``--set``.
A later layer that changes the ``kind`` of a section, or sets ``steps`` where an earlier one set
``epochs``, retracts the earlier settings that no longer apply; within one layer that is an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from zoo.config.base import Config
from zoo.config.merge import Merge
from zoo.config.migration import migrated, notice
from zoo.config.problems import config_error, dotted
from zoo.config.run import RunConfig, run_config
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
    "validate_stored",
]

_PREFIX = "ZOO_SET__"
_Class = TypeVar("_Class", bound=BaseModel)
_Config = TypeVar("_Config", bound=Config)


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


def validate_stored(config_class: type[_Config], values: Mapping[str, Any], where: str) -> _Config:
    """A whole config that an older version may have written; what it changed is told.

    Args:
        config_class: The class.
        values: As they were stored.
        where: The file, for the notice.

    Raises:
        ConfigError: As for :func:`validate`, and if old settings have no successor.
    """
    values, notes = migrated(config_class, values, whole=True)
    notice(where, notes)
    return validate(config_class, values)


def resolve(model_config: type[Config], layers: Sequence[Layer]) -> Resolved:
    """Merge layers over the defaults of a model's run configuration.

    Args:
        model_config: The model's config class.
        layers: Earlier ones give way to later ones.

    Raises:
        ConfigError: As for :func:`validate`, with the name of the layer.
    """
    merge = Merge(run_config(model_config))
    for layer in layers:
        merge.add(layer.name, _of_today(model_config, layer))
    config = merge.validated()
    provenance = {dotted(path): merge.origin(path) or "default" for path, _ in leaves(config)}
    return Resolved(config, provenance)


def _of_today(model_config: type[Config], layer: Layer) -> Mapping[str, Any]:
    """The values of a layer whose settings of the model may have the names of an older version."""
    model = layer.values.get("model")
    if not isinstance(model, Mapping) or not model_config.migrations:
        return layer.values
    model, notes = migrated(model_config, model, whole=False)
    notice(layer.name, notes)
    return {**layer.values, "model": model}


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
        raise ConfigError(
            f"recipe '{name}' is missing: {error}",
            where=recipes[name],
            remedy="install its plugin again, or tell the plugin's author",
        ) from error
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
            raise ConfigError(
                f"'{key}' was given a value before",
                where=where,
                remedy=f"set either {key} or the settings in it",
            )
    values[keys[-1]] = value
