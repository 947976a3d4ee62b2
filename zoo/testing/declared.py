"""What an author declares for the check: settings that make models small, and known failures.

A TOML file that ``Task.check`` names (``Model.check`` for one model), in the grammar of recipes:

    recipe = "quick"                # where the settings begin; default: the recipe of this name

    [settings.training]             # over it, as in any --config
    steps = 6

    [models.big-net.model]          # over that, of one model
    width = 4

    [sources.cosmics]               # options of a simulator that make it quick
    depth = 100.0

    [[expected]]                    # a rule that is known to fail
    rule = "R10"
    models = ["big-net"]            # of these models; left out: the task or all of its models
    reason = "ONNX has no sparse convolution"
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue

from zoo.config.base import Config
from zoo.config.layers import Layer, recipe_layer, resolve, validate
from zoo.config.run import DataConfig
from zoo.config.toml import read_toml
from zoo.contract.task import Task
from zoo.errors import PluginError
from zoo.registry import registry
from zoo.testing.catalogue import choose_rules

__all__ = [
    "CheckFile",
    "ExpectedFailure",
    "check_file",
    "expected_reason",
    "layers_of",
    "of_model",
    "source_config",
]

Table = dict[str, JsonValue]
Format = Literal["onnx", "ts", "pt2"]

_DEFAULT_RECIPE = "quick"
_SMALL: Mapping[str, Any] = {
    "data": {"validation": 0.25, "test": 0.25},
    "training": {
        "batch": 4,
        "steps": 6,
        "validate_every": 3,
        "log_every": 1,
        "checkpoint_every": 2,
        "accumulate": 1,
        "precision": "fp32",
        "workers": 0,
    },
    "engine": {"device": "cpu", "threads": 1},
}
"""Over the recipe and under the file: a training of a moment on one thread."""


class ExpectedFailure(Config):
    """A rule that is known to fail."""

    rule: str
    """Its number."""
    models: tuple[str, ...] = ()
    """Names of the models for which it fails; empty: the task or plugin, or all models."""
    reason: str = Field(min_length=1)
    """Why, and why that is as it must be."""


class CheckFile(Config):
    """Content of a check file."""

    recipe: str = ""
    """Recipe with which the settings begin; empty: ``quick``, where the task has it."""
    events: int = Field(16, ge=4)
    """Events that are simulated."""
    formats: tuple[Format, ...] = ("onnx", "ts", "pt2")
    """Formats in which the models can be exported."""
    settings: Table = Field(default_factory=dict)
    """Of all models: sections ``data``, ``model``, ``optimizers``, ``training``, ``engine``. A path
    in ``data`` that is not absolute begins in the folder of the check file."""
    models: dict[str, Table] = Field(default_factory=dict)
    """The same of single models, by name."""
    sources: dict[str, Table] = Field(default_factory=dict)
    """Options of simulators, by name."""
    expected: tuple[ExpectedFailure, ...] = ()
    """Rules that are known to fail."""


@cache
def check_file(resource: str) -> CheckFile:
    """The content of a file.

    Args:
        resource: ``"package:check.toml"``; empty: the defaults.

    Raises:
        ConfigError: If it is no TOML, or has unknown keys.
        UsageError: If it expects a failure of a rule that does not exist.
        PluginError: If it is missing.
    """
    if not resource:
        return CheckFile()
    content = validate(CheckFile, read_toml(_path(resource)), resource)
    for expected in content.expected:
        choose_rules((expected.rule,))
    return content


def layers_of(task: Task, name: str) -> list[Layer]:
    """Settings of a training for the check, from the recipe to what is declared for one model.

    Args:
        task: Its task.
        name: The model, without the task; empty: of none.

    Raises:
        ZooError: As for :func:`check_file`; ConfigError if there is no such recipe.
    """
    declared = of_model(task, name)
    recipe = declared.recipe or (_DEFAULT_RECIPE if _DEFAULT_RECIPE in task.recipes else "")
    layers = [recipe_layer(task.recipes, recipe)] if recipe else []
    layers += [Layer("zoo check", _SMALL), Layer("check file", declared.settings)]
    if name in declared.models:
        layers.append(Layer(f"check file, {name}", declared.models[name]))
    return layers


def source_config(task: Task, name: str) -> DataConfig:
    """Where the samples of a check come from: what is declared, or the task's first simulator.

    Args:
        task: The task.
        name: A model, which may have data of its own; empty: the task.
    """
    declared = of_model(task, name)
    sections = [layer.values.get("data", {}) for layer in layers_of(task, name)]
    layers = [Layer("data", {"data": section}) for section in sections]
    config = resolve(Config, layers).config.data
    simulators = [source for source, spec in task.sources.items() if spec.kind == "simulator"]
    source = config.source or ("" if config.path else next(iter(simulators), ""))
    changes: dict[str, Any] = {"source": source}
    if source in simulators:
        changes |= {"events": declared.events}
        changes |= {"options": {**config.options, **declared.sources.get(source, {})}}
    elif config.path and not Path(config.path).is_absolute():
        changes |= {"path": str(_path(task.check).parent / config.path)}
    return config.model_copy(update=changes)


def of_model(task: Task, name: str) -> CheckFile:
    """The file of one model: its own, or its task's."""
    model = registry().models.get(f"{task.name}/{name}")
    return check_file((model.check if model is not None else "") or task.check)


def expected_reason(task: Task, model: str, rule: str) -> str:
    """Why a rule is known to fail; empty: it is not.

    Args:
        task: The task.
        model: Name of the model, or empty for the task itself.
        rule: Number of the rule.
    """
    declared = of_model(task, model) if model else check_file(task.check)
    for expected in declared.expected:
        if expected.rule == rule and (not expected.models or model in expected.models):
            return expected.reason
    return ""


def _path(resource: str) -> Path:
    package, _, name = resource.partition(":")
    try:
        with as_file(files(package).joinpath(name)) as path:
            if path.is_file():
                return path
    except ModuleNotFoundError:
        pass
    raise PluginError(
        "the check file is missing", where=resource, remedy="write it as 'package:check.toml'"
    )
