"""Which network each update drives, and its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss
from zoo_miniatures.gan.config import GanConfig

__all__ = ["WganLatentOptimisation"]

_LATENT, _MIXTURE = 1, 2  # tags of independent random numbers
Networks = Mapping[str, nn.Module]


class WganLatentOptimisation(Learner):
    """LOGAN (arXiv:1912.00953) with a gradient penalty and an energy constrainer.

    A cycle is ``critic_updates`` of the critic, one of the constrainer, one of the generator.
    Both players see the latent vector moved along the critic's gradient (eq. 9), in units of its
    running root mean square: the only state, a buffer.
    """

    squared_gradient: Tensor

    def __init__(self, config: GanConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        self.register_buffer("squared_gradient", torch.tensor(1e-3))

    def phase(self, step: int) -> str:
        place = step % (self.config.critic_updates + 2)
        if place < self.config.critic_updates:
            return "critic"
        return "constrainer" if place == self.config.critic_updates else "generator"

    def loss(self, nets: Networks, batch: Batch, context: Context) -> Loss:
        if context.phase == "constrainer":
            return self._constrainer(nets, batch)
        with context.full_precision():  # second derivatives do not survive bfloat16
            if context.phase == "critic":
                return self._critic(nets, batch, context)
            return self._generator(nets, batch, context)

    def after(self, step: int, totals: Mapping[str, float]) -> None:
        if "squared_gradient" in totals:
            self.squared_gradient.mul_(0.9).add_(0.1 * totals["squared_gradient"])

    def predict(self, nets: Networks, batch: Batch, context: Context) -> Mapping[str, Tensor]:
        return {"fractions": nets["generator"](**batch.inputs)}

    def _constrainer(self, nets: Networks, batch: Batch) -> Loss:
        real, energy = batch.targets["fractions"], batch.inputs["log_energy"]
        error = nets["constrainer"](real, energy) - real.sum(1, keepdim=True)
        return Loss().add("constrainer", (error**2).sum(), len(real))

    def _critic(self, nets: Networks, batch: Batch, context: Context) -> Loss:
        real, energy = batch.targets["fractions"], batch.inputs["log_energy"]
        latent, _, squared = self._latent(nets, energy, context)
        fake = nets["generator"](latent, energy)
        mixture = context.uniform(1, tag=_MIXTURE)
        between = (mixture * real + (1 - mixture) * fake).detach().requires_grad_()
        slope = _gradient(nets["critic"](between, energy), between).norm(dim=1)
        wasserstein = nets["critic"](fake, energy) - nets["critic"](real, energy)
        return (
            Loss()
            .add("wasserstein", wasserstein.sum(), len(real), per="showers")
            .add("penalty", ((slope - 1) ** 2).sum(), len(real), self.config.penalty, per="showers")
            .add("squared_gradient", squared.sum(), len(real), 0.0, per="showers")
        )

    def _generator(self, nets: Networks, batch: Batch, context: Context) -> Loss:
        real, energy = batch.targets["fractions"], batch.inputs["log_energy"]
        latent, start, squared = self._latent(nets, energy, context)
        fake = nets["generator"](latent, energy)
        difference = nets["constrainer"](fake, energy) - nets["constrainer"](real, energy)
        moved = ((latent - start) ** 2).sum()
        return (
            Loss()
            .add("adversarial", -nets["critic"](fake, energy).sum(), len(real), per="showers")
            .add(
                "constraint",
                (difference**2).sum(),
                len(real),
                self.config.constraint,
                per="showers",
            )
            .add("move", moved, len(real), self.config.move, per="showers")
            .add("squared_gradient", squared.sum(), len(real), 0.0, per="showers")
        )

    def _latent(
        self, nets: Networks, energy: Tensor, context: Context
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The latent vector moved and unmoved ``(N, L)``, and the squared gradient ``(N,)``."""
        start = (2 * context.uniform(self.config.latent, tag=_LATENT) - 1).requires_grad_()
        gradient = _gradient(nets["critic"](nets["generator"](start, energy), energy), start)
        squared = (gradient**2).sum(1)
        scaled = gradient / self.squared_gradient.sqrt()
        damping = self.config.latent_damping + (scaled**2).sum(1, keepdim=True)
        move = self.config.latent_rate * scaled / damping
        return (start + move).clamp(-1, 1), start, squared.detach()


def _gradient(output: Tensor, point: Tensor) -> Tensor:
    """d output / d point, itself differentiable."""
    (gradient,) = torch.autograd.grad(output.sum(), point, create_graph=True)
    return gradient
