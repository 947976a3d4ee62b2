"""A loss whose scale is the largest target of the batch."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from zoo.api import Batch, Context, Loss
from zoo_broken.nets import PulseLearner


class CoupledLearner(PulseLearner):
    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        squares = super().loss(nets, batch, context).terms["squares"]
        largest = batch.targets["position"].max()
        return Loss().add("squares", squares.total / largest, squares.count)
