"""One update: gradients of all micro-batches and ranks, divided by their global counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.contract.codec import Batch
from zoo.contract.learning import LearnerProtocol, Loss
from zoo.data.failures import plugin_code
from zoo.engine.context import step_context, torch_seed
from zoo.engine.distributed import World
from zoo.engine.optimizers import PhaseOptimizer, StepReport
from zoo.engine.precision import Precision
from zoo.engine.tensors import to_tensors
from zoo.errors import NonFiniteError, PluginError

__all__ = ["Machine", "Update", "UpdateReport"]

_NORMALISED = ""  # the denominator of a gradient that is already divided


@dataclass(frozen=True)
class Machine:
    """What every update needs.

    Attributes:
        nets: The networks as the learner sees them (compiled, where asked for).
        seed: Of all random numbers.
    """

    nets: Mapping[str, nn.Module]
    learner: LearnerProtocol
    optimizers: Mapping[str, PhaseOptimizer]
    precision: Precision
    device: torch.device
    seed: int
    world: World


@dataclass(frozen=True)
class UpdateReport:
    """What one update did.

    Attributes:
        phase: The optimizer that stepped.
        means: Term -> global mean; without terms that had nothing to count.
        loss: Weighted sum of the means.
        step: Rate and gradient norm.
    """

    phase: str
    means: dict[str, float]
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
        last: The last micro-batch of this process, for the case that its loss is not finite.

    The gradient is that of ``sum over terms of weight * sum(total) / sum(count)``, the inner sums
    over all micro-batches and ranks. With one micro-batch the counts are known before the only
    backward; with several there is one gradient sum per denominator, divided at the end.
    """

    def __init__(self, machine: Machine, step: int, epoch: int, phase: str, micro: int) -> None:
        self.machine, self.step, self.epoch, self.phase = machine, step, epoch, phase
        self.done = 0
        self._of = micro
        self._optimizer = machine.optimizers[phase]
        self._sums: dict[str, list[Tensor | None]] = {}
        self._terms: dict[str, _Sum] = {}
        self._pending: tuple[Tensor, list[str]] | None = None
        self.last: Batch | None = None

    def add(self, batch: Batch) -> None:
        """Add the gradient of one encoded micro-batch (numpy).

        Raises:
            NonFiniteError: If a term of an earlier micro-batch is not finite.
            PluginError: If the loss breaks the contract.
        """
        self._settle()
        machine = self.machine
        torch.manual_seed(torch_seed(machine.seed, self.step, self.done, machine.world.rank))
        loss = self._loss(batch)
        names = machine.world.agreed(list(loss.terms), "terms", silent=not loss.terms)
        summed = machine.world.sum([_count(loss, name) for name in names])
        counts = dict(zip(names, summed, strict=True))
        self._record(loss, counts)
        self.last = batch
        groups: dict[str, list[Tensor]] = {}
        for name, term in loss.terms.items():
            if term.weight != 0 and term.count > 0:
                factor = term.weight / counts[name] if self._of == 1 else term.weight
                per = _NORMALISED if self._of == 1 else term.per
                groups.setdefault(per, []).append(term.total.reshape(()) * factor)
        self._accumulate(groups)
        self.done += 1

    def finish(self) -> UpdateReport:
        """Divide, sum over the ranks, step the optimizer.

        Raises:
            NonFiniteError: If a term or the gradient is not finite.
        """
        self._settle()
        totals = {name: [term.total, term.count] for name, term in self._terms.items()}
        gradients = self._agreed(self._divided())
        self.machine.world.sum_tensors([g for g in gradients if g is not None])
        report = self._optimizer.step(gradients, self.epoch)
        mean = _means(totals)
        return UpdateReport(self.phase, mean, _weighted(mean, self._terms), report)

    def state(self) -> dict[str, Any]:
        """Tensors and JSON for a checkpoint; the gradient sums of all ranks together."""
        self._settle()
        names = self._optimizer.names
        self._pool()
        return {
            "phase": self.phase,
            "done": self.done,
            "terms": {n: [t.total, t.count, t.weight, t.per] for n, t in self._terms.items()},
            "sums": {
                per: {n: s for n, s in zip(names, sums, strict=True) if s is not None}
                for per, sums in self._sums.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.done = state["done"]
        self._terms = {name: _Sum(*value) for name, value in state["terms"].items()}
        if not self.machine.world.main:
            return  # rank 0 holds the sums of all
        self._sums = {
            per: [
                None if name not in sums else sums[name].to(self.machine.device)
                for name in self._optimizer.names
            ]
            for per, sums in state["sums"].items()
        }

    def _pool(self) -> None:
        """Move the gradient sums of all ranks to rank 0, which alone writes a checkpoint."""
        world = self.machine.world
        if world.size == 1:
            return
        mine = sorted({term.per for term in self._terms.values() if term.weight != 0})
        # A rank that had no rows yet does not know them.
        for per in world.agreed(mine, "denominators", silent=not world.main):
            sums = self._agreed(self._sums.get(per, [None] * len(self._optimizer.names)))
            world.sum_tensors([gradient for gradient in sums if gradient is not None])
            self._sums[per] = sums
        if not world.main:
            self._sums = {}

    def _loss(self, batch: Batch) -> Loss:
        if len(batch.ids) == 0:
            return Loss()  # a rank for which no row was left
        machine = self.machine
        context = step_context(machine.seed, self.step, self.phase, batch.ids, machine.device)
        with machine.precision.autocast():
            tensors = to_tensors(batch, machine.device)
            with plugin_code(f"{type(machine.learner).__name__}.loss, step {self.step}"):
                loss = machine.learner.loss(machine.nets, tensors, context)
        _check(loss, self.phase)
        return loss

    def _record(self, loss: Loss, counts: Mapping[str, float]) -> None:
        """Note totals (still on the device) and global counts."""
        for name, count in counts.items():
            term = loss.terms.get(name)
            known = self._terms.get(name)
            weight, per = (term.weight, term.per) if term else (0.0, name)
            if known is None:
                self._terms[name] = _Sum(0.0, count, weight, per)
                continue
            known.count += count
            if term is not None:
                known.weight, known.per = weight, per
        names = list(counts)
        totals = [
            loss.terms[n].total.detach().double().reshape(())
            if n in loss.terms
            else torch.zeros((), dtype=torch.float64, device=self.machine.device)
            for n in names
        ]
        self._pending = (torch.stack(totals), names)

    def _settle(self) -> None:
        """Fetch the totals of the last micro-batch: late, so that the device need not wait."""
        if self._pending is None:
            return
        totals, names = self._pending
        self._pending = None
        for name, value in zip(names, self.machine.world.sum(totals.tolist()), strict=True):
            if not math.isfinite(value):
                raise NonFiniteError(
                    f"the term '{name}' is {value}",
                    where=f"step {self.step}, phase '{self.phase}'",
                )
            self._terms[name].total += value

    def _accumulate(self, groups: Mapping[str, Sequence[Tensor]]) -> None:
        losses = {per: torch.stack(list(parts)).sum() for per, parts in groups.items()}
        differentiable = {per: loss for per, loss in losses.items() if loss.requires_grad}
        if losses and not differentiable:
            self._refuse_independent()
        for index, (per, loss) in enumerate(differentiable.items()):
            found = torch.autograd.grad(
                self._optimizer.scaled(loss),
                self._optimizer.parameters,
                retain_graph=index + 1 < len(differentiable),
                allow_unused=True,
            )
            if self._of == 1 and all(gradient is None for gradient in found):
                self._refuse_independent()
            held = self._sums.get(per)
            self._sums[per] = list(found) if held is None else list(map(_plus, held, found))

    def _refuse_independent(self) -> None:
        networks = ", ".join(self._optimizer.networks)
        raise PluginError(
            f"no term depends on the networks of this phase ({networks})",
            where=f"phase '{self.phase}'",
            remedy=f"give the loss a term that does, or set optimizers.{self.phase}.networks",
        )

    def _divided(self) -> list[Tensor | None]:
        """The gradient of this rank per parameter; ``None`` where no term reaches it."""
        counts = {term.per: term.count for term in self._terms.values() if term.weight != 0}
        counts[_NORMALISED] = 1.0
        result: list[Tensor | None] = [None] * len(self._optimizer.parameters)
        for per, sums in self._sums.items():
            for index, gradient in enumerate(sums):
                if gradient is not None:
                    # The quotient is a new tensor: autograd may give two parameters the same one,
                    # which clipping in place would scale twice.
                    result[index] = _plus(result[index], gradient / counts[per])
        return result

    def _agreed(self, gradients: list[Tensor | None]) -> list[Tensor | None]:
        """Zero where only other ranks have a gradient: all must exchange the same tensors."""
        if self.machine.world.size == 1:
            return gradients
        used = self.machine.world.maximum([float(gradient is not None) for gradient in gradients])
        return [
            torch.zeros_like(parameter) if gradient is None and anywhere else gradient
            for gradient, parameter, anywhere in zip(
                gradients, self._optimizer.parameters, used, strict=True
            )
        ]


def _means(totals: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Term -> total / count, without terms that had nothing to count."""
    return {name: total / count for name, (total, count) in totals.items() if count > 0}


def _weighted(mean: Mapping[str, float], terms: Mapping[str, Any]) -> float:
    """Weighted sum of mean terms; ``terms`` have a ``weight``."""
    return math.fsum(terms[name].weight * value for name, value in mean.items())


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


def _plus(held: Tensor | None, more: Tensor | None) -> Tensor | None:
    if held is None or more is None:
        return more if held is None else held
    return held + more
