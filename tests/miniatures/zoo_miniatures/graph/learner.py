"""The loss of mini-graph."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from zoo.api import Batch, Context, Learner, Loss

__all__ = ["EdgeLearner"]


class EdgeLearner(Learner):
    """Cross entropy per edge, however many an event has."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        logits = nets["net"](**batch.inputs)
        same = batch.targets["same"]
        total = binary_cross_entropy_with_logits(logits, same, reduction="sum")
        return Loss().add("edge", total, len(same))
