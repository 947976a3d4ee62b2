"""One update: gradients of all micro-batches and ranks, divided by their global counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from zoo.contract.codec import Batch
from zoo.contract.learning import LearnerProtocol, Loss
from zoo.data.failures import plugin_code
from zoo.engine.batchnorm import enough_values
from zoo.engine.chunked import chunk_size
from zoo.engine.context import step_context, torch_seed
from zoo.engine.distributed import World
from zoo.engine.gradients import NORMALISED, GradientSums
from zoo.engine.optimizers import PhaseOptimizer, StepReport
from zoo.engine.precision import Precision
from zoo.engine.running import RunningStatistics
from zoo.engine.transfer import Transfer
from zoo.errors import NonFiniteError, PluginError

__all__ = ["Machine", "Update", "UpdateReport"]

Check = Callable[[str, Mapping[str, Tensor | None]], None]
"""Is shown what is about to happen: its kind, and tensors by parameter."""


@dataclass(frozen=True)
class Machine:
    """What every update needs.

    Attributes:
        nets: The networks as the learner sees them (compiled, where asked for).
        seed: Of all random numbers.
        chunk: Rows that ``chunked`` computes at a time; ``None``: all.
        transfer: Moves batches to the device.
    """

    nets: Mapping[str, nn.Module]
    learner: LearnerProtocol
    optimizers: Mapping[str, PhaseOptimizer]
    precision: Precision
    device: torch.device
    seed: int
    world: World
    chunk: int | None = None
    transfer: Transfer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "transfer", Transfer(self.device))


@dataclass(frozen=True)
class UpdateReport:
    """What one update did.

    Attributes:
        phase: The optimizer that stepped.
        means: Term -> global mean; without terms that had nothing to count.
        counts: Term -> what its mean runs over.
        loss: Weighted sum of the means.
        step: Rate and gradient norm.
    """

    phase: str
    means: dict[str, float]
    counts: dict[str, float]
    loss: float
    step: StepReport


@dataclass
class _Sum:
    """One term over the micro-batches so far."""

    total: float
    count: float
    weight: float
    per: str


class Update:
    """An update in the making; its state can be saved between micro-batches.

    Attributes:
        done: Micro-batches added.
        chunked: Rows of the largest call of ``chunked`` that has no chunk of its own.
        last: The last micro-batch, shards of this process: what to look at if it is not finite.

    The gradient is that of ``sum over terms of weight * sum(total) / sum(count)``, the inner sums
    over all micro-batches and ranks. With one micro-batch in one shard the counts are known before
    the only backward; else there is one gradient sum per denominator, divided at the end.
    """

    def __init__(self, machine: Machine, step: int, epoch: int, phase: str, micro: int) -> None:
        self.machine, self.step, self.epoch, self.phase = machine, step, epoch, phase
        self.done = 0
        self.chunked = 0
        world = machine.world
        self._shard_by_shard = world.ordered or world.parts > 1
        self._divides_first = micro == 1 and not self._shard_by_shard
        self._optimizer = machine.optimizers[phase]
        self._terms: dict[str, _Sum] = {}
        self._pending: tuple[Tensor, list[str]] | None = None
        self.last: tuple[Batch, ...] = ()
        self._gradients = GradientSums(
            machine.world, self._optimizer.parameters, self._optimizer.names
        )

    def add(self, *batches: Batch) -> None:
        """Add the gradient of one encoded micro-batch (numpy), in as many parts as shards here.

        Raises:
            NonFiniteError: If a term of an earlier micro-batch is not finite.
            PluginError: If the loss breaks the contract.
        """
        self._settle()
        self.last = batches
        world = self.machine.world
        # Around the backward passes, too: they may need the buffers as the forward left them.
        with RunningStatistics(self.machine.nets, world) as statistics:
            losses = [
                self._part(shard, batch, statistics)
                for shard, batch in zip(world.mine, batches, strict=True)
            ]
            counts = self._exchanged(losses)
            self._record(losses, counts)
            if not self._shard_by_shard:
                self._accumulate(world.rank, losses[0], counts)
        self.done += 1

    def finish(self, check: Check | None = None) -> UpdateReport:
        """Divide, sum over the ranks, step the optimizer.

        Args:
            check: Is shown the gradient before the step.

        Raises:
            NonFiniteError: If a term or the gradient is not finite.
        """
        gradient = self.gradient()
        if check is not None:
            check("gradient", dict(zip(self._optimizer.names, gradient, strict=True)))
        report = self._optimizer.step(gradient, self.epoch)
        mean = {name: term.total / term.count for name, term in self._terms.items() if term.count}
        loss = math.fsum(self._terms[name].weight * value for name, value in mean.items())
        counts = {name: term.count for name, term in self._terms.items()}
        return UpdateReport(self.phase, mean, counts, loss, report)

    def gradient(self) -> list[Tensor | None]:
        """What the optimizer is given, one for each of its parameters.

        Raises:
            NonFiniteError: If a term is not finite.
        """
        self._settle()
        counts = {term.per: term.count for term in self._terms.values() if term.weight != 0}
        return self._gradients.total({**counts, NORMALISED: 1.0})

    def state(self) -> dict[str, Any]:
        """Tensors and JSON for a checkpoint; the gradient sums of all ranks."""
        self._settle()
        denominators = {term.per for term in self._terms.values() if term.weight != 0}
        return {
            "phase": self.phase,
            "done": self.done,
            "terms": {n: [t.total, t.count, t.weight, t.per] for n, t in self._terms.items()},
            "gradients": self._gradients.state(sorted(denominators)),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.done = state["done"]
        self._terms = {name: _Sum(*value) for name, value in state["terms"].items()}
        self._gradients.restore(state["gradients"])

    def _part(self, shard: int, batch: Batch, statistics: RunningStatistics) -> Loss:
        """The loss of one shard; where there are several, its gradient, too."""
        torch.manual_seed(torch_seed(self.machine.seed, self.step, self.done, shard))
        with statistics.of_shard(rows=len(batch.ids)):
            with chunk_size(self.machine.chunk) as chunks:
                loss = self._loss(batch)
            self.chunked = max(self.chunked, chunks.rows)
            if not self._shard_by_shard:
                return loss
            counts = {name: term.count for name, term in loss.terms.items()}
            self._accumulate(shard, loss, counts)
        # Without its graph, which would keep the activations of every shard in memory.
        recorded = Loss()
        recorded.terms = {n: replace(t, total=t.total.detach()) for n, t in loss.terms.items()}
        return recorded

    def _loss(self, batch: Batch) -> Loss:
        if len(batch.ids) == 0:
            return Loss()  # a rank for which no row was left
        machine = self.machine
        context = step_context(machine.seed, self.step, self.phase, batch.ids, machine.device)
        with machine.precision.autocast():
            tensors = machine.transfer.take(batch)
            where = f"{type(machine.learner).__name__}.loss, step {self.step}"
            with plugin_code(where), enough_values():
                loss = machine.learner.loss(machine.nets, tensors, context)
        _check(loss, self.phase)
        return loss

    def _exchanged(self, losses: Sequence[Loss]) -> dict[str, float]:
        """Global count of each term."""
        world = self.machine.world
        known = [list(loss.terms) for loss in losses if loss.terms]
        if any(names != known[0] for names in known):
            raise PluginError(
                "the terms of the loss depend on the samples",
                where=f"phase '{self.phase}'",
                remedy="add every term always, with count 0 where there is nothing",
            )
        names = world.agreed(known[0] if known else [], "terms", silent=not known)
        summed = world.sum_shards([[_count(loss, name) for name in names] for loss in losses])
        return dict(zip(names, summed, strict=True))

    def _record(self, losses: Sequence[Loss], counts: Mapping[str, float]) -> None:
        """Note totals (still on the device) and global counts."""
        for name, count in counts.items():
            term = next((loss.terms[name] for loss in losses if name in loss.terms), None)
            known = self._terms.setdefault(name, _Sum(0.0, 0.0, 0.0, name))
            known.count += count
            if term is not None:
                known.weight, known.per = term.weight, term.per
        names = list(counts)
        zero = torch.zeros((), dtype=torch.float64, device=self.machine.device)
        totals = [
            loss.terms[n].total.detach().double().reshape(()) if n in loss.terms else zero
            for loss in losses
            for n in names
        ]
        if totals:
            self._pending = (torch.stack(totals).reshape(len(losses), len(names)), names)

    def _settle(self) -> None:
        """Fetch the totals of the last micro-batch: late, so that the device need not wait."""
        if self._pending is None:
            return
        totals, names = self._pending
        self._pending = None
        for name, value in zip(names, self.machine.world.sum_shards(totals.tolist()), strict=True):
            if not math.isfinite(value):
                raise NonFiniteError(
                    f"the term '{name}' is {value}",
                    where=f"step {self.step}, phase '{self.phase}'",
                )
            self._terms[name].total += value

    def _accumulate(self, shard: int, loss: Loss, counts: Mapping[str, float]) -> None:
        groups: dict[str, list[Tensor]] = {}
        for name, term in loss.terms.items():
            # Also what counts nothing here: where processes normalise together, all go backward.
            if term.weight != 0 and counts[name] > 0:
                factor = term.weight / counts[name] if self._divides_first else term.weight
                per = NORMALISED if self._divides_first else term.per
                groups.setdefault(per, []).append(term.total.reshape(()) * factor)
        losses = {per: torch.stack(parts).sum() for per, parts in groups.items()}
        differentiable = {per: part for per, part in losses.items() if part.requires_grad}
        if losses and not differentiable:
            self._refuse_independent()
        for index, (per, part) in enumerate(differentiable.items()):
            found = torch.autograd.grad(
                self._optimizer.scaled(part),
                self._optimizer.parameters,
                retain_graph=index + 1 < len(differentiable),
                allow_unused=True,
            )
            if self._divides_first and all(gradient is None for gradient in found):
                self._refuse_independent()
            self._gradients.add(shard, per, found)

    def _refuse_independent(self) -> None:
        networks = ", ".join(self._optimizer.networks)
        raise PluginError(
            f"no term depends on the networks of this phase ({networks})",
            where=f"phase '{self.phase}'",
            remedy=f"give the loss a term that does, or set optimizers.{self.phase}.networks",
        )


def _count(loss: Loss, name: str) -> float:
    return loss.terms[name].count if name in loss.terms else 0.0


def _check(loss: Loss, phase: str) -> None:
    if not loss.terms:
        raise PluginError("the loss has no term", where=f"phase '{phase}'")
    counts: dict[str, float] = {}
    for name, term in loss.terms.items():
        if not (term.count >= 0 and math.isfinite(term.count)):
            raise PluginError(f"its count is {term.count}", where=f"loss term '{name}'")
        if term.weight != 0 and counts.setdefault(term.per, term.count) != term.count:
            raise PluginError(
                f"it counts {term.count:g}, another term of the same denominator"
                f" '{term.per}' counts {counts[term.per]:g}",
                where=f"loss term '{name}'",
                remedy="terms that share `per` have the same count: name another one",
            )
