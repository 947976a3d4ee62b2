"""The loss of mini-light."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss

__all__ = ["ShareLearner"]


class ShareLearner(Learner):
    """Multinomial likelihood: the softmax couples all photomultipliers of an event.

    Its denominator is the number of photoelectrons, which only the whole epoch tells.
    """

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        charge = batch.targets["charge"]
        shares = nets["net"](**batch.inputs).float().log_softmax(1)
        return Loss().add("multinomial", -(charge * shares).sum(), float(charge.sum()))

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        return {"logits": nets["net"](**batch.inputs)}
