"""Judging networks on the validation split: loss terms, and metrics if the task selects by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from zoo.contract.codec import Batch, Codec
from zoo.contract.metrics import Number
from zoo.contract.source import Block, Source
from zoo.contract.table import Table
from zoo.data.keys import combine
from zoo.data.loaders import Loader
from zoo.data.order import Plan
from zoo.data.reader import Memory, read_split
from zoo.engine.chunked import chunk_size
from zoo.engine.context import StepContext, torch_seed
from zoo.engine.hooks import Verdict
from zoo.engine.step import Machine
from zoo.engine.tensors import to_tensors
from zoo.errors import PluginError, suggestion
from zoo.evaluation.rows import measure, metrics_for
from zoo.prediction.network import NetworkPredictor
from zoo.training.parts import Parts

__all__ = ["Predictions", "Validator"]

_VALIDATION = int.from_bytes(b"validate")
Stop = Callable[[], bool]


class _Stopped(Exception):  # noqa: N818  # a request, not an error
    """The validation was asked to end."""


@dataclass
class _Sum:
    total: float = 0.0
    count: float = 0.0
    weight: float = 0.0


_Terms = dict[str, _Sum]


class Validator:
    """Measures the networks of a machine on one split.

    Args:
        parts: The model.
        machine: Its networks and learner.
        codec: With the fitted constants.
        source: Holds the samples.
        blocks: Of the validation split.
        batch: Samples of a forward pass, over all ranks.
        workers: Processes that read and encode.
        memory: What each of them keeps of what it read.
    """

    def __init__(
        self,
        parts: Parts,
        machine: Machine,
        codec: Codec,
        source: Source,
        blocks: Sequence[Block],
        *,
        batch: int,
        workers: int,
        memory: Memory = "auto",
    ) -> None:
        self.parts, self.machine, self.codec = parts, machine, codec
        self.source, self.blocks, self.batch = source, blocks, batch
        plan = Plan(
            rows_per_block=tuple(block.rows for block in blocks),
            batch=batch,
            shuffle=False,
            rank=machine.world.rank,
            world=machine.world.size,
            parts=machine.world.parts,
        )
        self._loader = Loader(
            source, blocks, codec, plan, augment=False, workers=workers, memory=memory
        )

    def validate(self, stop: Stop) -> tuple[Verdict, list[dict[str, Any]]] | None:
        """A verdict and lines for the log (one a phase, one of metrics); ``None`` if stopped."""
        for network in self.machine.nets.values():
            network.eval()
        try:
            with chunk_size(self.machine.chunk):
                lines = self._loss_lines(stop)
                numbers = self._numbers(stop)
        except _Stopped:
            return None
        loss = math.fsum(line["loss"] for line in lines)
        remembered = {"loss": loss, **{number.name: number.value for number in numbers}}
        if numbers:
            lines.append({"phase": "metrics", **{n.name: n.value for n in numbers}})
        return Verdict(self._value(loss, numbers), remembered), lines

    def predictor(self) -> NetworkPredictor:
        """The networks as they are, as a predictor."""
        return NetworkPredictor(
            self.parts.id,
            self.machine.nets,
            self.machine.learner,
            self.codec,
            device=self.machine.device,
            batch=-(-self.batch // self.machine.world.pieces),
        )

    def tuned_numbers(self, constants: Mapping[str, Any]) -> dict[str, float]:
        """Numbers of the metrics with the tuned constants, of all blocks, on this rank alone."""
        predictor, codec = self.predictor(), self.codec
        predictor.codec = type(codec)(codec.config, codec.facts, constants)
        rows = measure(self.parts.task, predictor, self.source, self.blocks)
        found = metrics_for(self.parts.task, self.source.facts).summarise(rows)
        return {number.name: number.value for number in found}

    def _loss_lines(self, stop: Stop) -> list[dict[str, Any]]:
        world = self.machine.world
        sums = {phase: [_Terms() for _ in world.mine] for phase in self.machine.optimizers}
        count = self._loader.plan.per_epoch * world.parts
        for number, batch in enumerate(self._loader.batches(0, count)):
            micro, part = divmod(number, world.parts)
            if part == 0 and stop():
                raise _Stopped
            if batch is not None:
                for phase, shards in sums.items():
                    self._add(phase, shards[part], batch, micro, world.mine[part])
        return [self._line(phase, shards) for phase, shards in sums.items()]

    def _add(self, phase: str, terms: _Terms, batch: Batch, micro: int, shard: int) -> None:
        machine = self.machine
        # The same noise at every validation: their difference is that of the networks.
        torch.manual_seed(torch_seed(machine.seed, _VALIDATION, micro, shard))
        keys = combine(machine.seed, _VALIDATION, batch.ids)
        context = StepContext(0, phase, keys, machine.device)
        # A gradient penalty differentiates inside the loss.
        with torch.set_grad_enabled(self.parts.model.second_order), machine.precision.autocast():
            loss = machine.learner.loss(machine.nets, to_tensors(batch, machine.device), context)
        for name, term in loss.terms.items():
            held = terms.setdefault(name, _Sum())
            held.total += float(term.total.detach())
            held.count += term.count
            held.weight = term.weight

    def _line(self, phase: str, shards: Sequence[_Terms]) -> dict[str, Any]:
        world = self.machine.world
        known = next((terms for terms in shards if terms), {})
        names = world.agreed(list(known), "terms", silent=not known)
        mine = [[terms.get(name, _Sum()) for name in names] for terms in shards]
        totals = world.sum_shards([[held.total for held in terms] for terms in mine])
        counts = world.sum_shards([[held.count for held in terms] for terms in mine])
        weights = world.sum([held.weight if world.main else 0.0 for held in mine[0]])
        means = {n: t / c for n, t, c in zip(names, totals, counts, strict=True) if c > 0}
        factors = dict(zip(names, weights, strict=True))
        loss = math.fsum(factors[name] * mean for name, mean in means.items())
        return {"phase": phase, **means, "loss": loss}

    def _numbers(self, stop: Stop) -> Sequence[Number]:
        """Numbers of the metrics, the same on all ranks, if the task selects by one."""
        world, task = self.machine.world, self.parts.task
        if task.select == "loss":
            return ()

        def check(*_: int) -> None:
            if world.size == 1 and stop():  # ranks measure different numbers of blocks
                raise _Stopped

        predictor = self.predictor()
        rows = measure(task, predictor, self.source, self.blocks, progress=check, processes=world)
        return metrics_for(task, self.source.facts).summarise(rows)

    def _value(self, loss: float, numbers: Sequence[Number]) -> float:
        select = self.parts.task.select
        if select == "loss":
            return loss
        found = {number.name: number for number in numbers}
        if select not in found:
            raise PluginError(
                f"the task selects by '{select}', which its metrics do not give",
                where=self.parts.task.name,
                remedy=suggestion(select, found),
            )
        number = found[select]
        sign = {"lower": number.value, "higher": -number.value, "zero": abs(number.value)}
        return sign[number.better]


class Predictions(Iterable[tuple[Table, Table]]):
    """(samples, predictions) of a split, block by block, as often as it is iterated."""

    def __init__(
        self, predictor: NetworkPredictor, source: Source, blocks: Sequence[Block], codec: Codec
    ) -> None:
        self._predictor, self._source, self._blocks = predictor, source, blocks
        self._fields = codec.needs | codec.targets | codec.decodes

    def __iter__(self) -> Iterator[tuple[Table, Table]]:
        for samples in read_split(self._source, self._blocks, self._fields):
            yield samples, self._predictor.predict(samples)
