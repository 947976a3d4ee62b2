"""A running mean that is no buffer: it begins anew where a training resumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from zoo.api import Batch, Context, Loss
from zoo_broken.nets import PulseLearner


class ForgetfulLearner(PulseLearner):
    def __init__(self, config: Any, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.mean = 1.0

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        squares = super().loss(nets, batch, context).terms["squares"]
        return Loss().add("squares", squares.total / self.mean, squares.count)

    def after(self, step: int, totals: Mapping[str, float]) -> None:
        self.mean = 0.5 * self.mean + 0.5 * (1.0 + totals["squares"])
