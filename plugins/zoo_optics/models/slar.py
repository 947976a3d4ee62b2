"""The SIREN of slar: its output is a logarithm of the visibility and a constant, between -1 and 1.

Lei et al., arXiv:2211.01505, as https://github.com/CIDeR-ML/siren-lartpc has it: with
``y = log((v + eps) / eps) / log((v_max + eps) / eps)`` the network answers with ``2 y - 1``, times
a factor of each sensor that it keeps. Here its answer is undone, ``v = eps (exp(z) - 1)``, with
``z`` the logarithm of ``(v + eps) / eps``, which is exact where there is hardly any light. That
code answers with 0 outside of its box; here the network continues.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo_optics.config import SirenSlarConfig
from zoo_optics.models.folding import around, around_with_slope
from zoo_optics.models.slopes import stack_with_slope
from zoo_optics.models.vector import SirenVector
from zoo_optics.times.head import with_times

__all__ = ["SirenSlar", "slar_networks"]

_LEAST = 1e-3
"""Least visibility in units of eps: below it, the network knows no light at all."""


class SirenSlar(SirenVector):
    """A SIREN with an output per sensor whose answer is bounded.

    Attributes:
        output_scale: float32 (sensors,), factor on the answer of each sensor, 1 unless a converted
            file has others.
    """

    output_scale: Tensor

    def __init__(self, config: SirenSlarConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.register_buffer("output_scale", torch.ones(len(self.sensor)))
        self.frequency, self.last_sine = config.frequency, config.last_sine
        self.centred, self.log_eps = config.centred, math.log(config.eps)
        self.span = math.log((config.vmax + config.eps) / config.eps)

    def answer(self, inputs: Tensor) -> Tensor:
        """(N, 3 or 6) to (N, sensors)."""
        return around(self.fold, self._of, inputs)

    def answer_with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        """(N, sensors), and their derivative by the position, (N, sensors, 3)."""
        answers, slopes = around_with_slope(self.fold, self._with_slope, inputs, slope)
        return answers, slopes.transpose(1, 2)

    def _of(self, inputs: Tensor) -> Tensor:
        last: Tensor = self.stack(inputs)
        return self._answer(
            self._exponent((self.frequency * last).sin() if self.last_sine else last)
        )

    def _with_slope(self, inputs: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        last, slopes = stack_with_slope(self.stack, inputs, slope)
        if self.last_sine:
            slopes = slopes * (self.frequency * (self.frequency * last).cos())[:, None]
            last = (self.frequency * last).sin()
        exponent = self._exponent(last)
        slopes = slopes * self.output_scale * (self.span / (2 if self.centred else 1))
        light = exponent.expm1()
        steep = torch.where(light > _LEAST, exponent.exp() / light.clamp_min(_LEAST), 0.0)
        return self._answer(exponent), slopes * steep[:, None] / self.scale

    def _exponent(self, last: Tensor) -> Tensor:
        """``log((v + eps) / eps)`` of what the last layer says, (N, sensors)."""
        share = last * self.output_scale
        return self.span * ((share + 1) / 2 if self.centred else share)

    def _answer(self, exponent: Tensor) -> Tensor:
        """In the units of all surrogates, (N, sensors)."""
        logarithm = self.log_eps + exponent.expm1().clamp_min(_LEAST).log()
        return (logarithm - self.mean_log) / self.scale


def slar_networks(config: SirenSlarConfig, facts: Mapping[str, Any]) -> dict[str, nn.Module]:
    """The network of ``siren-slar``."""
    return with_times(SirenSlar(config, facts), config, facts)
