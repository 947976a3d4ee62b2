"""``zoo info``: all about one task, model, run or model file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from zoo.cli.list import kind_of
from zoo.cli.options import ConfigOption, JsonOption, RecipeOption, SetOption
from zoo.cli.output import emit, table, title
from zoo.contract.refs import resolve
from zoo.contract.specs import Specs
from zoo.contract.task import Model, SourceSpec, Task
from zoo.errors import UsageError
from zoo.registry import registry

if TYPE_CHECKING:
    from torch import nn

    from zoo.config.base import Config
    from zoo.weights import WeightsCard

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("info")(info)


def info(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="TASK, TASK/MODEL[@version], run directory or model file."
        ),
    ],
    config: ConfigOption = None,
    recipe: RecipeOption = None,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell all about one task, model, published weights, run or model file.

    With --recipe, --config or --set, a model's settings and sizes are those of that configuration.
    """
    emit(_describe(what, config or [], recipe, assignments or []), as_json, _render)


def _describe(
    what: str, config: Sequence[Path], recipe: str | None, assignments: Sequence[str]
) -> dict[str, Any]:
    """An installed id goes before a folder of the same name, as everywhere."""
    from zoo.artifacts.run_directory import RunDirectory, parse_run
    from zoo.prediction.published import card_of

    found = registry()
    if what in found.tasks:
        return _task(what, found.task(what))
    if what in found.models:
        return _model(what, config, recipe, assignments)
    card = card_of(what)
    if card is not None:
        return _published(card)
    folder, step = parse_run(what)
    if RunDirectory.is_run(folder):
        return _run(RunDirectory.open(folder), step)
    path = Path(what)
    if path.is_file() or path.suffix == ".safetensors":
        return _file(path)
    if path.exists():
        raise UsageError(
            "is neither a run directory nor a model file",
            where=what,
            remedy="name a task, a model, a run directory or a model file",
        )
    look_up: Callable[[str], object] = found.model if "/" in what else found.task
    look_up(what)  # raises, and names the nearest
    raise UsageError("is nothing that zoo knows", where=what, remedy="`zoo list` shows the ids")


def _task(name: str, task: Task) -> dict[str, Any]:
    return {
        "task": name,
        "summary": task.summary,
        "plugin": registry().owner(name).name,
        "models": [
            {"id": id_, "kind": kind_of(model), "summary": model.summary}
            for id_, model in registry().models_of(name).items()
        ],
        "selected by": task.select,
        "sources": {n: _source(source) for n, source in task.sources.items()},
        "sample": _specs(task.sample),
        "prediction": _specs(task.prediction),
        "recipes": {n: _about_recipe(resource) for n, resource in task.recipes.items()},
        "consumers": {c.name: c.summary for c in registry().consumers.values() if c.task == name},
    }


def _model(
    id_: str, config: Sequence[Path], recipe: str | None, assignments: Sequence[str]
) -> dict[str, Any]:
    from zoo.config.describe import settings

    task, model = registry().model(id_)
    config_class = cast("type[Config]", resolve(model.config))
    chosen = _configured(config_class, task, config, recipe, assignments)
    return {
        "model": id_,
        "kind": kind_of(model),
        "summary": model.summary,
        "cite": model.cite,
        "plugin": registry().owner(task.name).name,
        "needs": sorted(model.needs),
        "weights": _cards(id_),
        "checkpoints": dict(model.checkpoints),
        "settings": [asdict(item) for item in settings(config_class, chosen, "model.")],
        "networks": _networks(task, model, chosen),
        "recipes": {n: _about_recipe(resource) for n, resource in task.recipes.items()},
        "baselines and oracles": [
            other
            for other, known in registry().models_of(task.name).items()
            if kind_of(known) != "model" and other != id_
        ],
    }


def _cards(id_: str) -> list[dict[str, Any]]:
    """The cards of a model's published weights, the newest first."""
    from zoo.weights import cards

    return [
        {
            "version": card.ref,
            "published": card.published,
            "summary": card.summary,
            "trained on": card.domain.trained_on,
        }
        for card in cards()
        if card.id == id_
    ]


def _published(card: WeightsCard) -> dict[str, Any]:
    """A card; of weights that are on this machine also what their file says."""
    from zoo.weights.cache import this_cache
    from zoo.weights.resolving import holder

    told = {"weights": card.ref, **card.model_dump(mode="json", exclude_none=not card.published)}
    held = holder(card, this_cache())
    return told if held is None else {**told, "header": _file(held.path)}


def _configured(
    config_class: type[Config],
    task: Task,
    config: Sequence[Path],
    recipe: str | None,
    assignments: Sequence[str],
) -> Config | None:
    """The model's section; ``None`` if nothing was asked for and it has no defaults."""
    from zoo.config.layers import file_layer, recipe_layer, resolve, set_layer
    from zoo.errors import ConfigError

    layers = [recipe_layer(task.recipes, recipe)] if recipe else []
    layers += [file_layer(path) for path in config]
    layers += [set_layer(assignments)] if assignments else []
    try:
        return resolve(config_class, layers).config.model
    except ConfigError:
        if layers:
            raise
        return None


def _source(source: SourceSpec) -> dict[str, Any]:
    from zoo.config.describe import settings

    config_class = cast("type[Config]", resolve(source.config))
    return {
        "kind": source.kind,
        "summary": source.summary,
        "upstream": source.upstream,
        "settings": [asdict(item) for item in settings(config_class, prefix="data.options.")],
    }


def _specs(ref: str) -> dict[str, Any]:
    return {name: asdict(field) for name, field in cast("Specs", resolve(ref)).items()}


def _about_recipe(resource: str) -> str:
    """A recipe says in its first comment, up to an empty line, what it is."""
    package, _, name = resource.partition(":")
    try:
        text = files(package).joinpath(name).read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError):
        return f"missing: {resource}"
    told = takewhile(lambda line: line.startswith("#") and line.strip("# "), text.splitlines())
    return " ".join(line.strip("# ") for line in told)


def _networks(task: Task, model: Model, config: Config | None) -> dict[str, Any] | str:
    """Parameters and bytes of each network; a sentence where that cannot be told."""
    if model.networks is None:
        return "none: a classical algorithm"
    if config is None:
        return "unknown: the model has settings without defaults, give them with --set"
    factory = cast("Callable[[Any, Any], Mapping[str, nn.Module]]", resolve(model.networks))
    try:
        nets = _on_meta_device(factory, config, _facts(task))
    except Exception as error:  # noqa: BLE001  # without data a factory may lack any fact
        return f"unknown without data ({type(error).__name__}: {error})"
    return {name: _size(net) for name, net in nets.items()}


def _on_meta_device(
    factory: Callable[[Any, Any], Mapping[str, nn.Module]], config: Config, facts: Mapping[str, Any]
) -> Mapping[str, nn.Module]:
    """Shapes without memory; a factory that computes with its parameters gets real ones."""
    import torch

    try:
        with torch.device("meta"):
            return factory(config, facts)
    except (NotImplementedError, RuntimeError):
        return factory(config, facts)


def _facts(task: Task) -> Mapping[str, Any]:
    """Facts of the first simulator, the only source that has some without files."""
    for source in task.sources.values():
        if source.kind == "simulator":
            make = cast("Callable[[Any], Any]", resolve(source.factory))
            settings = cast("Callable[[], Any]", resolve(source.config))
            facts: Mapping[str, Any] = make(settings()).facts
            return facts
    return {}


def _size(net: nn.Module) -> dict[str, int]:
    tensors = [*net.parameters(), *net.buffers()]
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "trainable": sum(p.numel() for p in net.parameters() if p.requires_grad),
        "bytes": sum(tensor.numel() * tensor.element_size() for tensor in tensors),
        "layers": sum(1 for module in net.modules() if not list(module.children())),
    }


def _run(run: Any, step: int | None) -> dict[str, Any]:
    from zoo.config.toml import read_toml

    if step is not None:
        return _file(run.model_at(step))
    lines = run.metrics()
    return {
        "run": str(run.path),
        **run.identity(),
        "finished": run.model.is_file(),
        "last line of the log": lines[-1] if lines else {},
        "snapshots": run.snapshots(),
        "selected": _file(run.model) if run.model.is_file() else {},
        "config": read_toml(run.config),
    }


def _file(path: Path) -> dict[str, Any]:
    from zoo.artifacts.model_file import read_header

    header = dict(read_header(path))
    tensors = header.pop("tensors")
    return {"file": str(path), **header, "tensors": tensors}


def _render(payload: Mapping[str, Any]) -> str:
    return "\n".join(_section(name, value) for name, value in payload.items() if value != "")


def _section(name: str, value: Any) -> str:
    special: dict[str, Callable[[Any], str]] = {
        "models": _models,
        "weights": _weights,
        "settings": _settings,
        "sample": _fields,
        "prediction": _fields,
        "sources": _sources,
        "tensors": _tensors,
    }
    if isinstance(value, (dict, list)) and not value:
        return f"{title(name)}: none"
    if name in special:
        return f"\n{title(name)}\n{special[name](value)}"
    if isinstance(value, dict):
        rows = [(key, _cell(item)) for key, item in value.items()]
        return f"\n{title(name)}\n{table(('', ''), rows, indent=2)}"
    return f"{title(name)}: {_cell(value)}"


def _models(models: Iterable[Mapping[str, str]]) -> str:
    return table(("", "", ""), [(m["id"], m["kind"], m["summary"]) for m in models], indent=2)


def _weights(told: str | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(told, str):
        return f"  {told}"
    rows = [
        (
            card["version"] if card["published"] else f"{card['version']} (NOT PUBLISHED)",
            card["summary"],
            card["trained on"],
        )
        for card in told
    ]
    return table(("weights", "summary", "trained on"), rows, indent=2)


def _settings(items: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (
            item["path"],
            item["type"],
            "required" if item["required"] and item["value"] is None else _cell(item["value"]),
            item["meaning"],
        )
        for item in items
    ]
    return table(("setting", "type", "value", "meaning"), rows, indent=2)


def _fields(specs: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        (
            name + ("?" if field["optional"] else ""),
            _dims(field),
            field["dtype"],
            field["unit"],
            field["meaning"],
        )
        for name, field in specs.items()
    ]
    return table(("field", "dims", "dtype", "unit", "meaning"), rows, indent=2)


def _dims(field: Mapping[str, Any]) -> str:
    dims = [str(dim) for dim in field["dims"]]
    if field["ragged"] and dims:
        dims[0] += "*"
    return " x ".join(dims)


def _sources(sources: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for name, source in sources.items():
        parts.append(f"  {name} ({source['kind']}): {source['summary']}")
        if source["settings"]:
            parts.append(_settings(source["settings"]))
    return "\n".join(parts)


def _tensors(tensors: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [(name, t["dtype"], " x ".join(map(str, t["shape"]))) for name, t in tensors.items()]
    return table(("tensor", "dtype", "shape"), rows, indent=2)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
