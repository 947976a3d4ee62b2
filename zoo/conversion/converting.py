"""A foreign checkpoint, tensor by tensor, into one of our models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import nn

from zoo.artifacts.model_file import ModelRecord, write_model
from zoo.config.base import Config
from zoo.config.layers import validate
from zoo.contract.checkpoint import Checkpoint, Conversion
from zoo.contract.refs import resolve
from zoo.contract.task import API_VERSION, Model
from zoo.conversion.foreign import read_checkpoint
from zoo.data.failures import plugin_code
from zoo.errors import UsageError, WeightsError, suggestion
from zoo.files import file_digest
from zoo.registry import registry
from zoo.training.parts import Parts, find_parts

__all__ = ["Converted", "convert"]

_FEW = 6  # names in one message


@dataclass(frozen=True)
class Converted:
    """What :func:`convert` did.

    Attributes:
        file: The model file.
        model: ``TASK/MODEL``.
        layout: The layout that the file was read as.
        taken: Tensors that were taken over or computed from those of the file.
        dropped: Foreign tensors that have no counterpart in the model.
        built: Networks and tensors that the file does not hold: they are as first made.
        config: Settings that the file or the caller fixed.
        notes: What a reader must know.
    """

    file: Path
    model: str
    layout: str
    taken: int
    dropped: tuple[str, ...]
    built: tuple[str, ...]
    config: Mapping[str, Any]
    notes: tuple[str, ...]


def convert(
    path: Path,
    model: str,
    out: Path,
    *,
    layout: str = "",
    facts: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    trust: bool = False,
    prefix: str = "",
) -> Converted:
    """Write the model file that a foreign checkpoint becomes.

    Args:
        path: The checkpoint.
        model: ``TASK/MODEL``.
        out: The model file.
        layout: One of the model's; empty: its only one.
        facts: Facts of the data that the networks are for; ``None``: those of the layout.
        settings: Of the model; they go before those that the checkpoint fixes.
        trust: See :func:`~zoo.conversion.foreign.read_checkpoint`.
        prefix: Likewise.

    Raises:
        UsageError: If the model knows no such layout, or the file is of no known kind.
        WeightsError: If a tensor is unknown, missing or of another shape, or the file is damaged.
        ConfigError: If a setting is not one of the model's.
        PluginError: If the model is unknown, or the code of its layout fails.
    """
    parts = find_parts(model)
    name = _layout(model, parts.model, layout)
    checkpoint = read_checkpoint(path, trust=trust, prefix=prefix)
    function = cast(
        "Callable[[Checkpoint, Mapping[str, Any]], Conversion]",
        resolve(parts.model.checkpoints[name]),
    )
    with plugin_code(parts.model.checkpoints[name]):
        conversion = function(checkpoint, dict(facts or {}))
    known = {**conversion.facts, **(facts or {})}
    fixed = {**conversion.config, **(settings or {})}
    config = validate(parts.config, fixed, "model")
    networks = parts.networks(config, known, 0)
    tensors = _tensors(networks, conversion, checkpoint, f"{path}, read as {name}")
    record = _record(parts, config, known, conversion, tensors)
    write_model(out, replace(record, lineage=_lineage(path, name, conversion)))
    return Converted(
        file=out,
        model=model,
        layout=name,
        taken=len(conversion.names) + len(conversion.made),
        dropped=tuple(sorted(conversion.dropped)),
        built=tuple(sorted(conversion.built)),
        config=fixed,
        notes=conversion.notes,
    )


def _layout(id_: str, model: Model, layout: str) -> str:
    known = model.checkpoints
    if not known:
        others = [name for name, other in registry().models.items() if other.checkpoints]
        raise UsageError(
            "this model knows no foreign checkpoints",
            where=id_,
            remedy=f"these do: {', '.join(others) or 'none of those installed'}",
        )
    if layout in known:
        return layout
    if layout or len(known) > 1:
        raise UsageError(
            f"no such layout: '{layout}'" if layout else "it knows several layouts",
            where=f"{id_} --layout",
            remedy=suggestion(layout, known),
        )
    return next(iter(known))


def _tensors(
    networks: Mapping[str, nn.Module],
    conversion: Conversion,
    checkpoint: Checkpoint,
    where: str,
) -> dict[str, NDArray[Any]]:
    """Ours by name, in our dtypes; all that does not fit in one error."""
    ours = {f"{net}/{n}": t for net, m in networks.items() for n, t in m.state_dict().items()}
    found = {
        name: checkpoint.tensors[foreign]
        for name, foreign in conversion.names.items()
        if foreign in checkpoint.tensors
    }
    arrays = {**conversion.made, **found}
    problems = [*_problems(conversion, checkpoint, ours, arrays)]
    if problems:
        more = f"; and {len(problems) - _FEW} more" if len(problems) > _FEW else ""
        raise WeightsError(
            "; ".join(problems[:_FEW]) + more,
            where=where,
            remedy="give the checkpoint of this model, its sizes with --set model.NAME=VALUE, "
            "or the name under which it holds the network with --prefix",
        )
    tensors = {f"networks/{name}": tensor.detach().numpy() for name, tensor in ours.items()}
    for name, array in arrays.items():
        tensors[f"networks/{name}"] = array.astype(tensors[f"networks/{name}"].dtype)
    return tensors


def _problems(
    conversion: Conversion,
    checkpoint: Checkpoint,
    ours: Mapping[str, torch.Tensor],
    arrays: Mapping[str, NDArray[Any]],
) -> Iterator[str]:
    wanted = {*conversion.names.values(), *conversion.dropped}
    stated = conversion.names.keys() | conversion.made.keys()
    needed = {n for n in ours if not conversion.built & {n, n.partition("/")[0]}}
    absent = {*conversion.names.values()} - checkpoint.tensors.keys()
    yield from (f"tensor '{name}' is missing" for name in sorted(absent))
    yield from (f"the network has no '{name}'" for name in sorted(stated - ours.keys()))
    yield from (f"tensor '{n}' is unknown" for n in sorted(checkpoint.tensors.keys() - wanted))
    yield from (f"the network's '{name}' gets nothing" for name in sorted(needed - stated))
    for name, array in sorted((n, a) for n, a in arrays.items() if n in ours):
        foreign = conversion.names.get(name, name)
        shape = tuple(ours[name].shape)
        if array.shape != shape:
            yield f"tensor '{foreign}' has shape {list(array.shape)}, not {list(shape)}"
        elif (array.dtype.kind == "f") != ours[name].is_floating_point():
            yield f"tensor '{foreign}' is of type {array.dtype}"


def _lineage(path: Path, layout: str, conversion: Conversion) -> dict[str, Any]:
    return {
        "converted_from": {"layout": layout, "file": path.name, "sha256": file_digest(path)},
        "built": sorted(conversion.built),
        "dropped": sorted(conversion.dropped),
    }


def _record(
    parts: Parts,
    config: Config,
    facts: Mapping[str, Any],
    conversion: Conversion,
    tensors: Mapping[str, NDArray[Any]],
) -> ModelRecord:
    plugin = registry().owner(parts.task.name)
    learner = parts.learner(config, facts)
    buffers = learner.state_dict() if isinstance(learner, nn.Module) else {}
    return ModelRecord(
        model=parts.id,
        plugin=plugin.name,
        plugin_version=plugin.version,
        api=".".join(map(str, API_VERSION)),
        config=config.model_dump(mode="json"),
        facts=facts,
        constants=conversion.constants,
        tensors={**tensors, **{f"learner/{n}": t.numpy() for n, t in buffers.items()}},
    )
