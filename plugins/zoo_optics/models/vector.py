"""Networks of the point alone that answer for all sensors at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from zoo_optics.config import FourierConfig, SirenVectorConfig
from zoo_optics.models.doubt import doubt_stack, require_doubt
from zoo_optics.models.folding import around, around_with_slope, point_folding
from zoo_optics.models.siren import siren_stack
from zoo_optics.models.slopes import stack_with_slope
from zoo_optics.models.surroundings import Surrogate
from zoo_optics.times.head import with_times

__all__ = ["Fourier", "SirenVector", "fourier_networks", "vector_networks"]


class SirenVector(Surrogate):
    """A SIREN with an output per sensor: rows of points only, so the memory is small."""

    def __init__(self, config: SirenVectorConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.fold = point_folding(config, facts)
        self.stack = siren_stack(
            self.inputs,
            config.hidden,
            config.layers,
            len(self.sensor),
            config.frequency,
            recompute=config.recompute,
        )
        self.doubt = doubt_stack(config, self.inputs, len(self.sensor))

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, self.stack, inputs)

    def doubts(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, require_doubt(self.doubt), inputs)

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """(N, sensors), and their derivative by the position, (N, sensors, 3)."""
        answers, slopes = around_with_slope(
            self.fold, partial(stack_with_slope, self.stack), inputs, slope
        )
        return answers, slopes.transpose(1, 2)


class Fourier(Surrogate):
    """Random Fourier features and SiLU layers (Tancik et al., arXiv:2006.10739)."""

    waves: Tensor

    def __init__(self, config: FourierConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.fold = point_folding(config, facts)
        self.register_buffer("waves", config.sigma * torch.randn(self.inputs, config.features))
        widths = [2 * config.features + self.inputs, *[config.hidden] * (config.layers + 1)]
        steps: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            steps += [nn.Linear(inputs, outputs), nn.SiLU()]
        last = nn.Linear(config.hidden, len(self.sensor))
        nn.init.zeros_(last.bias)
        self.stack = nn.Sequential(*steps, last)
        self.doubt = doubt_stack(config, self.inputs, len(self.sensor))

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, self._of, inputs)

    def doubts(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, require_doubt(self.doubt), inputs)

    def _of(self, inputs: Tensor) -> Tensor:
        phase = math.pi * inputs @ self.waves
        answers: Tensor = self.stack(torch.cat([inputs, phase.sin(), phase.cos()], 1))
        return answers

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """(N, sensors), and their derivative by the position, (N, sensors, 3)."""
        answers, slopes = around_with_slope(self.fold, self._with_slope, inputs, slope)
        return answers, slopes.transpose(1, 2)

    def _with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        phase, turned = (math.pi * part @ self.waves for part in (inputs, slope))
        features = torch.cat([inputs, phase.sin(), phase.cos()], 1)
        feature_slope = torch.cat(
            [slope, phase.cos()[:, None] * turned, -phase.sin()[:, None] * turned], 2
        )
        return stack_with_slope(self.stack, features, feature_slope)


def vector_networks(config: SirenVectorConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``siren-vector``."""
    return with_times(SirenVector(config, facts), config, facts)


def fourier_networks(config: FourierConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``fourier``."""
    return with_times(Fourier(config, facts), config, facts)
