"""The verb: a trained model to a file, with the proof and the consumer's settings beside it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from zoo.artifacts.canonical import tidy
from zoo.config.base import Config
from zoo.config.layers import validate
from zoo.contract.codec import Batch
from zoo.contract.deploy import Consumer, ConsumerContract, Deploy
from zoo.contract.refs import resolve
from zoo.contract.specs import Specs
from zoo.contract.table import Table
from zoo.contract.task import API_VERSION
from zoo.data.failures import plugin_code
from zoo.errors import ConfigError, ParityError, PluginError, UsageError
from zoo.export.checks import check_file, checks_text, self_checks
from zoo.export.formats import OPSET, write_module
from zoo.export.parity import compare_predictions, example_inputs, failures, grid_parity
from zoo.files import atomic_path, file_digest, write_atomically
from zoo.prediction.domain import weights_of
from zoo.prediction.loading import load
from zoo.prediction.network import NetworkPredictor
from zoo.registry import registry
from zoo.runtimes.header import ExportHeader, export_format
from zoo.runtimes.predictor import ExportedPredictor
from zoo.runtimes.runtime import open_runtime

__all__ = ["Exported", "export"]


@dataclass(frozen=True)
class Exported:
    """What :func:`export` wrote.

    Attributes:
        path: The exported file.
        files: All files, that one first.
        report: Content of the ``.export.json``: format, versions, sha256, names and dims of
            inputs and outputs, the parity table, the end-to-end comparison.
    """

    path: Path
    files: tuple[Path, ...]
    report: Mapping[str, Any]


def export(
    ref: str | Path | NetworkPredictor,
    format_name: str = "",
    *,
    consumer: str = "",
    out: Path,
    name: str = "",
    weights: str | Path | None = None,
    samples: Table | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Exported:
    """Export a trained model, and prove the file.

    The file is loaded in a fresh process and compared with the module on the deploy's grid; with
    ``samples``, predictions through the file are compared with those of the model. It takes its
    name only after that: a file that fails is not left behind.

    Args:
        ref: What :func:`zoo.load` takes, or a loaded model.
        format_name: ``onnx``, ``pt2`` or ``ts``; empty: the consumer's.
        consumer: Name of a program whose contract the file must keep; empty: none.
        out: Folder; made if need be.
        name: Stem of the file; empty: the id with a dash.
        weights: For an id: published weights, run directory, snapshot or model file.
        samples: For the end-to-end comparison; ``None``: none.
        settings: Of the model, by name, instead of those of its training; those that its deploy
            allows, which change how the program works, not what is predicted.

    Raises:
        ConfigError: If a setting is not the deploy's, or its value is wrong.
        UsageError: If the model has no networks or no deploy, or the format is not the consumer's.
        PluginError: If codec, learner and deploy do not have the same names of inputs and outputs.
        ParityError: If torch cannot export it, the file differs, or the consumer would refuse it.
    """
    predictor = ref if isinstance(ref, NetworkPredictor) else _load(ref, weights)
    if settings:
        predictor = _with_settings(predictor, settings)
    program = _consumer(consumer, predictor.model) if consumer else None
    format_name = _format(format_name, program)
    deploy = _deploy(predictor)
    _require_names(deploy, predictor, samples)
    module = _module(deploy, predictor)
    checks = self_checks(module, deploy)
    header = _header(predictor, deploy, checks)
    target = out / f"{name or predictor.model.replace('/', '-')}.{format_name}"
    report: dict[str, Any] = {"model": predictor.model, "format": format_name}
    report |= _published(predictor)
    if format_name == "onnx":
        report["opset"] = OPSET
    with atomic_path(target) as path:
        inputs = _tracing_inputs(deploy)
        report["warnings"] = write_module(
            format_name, module, inputs, deploy, header=header.dumps(), path=path
        )
        comparisons = grid_parity(
            path, format_name, module, deploy, program.contract if program else None
        )
        _require(failures(comparisons), target)
        if checks:
            _require(check_file(open_runtime(path, format_name)), target)
        end_to_end = _end_to_end(predictor, path, format_name, samples)
        report["sha256"] = file_digest(path)
        report["bytes"] = path.stat().st_size
    report |= {
        "file": target.name,
        "torch": str(torch.__version__),
        "inputs": _describe(deploy.inputs),
        "outputs": _describe(deploy.outputs),
        "parity": [comparison.as_dict() for comparison in comparisons],
        "end_to_end": end_to_end,
        "consumer": consumer or None,
    }
    files = _write_beside(target, report, program, predictor, checks)
    return Exported(target, (target, *files), report)


def _load(ref: str | Path, weights: str | Path | None) -> NetworkPredictor:
    predictor = load(ref, weights=weights)
    if not isinstance(predictor, NetworkPredictor):
        raise UsageError(
            "has no networks to export: it is a classical algorithm",
            where=str(ref),
            remedy="name a run or weights",
        )
    return predictor


def _with_settings(predictor: NetworkPredictor, settings: Mapping[str, Any]) -> NetworkPredictor:
    """The model with settings that its deploy allows; networks and codec constants stay."""
    allowed = _deploy(predictor).settings
    for name in settings:
        if name not in allowed:
            known = ", ".join(f"model.{one}" for one in sorted(allowed)) or "there is none"
            raise ConfigError(
                "an export cannot change this setting",
                where=f"model.{name}",
                remedy=f"train with it; what an export may set: {known}",
            )
    codec = predictor.codec
    config = validate(type(codec.config), {**codec.config.model_dump(), **settings}, "model")
    changed = copy.copy(predictor)
    changed.codec = type(codec)(config, codec.facts, codec.constants)
    return changed


def _consumer(name: str, model: str) -> Consumer:
    consumer = registry().consumer(name)
    if consumer.task != model.partition("/")[0]:
        raise UsageError(
            f"it loads models of {consumer.task}, not {model}",
            where=name,
            remedy="`zoo info` lists the consumers of a task",
        )
    return consumer


def _format(given: str, consumer: Consumer | None) -> str:
    if consumer is not None and given not in {"", consumer.format}:
        raise UsageError(
            f"it loads {consumer.format} files, not {given}",
            where=consumer.name,
            remedy=f"leave --format out, or give {consumer.format}",
        )
    name = consumer.format if consumer is not None else given
    return export_format(Path(f"model.{name}"), name)


def _deploy(predictor: NetworkPredictor) -> Deploy:
    task, model = registry().model(predictor.model)
    ref = model.deploy or task.deploy
    if ref is None:
        raise UsageError(
            "its plugin does not say what to deploy, so it cannot be exported",
            where=predictor.model,
            remedy="predict with the run or the weights",
        )
    factory = cast("Callable[..., Deploy]", resolve(ref))
    return factory(predictor.codec.config, predictor.codec.facts)


def _require_names(deploy: Deploy, predictor: NetworkPredictor, samples: Table | None) -> None:
    """Check that the file can stand between ``encode`` and ``decode``: all name things alike.

    Raises:
        PluginError: Naming who does not.
    """
    if samples is not None:
        first = samples.select(predictor.needs).take(slice(0, 1))
        made = list(predictor.codec.encode(first).inputs)
        _require_same(made, deploy.inputs, f"{type(predictor.codec).__name__}.encode", "inputs")
    smallest = min(deploy.sizes, key=lambda sizes: sum(sizes.values()))
    inputs = example_inputs(deploy, smallest)
    ids = np.arange(len(next(iter(inputs.values()))), dtype=np.uint64)
    where = f"{type(predictor.learner).__name__}.predict"
    with plugin_code(f"{where} on Deploy.example"):
        outputs = predictor.outputs(Batch(inputs, {}, ids))
    if not isinstance(outputs, Mapping):
        raise PluginError(
            f"it returns a {type(outputs).__name__}, and an exported file a mapping",
            where=where,
            remedy=f"return a mapping by the names of Deploy.outputs: {', '.join(deploy.outputs)}",
        )
    predicted = {key: spec for key, spec in deploy.outputs.items() if key not in deploy.additional}
    _require_same(list(outputs), predicted, where, "outputs")


def _require_same(found: list[str], declared: Specs, where: str, side: str) -> None:
    if set(found) != set(declared):
        raise PluginError(
            f"it makes {', '.join(found)}, and Deploy.{side} are {', '.join(declared)}",
            where=where,
            remedy="give both the same names",
        )


def _module(deploy: Deploy, predictor: NetworkPredictor) -> nn.Module:
    module = copy.deepcopy(deploy.module(predictor.networks, predictor.codec))
    return module.cpu().eval().requires_grad_(requires_grad=False)


def _header(predictor: NetworkPredictor, deploy: Deploy, checks: Mapping[str, Any]) -> ExportHeader:
    plugin = registry().owner(predictor.model.partition("/")[0])
    config: Config = predictor.codec.config
    return ExportHeader(
        model=predictor.model,
        plugin=plugin.name,
        plugin_version=plugin.version,
        api=".".join(map(str, API_VERSION)),
        config=config.model_dump(mode="json"),
        facts=predictor.codec.facts,
        constants=predictor.codec.constants,
        lineage=predictor.info.get("lineage", {}) | _published(predictor),
        inputs=deploy.inputs,
        outputs=deploy.outputs,
        checks=checks,
    )


def _published(predictor: NetworkPredictor) -> dict[str, Any]:
    """What the card of published weights says of them: an exported file tells it too."""
    weights = weights_of(predictor)
    return {} if weights is None else {"weights": dict(weights)}


def _tracing_inputs(deploy: Deploy) -> tuple[torch.Tensor, ...]:
    """Tensors of the smallest point with no size of one, which torch would take as fixed."""
    several = [sizes for sizes in deploy.sizes if all(size > 1 for size in sizes.values())]
    if not several:
        raise PluginError(
            "no point of its export grid has all sizes above one",
            where=type(deploy).__name__,
            remedy="add one to Deploy.sizes, such as batch 2",
        )
    smallest = min(several, key=lambda sizes: sum(sizes.values()))
    inputs = example_inputs(deploy, smallest)
    return tuple(torch.from_numpy(array.copy()) for array in inputs.values())


def _end_to_end(
    predictor: NetworkPredictor, path: Path, format_name: str, samples: Table | None
) -> dict[str, Any] | None:
    if samples is None:
        return None
    exported = ExportedPredictor(open_runtime(path, format_name), predictor.codec)
    found = compare_predictions(predictor.predict(samples), exported.predict(samples))
    different = [
        f"predicted '{name}': {column['differing']:.3g} of it differs"
        for name, column in found.items()
        if not column["passed"]
    ]
    _require(different, path)
    return {"samples": samples.rows, "columns": found}


def _require(failed: list[str], path: Path) -> None:
    if failed:
        raise ParityError(
            f"the exported file differs from the model: {'; '.join(failed)}",
            where=path.name,
            remedy="nothing was written; choose another --format, or report it",
        )


def _describe(specs: Specs) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "dims": list(spec.dims),
            "dtype": spec.dtype,
            "unit": spec.unit,
            "meaning": spec.meaning,
        }
        for name, spec in specs.items()
    }


def _write_beside(
    target: Path,
    report: dict[str, Any],
    consumer: Consumer | None,
    predictor: NetworkPredictor,
    checks: Mapping[str, Any],
) -> list[Path]:
    texts = {f"{target.name}.checks.txt": checks_text(checks)} if checks else {}
    if consumer is not None:
        contract = cast("Callable[[], ConsumerContract]", resolve(consumer.contract))()
        info = {
            **report,
            "config": predictor.codec.config.model_dump(mode="json"),
            "constants": predictor.codec.constants,
        }
        texts |= contract.files(target.stem, info, predictor.codec)
    report["files"] = sorted(texts)
    texts[f"{target.name}.export.json"] = json.dumps(tidy(report), indent=2) + "\n"
    for name, text in texts.items():
        write_atomically(target.parent / name, text)
    return [target.parent / name for name in texts]
