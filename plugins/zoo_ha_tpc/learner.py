"""Losses of tracks: squared error, Huber, likelihoods of two distributions, quantiles."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.api import Batch, Context, Learner, Loss, PluginError
from zoo_ha_tpc.config import TrackConfig
from zoo_ha_tpc.models.heads import QUANTILES, answers, log_variance, widths

__all__ = ["TrackLearner"]


class TrackLearner(Learner):
    """One term per target; the loss is their mean, each a mean over tracks.

    Residuals are in standard deviations of the target over the training tracks or, where a fit is
    corrected, in units of its error. Those of an angle are taken the short way round.
    """

    config: TrackConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """A term for each of ``model.targets``, by its name."""
        truth: Tensor = batch.targets["truth"]
        raw: Tensor = nets["net"](**batch.inputs)
        if raw.shape[:2] != truth.shape:
            raise PluginError(
                f"an answer of shape {tuple(raw.shape)} for truth of shape {tuple(truth.shape)}",
                where="ha-tpc",
                remedy="a network answers once for every target of every track",
            )
        residual = _short_way(truth - self._answers(raw, batch)["value"], batch.targets["period"])
        terms = self._terms(residual / batch.inputs.get("scale", 1.0), raw)
        loss, share = Loss(), 1 / len(self.config.targets)
        for name, term in zip(self.config.targets, terms.unbind(1), strict=True):
            loss.add(name, term.sum(), len(term), share, per="tracks")
        return loss

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """``value`` and perhaps ``error``, float32 (N, T), in standard units."""
        return self._answers(nets["net"](**batch.inputs), batch)

    def _answers(self, raw: Tensor, batch: Batch) -> dict[str, Tensor]:
        return answers(raw, self.config.loss, batch.inputs)

    def _terms(self, residual: Tensor, raw: Tensor) -> Tensor:
        """(N, T) of residuals (N, T): truth less answer in units of the scale.

        ``gaussian-nll``: ``(r^2 e^-s + s) / 2`` with the log variance s, times ``e^(beta s)`` with
        no gradient. ``student-nll``: ``(n + 1) / 2 log(1 + r^2 e^-s / n) + s / 2`` with n degrees
        of freedom. ``quantile``: ``max(t d, (t - 1) d)`` of the distance d from each quantile t.
        """
        if self.config.loss == "mse":
            return residual.square()
        if self.config.loss == "huber":
            zero = torch.zeros_like(residual)
            return functional.huber_loss(residual, zero, reduction="none", delta=self.config.huber)
        if self.config.loss == "gaussian-nll":
            logarithm = log_variance(raw)
            likelihood = (residual.square() * (-logarithm).exp() + logarithm) / 2
            return likelihood * (self.config.beta * logarithm.detach()).exp()
        if self.config.loss == "student-nll":
            logarithm, n = log_variance(raw), self.config.freedom
            square = residual.square() * (-logarithm).exp()
            return (n + 1) / 2 * (square / n).log1p() + logarithm / 2
        lower, upper = widths(raw).unbind(-1)
        total = torch.zeros_like(residual)
        for level, distance in zip(
            QUANTILES, (residual + lower, residual, residual - upper), strict=True
        ):
            total = total + torch.maximum(level * distance, (level - 1) * distance)
        return total


def _short_way(difference: Tensor, period: Tensor) -> Tensor:
    """Differences (N, T) less whole turns, where the period is not 0."""
    turns = (difference / period.where(period > 0, torch.ones_like(period))).round()
    return difference - (turns * period).detach()
