"""The networks of Getting High together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from zoo_calo.config import WganConfig
from zoo_calo.models.constrainer import Constrainer
from zoo_calo.models.post import post_processor
from zoo_calo.models.wgan_critic import WganCritic
from zoo_calo.models.wgan_generator import WganGenerator
from zoo_calo.physics.grid import grid_of

__all__ = ["networks"]


def networks(config: WganConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """``generator``, ``critic``, ``constrainer`` and perhaps ``post``.

    On 30 x 30 x 30 cells 3,655,520, 253,919 and 224,473 parameters, as published.
    """
    shape = grid_of(facts).shape
    return {
        "generator": WganGenerator(config, shape),
        "critic": WganCritic(config, shape),
        "constrainer": Constrainer(config, shape),
        **post_processor(config, shape),
    }
