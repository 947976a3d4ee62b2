"""What a model is made of, from the references of its plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from zoo.config.base import Config
from zoo.config.run import EngineConfig
from zoo.contract.codec import Codec
from zoo.contract.learning import LearnerProtocol
from zoo.contract.refs import resolve
from zoo.contract.task import Model, Task
from zoo.data.keys import combine
from zoo.engine.learner import refuse_parameters
from zoo.errors import ConfigError, PluginError, UsageError
from zoo.registry import registry

__all__ = ["Parts", "compiled", "find_parts"]

_INITIAL = int.from_bytes(b"initial")


@dataclass(frozen=True)
class Parts:
    """One trainable model of the registry.

    Attributes:
        id: ``TASK/MODEL``.
        codec: Its codec class.
    """

    id: str
    task: Task
    model: Model
    codec: type[Codec]

    @property
    def config(self) -> type[Config]:
        """Its config class."""
        return cast("type[Config]", resolve(self.model.config))

    def networks(self, config: Config, facts: Mapping[str, Any], seed: int) -> dict[str, nn.Module]:
        """The networks, initialised from the seed.

        Raises:
            PluginError: If the plugin returns something else.
        """
        factory = cast("Callable[..., object]", resolve(self.model.networks or ""))
        torch.manual_seed(int(combine(seed, _INITIAL)))
        built = factory(config, facts)
        if not isinstance(built, dict) or not built:
            raise PluginError("it returns no dict of networks", where=self.model.networks or "")
        for name, network in built.items():
            if not isinstance(network, nn.Module):
                raise PluginError(
                    f"network '{name}' is a {type(network).__name__}, no nn.Module", where=self.id
                )
        return built

    def learner(self, config: Config, facts: Mapping[str, Any]) -> LearnerProtocol:
        """The learner.

        Raises:
            PluginError: If it has parameters.
        """
        reference = self.model.learner or self.task.learner
        factory = cast("Callable[..., LearnerProtocol]", resolve(reference))
        torch.manual_seed(0)  # buffers drawn at random are the same in every process
        learner = factory(config, facts)
        if isinstance(learner, nn.Module):
            refuse_parameters(learner)
        return learner


def find_parts(id_: str) -> Parts:
    """A trainable model by id.

    Raises:
        UsageError: If it is classical.
        PluginError: If it is unknown or broken.
    """
    task, model = registry().model(id_)
    if model.networks is None:
        raise UsageError(
            "a classical algorithm has nothing to train",
            where=id_,
            remedy="`zoo eval` fits and measures it",
        )
    return Parts(id_, task, model, cast("type[Codec]", resolve(model.codec or task.codec)))


def compiled(
    parts: Parts, networks: Mapping[str, nn.Module], engine: EngineConfig
) -> Mapping[str, nn.Module]:
    """The networks as the learner calls them.

    Raises:
        ConfigError: If compilation is asked for and the model does not declare it safe.
    """
    if not engine.compile:
        return networks
    if not parts.model.compile_safe or parts.model.second_order:
        why = "differentiates twice" if parts.model.second_order else "is not declared safe for it"
        raise ConfigError(
            f"{parts.id} {why}", where="engine.compile", remedy="leave engine.compile off"
        )
    return {name: cast("nn.Module", torch.compile(net)) for name, net in networks.items()}
