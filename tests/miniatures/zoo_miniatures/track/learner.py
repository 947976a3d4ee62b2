"""The loss of mini-track."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss

__all__ = ["Heteroscedastic"]


class Heteroscedastic(Learner):
    """Gaussian likelihood with a predicted variance."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        mean, log_variance = (part.float() for part in nets["net"](**batch.inputs))
        residual = batch.targets["position"] - mean
        likelihood = (residual**2 * (-log_variance).exp() + log_variance) / 2
        return (
            Loss()
            .add("likelihood", likelihood.sum(), len(mean), per="tracks")
            .add("squared_error", (residual**2).sum().detach(), len(mean), 0.0, per="tracks")
        )

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        mean, log_variance = nets["net"](**batch.inputs)
        return {"mean": mean, "log_variance": log_variance}
