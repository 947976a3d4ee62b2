"""What a training would do, without data: settings, parameters, shapes, memory."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.config.layers import Resolved
from zoo.config.run import DataConfig, RunConfig
from zoo.contract.table import Ragged, Table
from zoo.data.keys import combine
from zoo.data.splits import SPLIT_SEED, split_blocks
from zoo.errors import PluginError, ZooError
from zoo.prediction.sources import make_simulator, open_source
from zoo.training.estimate import estimate, sample_work
from zoo.training.known_memory import known_memory
from zoo.training.parts import Parts, find_parts

__all__ = ["preview"]


def preview(model_id: str, resolved: Resolved) -> dict[str, Any]:
    """Describe a training.

    Args:
        model_id: ``TASK/MODEL``.
        resolved: The configuration.

    Returns:
        ``model``, ``config``, ``provenance``; ``networks`` (name -> parameters), ``shapes`` of two
        encoded samples (empty where only files could tell), ``memory`` in bytes without
        activations, ``work`` (see :func:`zoo.training.estimate.estimate`; empty where it cannot be
        counted without computing), and ``notes`` on what could not be found out.

    Raises:
        ConfigError, PluginError, UsageError: If settings or plugin are wrong.
    """
    parts, config = find_parts(model_id), resolved.config
    notes: list[str] = []
    facts, samples = _example(parts, config, notes)
    networks = _networks(parts, config, facts, notes)
    memory = known_memory(config, networks)
    return {
        "model": model_id,
        "config": config.model_dump(mode="json"),
        "provenance": dict(resolved.provenance),
        "networks": {name: _parameters(net) for name, net in networks.items()},
        "shapes": _shapes(parts, config, facts, samples, notes),
        "memory": {**memory, "total": sum(memory.values())},
        "work": _work(parts, config, networks, (facts, samples), notes),
        "notes": notes,
    }


def _example(
    parts: Parts, config: RunConfig, notes: list[str]
) -> tuple[Mapping[str, Any], Table | None]:
    """Facts, and two samples where a simulator makes them."""
    sources = parts.task.sources
    simulators = [name for name, spec in sources.items() if spec.kind == "simulator"]
    name = config.data.source or next(iter(simulators), "")
    if name in simulators:
        data = config.data if config.data.source else DataConfig(source=name)
        simulator = make_simulator(parts.task.name, data)
        keys = combine(config.data.seed, np.arange(2))
        codec = parts.codec(config.model, simulator.facts, {})
        return simulator.facts, simulator.simulate(keys, codec.needs | codec.targets)
    try:
        return open_source(parts.task.name, config.data).facts, None
    except ZooError as error:
        notes.append(f"without facts of the data: {error.message}")
        return {}, None


def _networks(
    parts: Parts, config: RunConfig, facts: Mapping[str, Any], notes: list[str]
) -> dict[str, nn.Module]:
    """On the meta device, which has shapes and no memory."""
    try:
        with torch.device("meta"), suppress(NotImplementedError):
            return parts.networks(config.model, facts, config.training.seed)
        return parts.networks(config.model, facts, config.training.seed)
    except (KeyError, IndexError, TypeError) as error:
        if facts:
            raise PluginError(
                f"the networks cannot be built ({type(error).__name__}: {error})", where=parts.id
            ) from error
        notes.append(f"the networks need facts of the data ({error}): give --data")
        return {}


def _shapes(
    parts: Parts,
    config: RunConfig,
    facts: Mapping[str, Any],
    samples: Table | None,
    notes: list[str],
) -> dict[str, str]:
    if samples is None:
        notes.append("shapes are known for simulators only")
        return {}
    constants = parts.codec.fit(config.model, facts, [samples])
    batch = parts.codec(config.model, facts, constants).encode(samples)
    found: dict[str, str] = {}
    for kind, values in (("inputs", batch.inputs), ("targets", batch.targets)):
        for name, value in values.items():
            found |= _described(f"{kind}.{name}", value)
    return found


def _work(
    parts: Parts,
    config: RunConfig,
    networks: Mapping[str, nn.Module],
    example: tuple[Mapping[str, Any], Table | None],
    notes: list[str],
) -> dict[str, Any]:
    """Multiply-adds of the samples that the training would see, changed as it would change them."""
    facts, samples = example
    if samples is None or not networks:
        return {}
    constants = parts.codec.fit(config.model, facts, [samples])
    codec = parts.codec(config.model, facts, constants)
    batch = codec.encode(codec.augment(samples, combine(config.training.seed, samples.ids)))
    learner = parts.learner(config.model, facts)
    try:
        work = sample_work(config, networks, learner, batch)
    except Exception as error:  # noqa: BLE001  # whatever code raises that needs values
        why = type(error).__name__
        notes.append(f"its multiply-adds cannot be counted from shapes alone ({why})")
        return {}
    return estimate(work, _samples(parts, config))


def _samples(parts: Parts, config: RunConfig) -> int | None:
    """How many samples the training would see; ``None``: no data, or no number of events."""
    training = config.training
    if training.steps is not None and training.accumulate != "epoch":
        return training.steps * training.accumulate * training.batch
    try:
        blocks = open_source(parts.task.name, config.data).blocks()
        held = split_blocks(blocks, config.data.validation, config.data.test, SPLIT_SEED)["train"]
    except ZooError:
        return None
    return (training.epochs or training.steps or 0) * sum(block.rows for block in held)


def _described(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, np.ndarray):
        return {name: f"{value.dtype} {list(value.shape)}"}
    if isinstance(value, Ragged):
        return {name: f"ragged {value.values.dtype} {list(value.values.shape)}"}
    if isinstance(value, Mapping):
        return {
            k: v
            for key, item in value.items()
            for k, v in _described(f"{name}.{key}", item).items()
        }
    if isinstance(value, list | tuple):
        return {
            k: v for i, item in enumerate(value) for k, v in _described(f"{name}.{i}", item).items()
        }
    return {name: type(value).__name__}


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
