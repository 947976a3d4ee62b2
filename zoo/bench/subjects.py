"""What a user names: ``[NAME=]ID[:KEY=VALUE...]``, with the configuration of each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from zoo.artifacts.model_file import read_header
from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.bench.case import Subject
from zoo.config.base import Config
from zoo.config.layers import (
    Layer,
    environment_layer,
    file_layer,
    recipe_layer,
    resolve,
    set_layer,
)
from zoo.config.migration import migrated
from zoo.config.toml import read_toml
from zoo.contract.refs import resolve as resolve_reference
from zoo.contract.task import Model, Task
from zoo.errors import ConfigError, UsageError, suggestion
from zoo.evaluation.naming import parse_named
from zoo.prediction.loading import model_file
from zoo.prediction.sources import parse_data
from zoo.registry import registry
from zoo.runtimes.header import FORMATS, read_export_header

__all__ = ["Settings", "parse_id", "subjects"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of all ids of a table.

    Attributes:
        recipe: Of a task.
        files: TOML files, later ones over earlier ones.
        assignments: ``a.b=v``; those of ``model`` go to the ids whose config has that key.
        data: ``SOURCE:PATH``, the name of a source, or a zoo file; empty: see the configuration.
    """

    recipe: str | None = None
    files: Sequence[Path] = ()
    assignments: Sequence[str] = ()
    data: str = ""

    def of_model(self) -> list[tuple[str, str]]:
        """(key, assignment) of those that set a model's config."""
        return [(_keys(text)[1], text) for text in self.assignments if _is_model(text)]


def parse_id(text: str) -> tuple[str, str, list[str]]:
    """``[NAME=]ID[:KEY=VALUE...]`` as name, id and assignments of the model's config.

    Without a name, the whole text names the row. A path that exists is taken as it is.
    """
    name, refs = parse_named(text)
    whole = ",".join(refs)  # values may hold commas
    if Path(whole).exists():
        return name, whole, []
    ref, *settings = whole.split(":")
    return name, ref, settings


def subjects(texts: Sequence[str], settings: Settings) -> list[Subject]:
    """What is named, configured.

    Raises:
        UsageError: If a name is used twice, or there is no such run or file.
        ConfigError: If a setting is wrong, or suits none of the models.
        PluginError: If there is no such id.
        WeightsError: If a file is damaged.
    """
    found = [_subject(text, settings) for text in texts]
    _require_used(found, settings)
    return found


def _subject(text: str, settings: Settings) -> Subject:
    name, ref, own = parse_id(text)
    path = Path(ref)
    if path.suffix.removeprefix(".") in FORMATS and path.is_file():
        _refuse_own(own, text)
        header = read_export_header(path)
        return Subject(
            name=name,
            kind="file",
            model=header.model,
            file=ref,
            format=path.suffix.removeprefix("."),
        )
    if ref in registry().models:
        task, model = registry().model(ref)
        kind = "classical" if model.networks is None else "networks"
        layers = [*_first_layers(task, model, settings), *_shared(settings)]
        layers.append(set_layer(_suitable(model, settings) + [f"model.{text}" for text in own]))
        return Subject(
            name=name,
            kind=cast("Any", kind),
            model=ref,
            config=_resolved(model, layers),
        )
    _refuse_own(own, text)
    return _trained(name, ref, settings)


def _trained(name: str, ref: str, settings: Settings) -> Subject:
    """Published weights, a run, a snapshot or a model file, as its training configured it."""
    folder, _ = parse_run(ref)
    file = model_file(ref)  # tells what is wrong with it
    header = read_header(file)
    _, model = registry().model(header["model"])
    layers = []
    if RunDirectory.is_run(folder):
        layers.append(Layer(f"run {folder}", read_toml(RunDirectory.open(folder).config)))
    config, _ = migrated(_config_class(model), header["config"], whole=True)
    layers.append(Layer(f"file {file.name}", {"model": config}))
    layers += _shared(settings)
    return Subject(
        name=name,
        kind="networks",
        model=header["model"],
        config=_resolved(model, layers),
        file=str(file),
    )


def _first_layers(task: Task, model: Model, settings: Settings) -> list[Layer]:
    layers = []
    if settings.recipe:
        layers.append(recipe_layer(task.recipes, settings.recipe))
    layers += [file_layer(path) for path in settings.files]
    layers.append(environment_layer(os.environ))
    if model.networks is None:  # what they say of a model is meant for networks
        layers = [_without_model(layer) for layer in layers]
    return layers


def _shared(settings: Settings) -> list[Layer]:
    """What applies to trained models too: data, and ``--set`` but for their own config."""
    layers = []
    if settings.data:
        named = parse_data(settings.data)
        layers.append(Layer("--data", {"data": {"source": named.source, "path": named.path}}))
    others = [text for text in settings.assignments if not _is_model(text)]
    return [*layers, set_layer(others)]


def _resolved(model: Model, layers: Sequence[Layer]) -> Mapping[str, Any]:
    config: Mapping[str, Any] = resolve(_config_class(model), layers).config.model_dump(mode="json")
    return config


def _suitable(model: Model, settings: Settings) -> list[str]:
    known = _config_class(model).model_fields
    return [text for key, text in settings.of_model() if key in known]


def _require_used(found: Sequence[Subject], settings: Settings) -> None:
    """A setting that is silently ignored misleads."""
    fresh = [subject for subject in found if not subject.file]
    known = {
        key
        for subject in fresh
        for key in _config_class(registry().model(subject.model)[1]).model_fields
    }
    for key, text in settings.of_model():
        if key not in known:
            raise ConfigError(
                "no model of this table has such a setting",
                where=f"--set {text}",
                remedy=suggestion(key, known) if fresh else "trained models keep their config",
            )


def _config_class(model: Model) -> type[Config]:
    return cast("type[Config]", resolve_reference(model.config))


def _without_model(layer: Layer) -> Layer:
    return Layer(layer.name, {key: value for key, value in layer.values.items() if key != "model"})


def _is_model(text: str) -> bool:
    keys = _keys(text)
    return keys[0] == "model" and len(keys) > 1


def _keys(text: str) -> list[str]:
    return text.partition("=")[0].strip().split(".")


def _refuse_own(own: Sequence[str], text: str) -> None:
    if own:
        raise UsageError(
            f"'{own[0]}' is set, and only ids TASK/MODEL can be configured",
            where=text,
            remedy="a trained or exported model keeps its config; name its id instead",
        )
