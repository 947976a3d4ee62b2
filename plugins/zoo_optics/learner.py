"""Losses of the light: Poisson, squared error, and squared error of the logarithm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss, PluginError
from zoo_optics.config import SurrogateConfig
from zoo_optics.models.doubt import negative_binomial
from zoo_optics.times.likelihood import time_outputs, time_term

__all__ = ["OpticsLearner"]


_SENSORS = 1  # tag of the random numbers


class OpticsLearner(Learner):
    """One term per pair of flash and sensor alive; the mean runs over all of them."""

    config: SurrogateConfig

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """The term that ``model.loss`` names.

        ``poisson``: ``mu - q log mu``, without the part that has no parameters. ``mse``:
        ``(q - mu)^2``. ``log-l2``: ``w (log(v + f) - log(q / photons + f))^2`` with the inverse
        variance ``w = 1 / (1 / (q + 1) + model_error^2)``. With ``model.uncertainty``, ``poisson``
        is that of :func:`zoo_optics.models.doubt.negative_binomial`.

        With ``model.time`` also ``hit_time``, a term per hit: ``-log p(t - R / c_n)``.
        """
        net: Any = nets["net"]  # a Surrogate
        photons: Tensor = batch.targets["photons"][:, None]
        drawn = self._drawn(batch, context)
        charge = _of(batch.targets["charge"], drawn)
        asked = {} if drawn is None else {"sensors": drawn}
        log_visibility: Tensor = net(**batch.inputs, **asked)
        if log_visibility.shape != charge.shape:
            raise PluginError(
                f"an answer of shape {tuple(log_visibility.shape)} for charges of shape "
                f"{tuple(charge.shape)}",
                where="optics",
                remedy="a network answers once for every sensor of every flash",
            )
        terms, count = self._terms(charge, photons, log_visibility), charge.numel()
        if self.config.uncertainty:
            error = net.errors(**batch.inputs)
            terms = negative_binomial(charge, log_visibility + photons.log(), error)
        if "alive" in batch.targets:  # what a dead sensor tells is nothing
            alive = _of(batch.targets["alive"], drawn)
            terms, count = terms.where(alive, terms.new_zeros(())), int(alive.sum())
        loss = Loss().add(self.config.loss, terms.sum(), count)
        if self.config.time:
            expected = photons * log_visibility.detach().exp()
            hits, hit_count = time_term(nets, batch, expected, self.facts)
            loss.add("hit_time", hits, hit_count, self.config.time_weight)
        return loss

    def predict(
        self, nets: Mapping[str, nn.Module], batch: Batch, context: Context
    ) -> Mapping[str, Tensor]:
        """``visibility`` float32 (N, sensors); its error and the times of hits where learnt."""
        net: Any = nets["net"]  # a Surrogate
        found = {"visibility": net(**batch.inputs).exp()}
        if self.config.uncertainty:
            found["relative_error"] = net.errors(**batch.inputs)
        return {**found, **(time_outputs(nets, batch) if self.config.time else {})}

    def _drawn(self, batch: Batch, context: Context) -> Tensor | None:
        """int64 (N, K), the sensors that this step sees; ``None``: all."""
        count = getattr(self.config, "sensors_per_step", 0)  # networks of pairs alone have it
        total = batch.targets["charge"].shape[1]
        return (context.uniform(count, tag=_SENSORS) * total).long() if count else None

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


def _of(values: Tensor, sensors: Tensor | None) -> Tensor:
    """(N, sensors) of those that are drawn, (N, K)."""
    return values if sensors is None else values.gather(1, sensors)
