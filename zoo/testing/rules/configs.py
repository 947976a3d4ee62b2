"""R02: settings of models and sources, and recipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel

from zoo.config.base import Config
from zoo.config.describe import settings as described
from zoo.config.layers import recipe_layer, resolve, validate
from zoo.contract.refs import resolve as resolve_reference
from zoo.contract.task import Task
from zoo.errors import ConfigError
from zoo.testing.declared import layers_of, require_known
from zoo.testing.rule import Violation
from zoo.testing.subjects import TaskSubject

__all__ = ["settings"]


def settings(subject: TaskSubject) -> str:
    """Look at every settings class of a task, and at its recipes."""
    task = subject.task
    require_known(task)
    references = {model.config for model in task.models.values()}
    references |= {source.config for source in task.sources.values()}
    for reference in sorted(references):
        _require_settings(reference)
    for name in task.recipes:
        _require_recipe(task, name)
    for name, model in task.models.items():
        if model.networks is not None:
            config = resolve_reference(model.config)
            resolve(config, layers_of(task, name))  # type: ignore[arg-type]  # looked at above
    return f"{len(references)} classes, {len(task.recipes)} recipes"


def _require_settings(reference: str) -> None:
    found = resolve_reference(reference)
    if not (isinstance(found, type) and issubclass(found, Config)):
        raise Violation(f"{reference} is no zoo.api.Config")
    for section in _sections(found, set()):
        if not section.model_config.get("frozen"):
            raise Violation(f"{section.__name__} can be changed after it was made (frozen)")
        if section.model_config.get("extra") != "forbid":
            raise Violation(f"{section.__name__} ignores keys that it does not know (extra)")
    for setting in described(found):
        if not setting.meaning.strip():
            raise Violation(
                f"{found.__name__}.{setting.path} is not described",
                "write a string below the field: `zoo info` shows it",
            )
    found.model_json_schema()
    default = _default(found)
    again = validate(found, default.model_dump(mode="json"))
    if again != default:
        raise Violation(f"{found.__name__} is not what its JSON says after it is read again")


def _default(found: type[Config]) -> Config:
    try:
        return validate(found, {})
    except ConfigError as error:
        raise Violation(
            f"the defaults of {found.__name__} are refused: {error.where}: {error.message}",
            "give every setting a default that is valid",
        ) from error


def _sections(found: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    """A class and all classes in its fields."""
    if found in seen:
        return
    seen.add(found)
    yield found
    for field in found.model_fields.values():
        yield from _within(field.annotation, seen)


def _within(annotation: object, seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _sections(annotation, seen)
    for inner in get_args(annotation):
        yield from _within(inner, seen)


def _require_recipe(task: Task, name: str) -> None:
    """It must fit at least one model: recipes of a task with different models do not fit all."""
    layer = recipe_layer(task.recipes, name)
    refusals = []
    for model in task.models.values():
        if model.networks is None:
            continue
        config = resolve_reference(model.config)
        try:
            resolve(config, [layer])  # type: ignore[arg-type]  # looked at above
        except ConfigError as error:
            refusals.append(f"{error.where}: {error.message}")
        else:
            return
    if refusals:
        raise Violation(f"the recipe '{name}' fits no model: {refusals[0]}", "correct the recipe")
