"""Networks with their learner and codec, trained or fresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from torch import nn

from zoo.bench.case import Subject
from zoo.bench.samples import source_for, training_samples
from zoo.config.layers import validate
from zoo.config.run import RunConfig, run_config
from zoo.contract.codec import Codec
from zoo.contract.deploy import Deploy
from zoo.contract.learning import LearnerProtocol
from zoo.contract.refs import resolve
from zoo.data.failures import plugin_code
from zoo.prediction.network import load_network
from zoo.training.parts import Parts, find_parts

__all__ = ["Loaded", "deploy_of", "load_networks", "parameters"]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model, ready to run.

    Attributes:
        config: The whole run configuration.
    """

    parts: Parts
    config: RunConfig
    networks: Mapping[str, nn.Module]
    learner: LearnerProtocol
    codec: Codec


def load_networks(subject: Subject) -> Loaded:
    """Networks from a model file, or fresh ones from the seed of the configuration.

    Raises:
        ZooError: If configuration, data, weights or plugin are wrong.
    """
    parts = find_parts(subject.model)
    config = validate(run_config(parts.config), subject.config)
    if subject.file:
        trained = load_network(Path(subject.file), model=subject.model)
        return Loaded(
            parts=parts,
            config=config,
            networks=trained.networks,
            learner=trained.learner,
            codec=trained.codec,
        )
    source, data = source_for(parts.task, config.data)
    unfitted = parts.codec(config.model, source.facts, {})
    samples = training_samples(source, data, unfitted.needs | unfitted.targets)
    with plugin_code(parts.codec.__name__):
        constants = parts.codec.fit(config.model, source.facts, samples)
    return Loaded(
        parts=parts,
        config=config,
        networks=parts.networks(config.model, source.facts, config.training.seed),
        learner=parts.learner(config.model, source.facts),
        codec=parts.codec(config.model, source.facts, constants),
    )


def deploy_of(loaded: Loaded) -> Deploy | None:
    """What a consumer would load; ``None``: the plugin does not say."""
    ref = loaded.parts.model.deploy or loaded.parts.task.deploy
    if ref is None:
        return None
    factory = cast("Callable[..., Deploy]", resolve(ref))
    return factory(loaded.codec.config, loaded.codec.facts)


def parameters(modules: Mapping[str, nn.Module]) -> int:
    """Parameters of all modules."""
    return sum(p.numel() for module in modules.values() for p in module.parameters())
