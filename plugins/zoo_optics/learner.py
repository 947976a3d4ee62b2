"""Losses of the light: Poisson, squared error, and squared error of the logarithm."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss, PluginError
from zoo_optics.config import SurrogateConfig
from zoo_optics.times.likelihood import time_outputs, time_term

__all__ = ["OpticsLearner"]


class OpticsLearner(Learner):
    """One term per pair of flash and sensor; the mean runs over all of them."""

    config: SurrogateConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """The term that ``model.loss`` names.

        ``poisson``: ``mu - q log mu``, without the part that has no parameters. ``mse``:
        ``(q - mu)^2``. ``log-l2``: ``w (log(v + f) - log(q / photons + f))^2`` with the inverse
        variance ``w = 1 / (1 / (q + 1) + model_error^2)``.

        With ``model.time`` also ``hit_time``, a term per hit: ``-log p(t - R / c_n)``.
        """
        charge: Tensor = batch.targets["charge"]
        photons: Tensor = batch.targets["photons"][:, None]
        log_visibility: Tensor = nets["net"](**batch.inputs)
        if log_visibility.shape != charge.shape:
            raise PluginError(
                f"an answer of shape {tuple(log_visibility.shape)} for charges of shape "
                f"{tuple(charge.shape)}",
                where="optics",
                remedy="a network answers once for every sensor of every flash",
            )
        total = self._terms(charge, photons, log_visibility).sum()
        loss = Loss().add(self.config.loss, total, charge.numel())
        if self.config.time:
            expected = photons * log_visibility.detach().exp()
            hits, count = time_term(nets, batch, expected, self.facts)
            loss.add("hit_time", hits, count, self.config.time_weight)
        return loss

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """``visibility`` float32 (N, sensors), and where times are learnt their distribution."""
        found = {"visibility": nets["net"](**batch.inputs).exp()}
        return found | (time_outputs(nets, batch) if self.config.time else {})

    def _terms(self, charge: Tensor, photons: Tensor, log_visibility: Tensor) -> Tensor:
        if self.config.loss == "poisson":
            log_expected = log_visibility + photons.log()
            return log_expected.exp() - charge * log_expected
        visibility = log_visibility.exp()
        if self.config.loss == "mse":
            return (charge - photons * visibility).square()
        floor = self.config.floor
        lack = (visibility + floor).log() - (charge / photons + floor).log()
        variance = 1 / (charge + 1) + self.config.model_error**2
        return lack.square() / variance
