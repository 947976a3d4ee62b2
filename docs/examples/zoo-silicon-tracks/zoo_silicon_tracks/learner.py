"""The loss."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from zoo.api import Batch, Context, Learner, Loss

__all__ = ["DoubletLearner"]


class DoubletLearner(Learner):
    """Cross entropy of every pair, however many an event has."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """One term: a sum and a count."""
        logits = nets["net"](**batch.inputs).float()
        truth = batch.targets["truth"]
        total = binary_cross_entropy_with_logits(logits, truth, reduction="sum")
        return Loss().add("pairs", total, len(truth))

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """By the names of the export's outputs."""
        return {"logits": nets["net"](**batch.inputs)}
