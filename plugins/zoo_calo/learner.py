"""Which network each update drives, and its loss."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from zoo.api import Batch, Context, Learner, Loss
from zoo_calo.config import CaloConfig
from zoo_calo.losses.latent import Moved, latent_step
from zoo_calo.losses.penalty import gradient_penalty
from zoo_calo.losses.spectrum import sorted_discrepancy
from zoo_calo.making import deposits
from zoo_calo.models.common import conditions
from zoo_calo.physics.grid import grid_of
from zoo_calo.units import cell_units

__all__ = ["ShowerLearner"]

_LATENT, _MIXTURE, _SHARE = 1, 2, 3  # tags of independent random numbers
_SHOWERS = "showers"
Networks = Mapping[str, nn.Module]


class ShowerLearner(Learner):
    """A Wasserstein game with gradient penalty, energy constrainer and latent optimisation.

    A cycle is some updates of the critic, of the constrainer, of the generator; every update sees
    a batch of its own. The last updates may be of the post-processor alone. What is random is drawn
    for each shower: no two processes share it, and any number of them draws the same.

    Attributes:
        mean_square: Of the latent gradient's norm, running; 0 until it has been seen once. The only
            state.
        unit: MeV of a cell that the networks take for 1, (layers, 1, 1).
    """

    config: CaloConfig
    mean_square: Tensor
    unit: Tensor

    def __init__(self, config: CaloConfig, facts: Mapping[str, Any]) -> None:
        super().__init__(config, facts)
        unit = torch.from_numpy(cell_units(config, grid_of(facts)))
        self.register_buffer("mean_square", torch.zeros(()))
        self.register_buffer("unit", unit, persistent=False)

    def phase(self, step: int) -> str:
        """``critic``, ``constrainer``, ``generator`` or ``post``."""
        config = self.config
        if config.post.begin is not None and step >= config.post.begin:
            return "post"
        if step < config.constrainer_first:
            return "constrainer"
        before = config.critic_updates + config.constrainer_updates
        place = (step - config.constrainer_first) % (before + config.generator_updates)
        if place < config.critic_updates:
            return "critic"
        return "constrainer" if place < before else "generator"

    def loss(self, nets: Networks, batch: Batch, context: Context) -> Loss:
        """Terms of the phase, each a sum over showers."""
        real: Tensor = batch.targets["cells"]
        given = conditions(self.config, batch.inputs)
        if context.phase == "constrainer":
            error = (nets["constrainer"](real) - given[:, 0]).abs()
            return Loss().add("energy", error.sum(), len(real))
        if context.phase == "post":
            return self._post(nets, real, given, context)
        if context.phase == "critic":
            return self._critic(nets, real, given, context)
        return self._generator(nets, real, given, context)

    def after(self, step: int, totals: Mapping[str, float]) -> None:
        """Follow the mean square of the latent gradient."""
        if "squared_gradient" not in totals:
            return
        memory = self.config.latent_step.memory * (self.mean_square > 0)
        self.mean_square.mul_(memory).add_((1 - memory) * totals["squared_gradient"])

    def predict(self, nets: Networks, batch: Batch, context: Context) -> Mapping[str, Tensor]:
        """``deposits``, float32 (N, cells), MeV."""
        inputs = dict(batch.inputs)
        given, everyone = conditions(self.config, inputs), torch.ones(len(inputs["energy"]))
        for _ in range(self.config.refine):
            with torch.enable_grad():
                moved = self._moved(nets, inputs["latent"], given, everyone.to(given))
            inputs["latent"] = moved.latent.detach()
        return {"deposits": deposits(nets, self.unit, self.config, inputs)}

    def _critic(self, nets: Networks, real: Tensor, given: Tensor, context: Context) -> Loss:
        """``<D(fake)> - <D(real)> + lambda <(|grad D| - 1)^2>``, and the cost of latent steps."""
        moved, fake = self._fake(nets, given, context)
        made, true = nets["critic"](fake, given), nets["critic"](real, given)
        with context.full_precision():  # second derivatives do not survive bfloat16
            mixture = context.uniform(tag=_MIXTURE)
            penalty = gradient_penalty(
                lambda cells: nets["critic"](cells, given), real, fake, mixture
            )
        difference, count = (made - true).sum(), len(real)
        loss = (
            Loss()
            .add("critic", difference, count, per=_SHOWERS)
            .add("penalty", penalty.sum(), count, self.config.penalty, per=_SHOWERS)
            .add("wasserstein", -difference.detach(), count, 0.0)
        )
        return self._with_step(loss, moved, count)

    def _generator(self, nets: Networks, real: Tensor, given: Tensor, context: Context) -> Loss:
        """``-<D(fake)> + kappa <|(a(fake) - E)^2 - (a(real) - E)^2|>``, and the cost of steps."""
        moved, fake = self._fake(nets, given, context)
        count = len(real)
        loss = Loss().add("generator", -nets["critic"](fake, given).sum(), count, per=_SHOWERS)
        if self.config.kappa > 0:
            energy = given[:, 0]
            wrong = (nets["constrainer"](fake) - energy).square()
            usual = (nets["constrainer"](real) - energy).square()
            off = (wrong - usual).abs().sum()
            loss.add("constraint", off, count, self.config.kappa, per=_SHOWERS)
        return self._with_step(loss, moved, count)

    def _post(self, nets: Networks, real: Tensor, given: Tensor, context: Context) -> Loss:
        """Discrepancy of the sorted cells, and the change of each cell."""
        with torch.no_grad():
            cells = nets["generator"](self._start(context), given)
        with context.full_precision():
            made = nets["post"](cells.float(), given)
            spectrum = sorted_discrepancy(made, real, self.config.post)
        change = (made - cells).square().flatten(1).mean(1)
        return (
            Loss()
            .add("spectrum", spectrum.sum(), len(real), self.config.post.spectrum, per=_SHOWERS)
            .add("change", change.sum(), len(real), self.config.post.change, per=_SHOWERS)
        )

    def _fake(self, nets: Networks, given: Tensor, context: Context) -> tuple[Moved | None, Tensor]:
        """Showers (N, layers, x, y), and the latent step that they began with."""
        start = self._start(context)
        step = self.config.latent_step
        if step.kind == "none":
            with torch.no_grad() if context.phase == "critic" else nullcontext():
                return None, nets["generator"](start, given).float()
        moves = (context.uniform(tag=_SHARE) < step.share).to(start)
        with context.full_precision():
            moved = self._moved(nets, start, given, moves)
            return moved, nets["generator"](moved.latent, given)

    def _moved(self, nets: Networks, start: Tensor, given: Tensor, moves: Tensor) -> Moved:
        def value(latent: Tensor) -> Tensor:
            judged: Tensor = nets["critic"](nets["generator"](latent, given), given)
            return judged

        return latent_step(value, start, moves, self.mean_square, self.config.latent_step)

    def _start(self, context: Context) -> Tensor:
        return 2 * context.uniform(self.config.latent, 1, 1, 1, tag=_LATENT) - 1

    def _with_step(self, loss: Loss, moved: Moved | None, count: int) -> Loss:
        if moved is None:
            return loss
        return (
            loss.add("cost", moved.cost.sum(), count, self.config.latent_step.cost, per=_SHOWERS)
            .add("moved", moved.length.sum(), count, 0.0)
            .add("squared_gradient", moved.squared.sum(), count, 0.0)
        )
