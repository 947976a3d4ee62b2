"""Whether a training computes what it should: checked in the first steps, by bits and by sums.

A collective that is skipped, a strategy that drops a gradient, ranks that drift apart, a compiler
that is wrong, pieces of a batch that are not independent: all of these train, and give a wrong
network. So the first gradient is computed a second time in the plainest way: by rank 0 alone from
the samples of all, by the networks as they are before compilation, from samples that are not cut
in pieces. And after each of the first updates a digest of every gradient and parameter is compared
over the ranks.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from zoo.engine.batchnorm import normalisations, unsynchronised
from zoo.engine.context import torch_seed
from zoo.engine.distributed import World
from zoo.engine.hooks import Hooks
from zoo.engine.modes import without_dropout
from zoo.engine.phases import require_phase
from zoo.engine.plan import Updates
from zoo.engine.state import restored
from zoo.engine.step import Check, Machine, Update
from zoo.errors import ConfigError, PluginError

__all__ = ["Audit", "require_equal"]

_UPDATES = 2
"""After which ranks are compared: the second has the optimizer's state of the first."""

_SAMPLES = 2
"""Of each rank in a micro-batch of the compared gradient: rank 0 must hold those of all at once,
for a loss may couple them."""

_TOLERANCE = {"fp32": 1e-4, "bf16": 5e-2, "fp16": 1e-2}
"""Of the largest element of the whole gradient."""

_ROUNDINGS, _CEILING = 10, 5e-2
"""Where a gradient is off by more than that, it is computed once more with the last bit of every
parameter changed. What that changes is rounding (units at the edge of a ReLU, sums that cancel), of
which so many times as much is tolerated, up to the ceiling: a missing or doubled share of one
process of eight is above it."""

Gradient = Sequence[Tensor | None]

_REPORT = "report this with `zoo doctor --json`"


@dataclass
class Audit:
    """What is compared in the first updates of a process, and when it is over.

    Dropout is off in compared gradients, for its masks are drawn for a whole piece; it stays on
    between the processes of a reproducible training, where bits must be equal.

    Args:
        machine: Of this rank.
        networks: The networks themselves, not their compiled versions.
        updates: Groups micro-batches into updates.
        hooks: Give samples, and tell the user what could not be compared.
        active: Whether anything is done.
    """

    machine: Machine
    networks: Mapping[str, nn.Module]
    updates: Updates
    hooks: Hooks
    active: bool = True
    _until: int = 0

    def begin(self, step: int, *, compare: bool) -> None:
        """Before the first update of this process.

        Args:
            step: Updates done.
            compare: Whether gradients are compared now; ranks are in any case.

        Raises:
            PluginError: On every rank, with the name of the parameter that differs most.
            ConfigError: If the networks cannot be trained in pieces.
        """
        world = self.machine.world
        self._until = step + _UPDATES if self.active and world.size > 1 else step
        if not (self.active and compare):
            return
        if world.pieces > 1:
            self._compare_with_whole(step)
        if world.size > 1:
            self._compare_with_one_process(step)
        if any(net is not self.networks[name] for name, net in self.machine.nets.items()):
            self._compare_with_uncompiled(step)

    def gradients(self, step: int) -> Check | None:
        """What is to be shown the gradient of an update; ``None``: nothing."""
        return self._require_equal if step < self._until else None

    def parameters(self, step: int) -> None:
        """After an update: check that every rank has the same networks.

        Raises:
            PluginError: On every rank, with the name of the first parameter that differs.
        """
        if step < self._until:
            states = {
                f"{name}/{key}": value
                for name, net in self.networks.items()
                for key, value in net.state_dict().items()
            }
            self._require_equal("parameter", states)

    def _require_equal(self, what: str, tensors: Mapping[str, Tensor | None]) -> None:
        require_equal(self.machine.world, tensors, what)

    def _compare_with_one_process(self, step: int) -> None:
        world = replace(self.machine.world, pieces=1)
        rows = None if world.ordered else _SAMPLES * world.size
        machine = replace(self.machine, world=world)
        mine, drew, _ = self._gradient(machine, step, rows, dropout=world.ordered)
        if drew and not world.ordered:
            self._tell_random("one process")
            return

        def alone() -> Gradient | None:
            if not world.main:
                return None
            with unsynchronised():
                one = World(device=world.device, shards=world.shards)
                machine = replace(self.machine, world=one)
                return self._gradient(machine, step, rows, dropout=world.ordered)[0]

        self._require_close(
            step,
            mine,
            alone,
            exact=world.ordered,
            what=f"on {world.size} processes is not that of one",
            remedy="a loss that couples samples needs one process (or engine.audit = false, "
            f"knowingly); otherwise {_REPORT}",
        )

    def _compare_with_uncompiled(self, step: int) -> None:
        # Of all samples: what is compiled here for their number serves the training.
        mine, drew, _ = self._gradient(self.machine, step, None)
        if drew:
            self._tell_random("the networks before compilation")
            return
        plain = replace(self.machine, nets=self.networks)
        self._require_close(
            step,
            mine,
            lambda: self._gradient(plain, step, None)[0],
            what="of the compiled networks is not that of the networks themselves",
            remedy=f"leave engine.compile off, and {_REPORT}",
        )

    def _compare_with_whole(self, step: int) -> None:
        world = self.machine.world
        rows = _SAMPLES * world.size
        cut = replace(self.machine, world=replace(world, pieces=2))
        whole = replace(self.machine, world=replace(world, pieces=1))
        if normalisations(self.networks):
            self._refuse_pieces()
        pieces, drew, changed = self._gradient(cut, step, rows)
        if changed:
            self._refuse_pieces()
        if drew:
            self._tell_random("a whole micro-batch")
            return
        self._require_close(
            step,
            pieces,
            lambda: self._gradient(whole, step, rows)[0],
            what="in pieces of a micro-batch is not that of the whole",
            remedy="the loss couples samples: set engine.pieces = 1 (without --max-memory)",
        )

    def _refuse_pieces(self) -> NoReturn:
        raise ConfigError(
            "the networks keep running statistics of a micro-batch (batch normalisation), which "
            f"{self.machine.world.pieces} pieces of it do not have",
            where="engine.pieces",
            remedy="set engine.pieces = 1 and lower training.batch, or set engine.reproducible, "
            "where each of engine.shards has its own statistics",
        )

    def _gradient(
        self, machine: Machine, step: int, rows: int | None, *, dropout: bool = False
    ) -> tuple[Gradient, bool, bool]:
        """Of the first micro-batches of an update, two at most.

        Args:
            machine: Computes it.
            step: The update.
            rows: Samples of each micro-batch over all ranks; ``None``: all.
            dropout: Whether dropout stays on.

        Returns:
            The gradient, whether any rank drew torch's own random numbers, and whether buffers
            of the networks changed.
        """
        phase = machine.learner.phase(step)
        require_phase(phase, machine.optimizers)
        micro = self.updates.micro_count(step)
        update = Update(machine, step, self.updates.epoch(step), phase, micro)
        first, world = self.updates.first(step), machine.world
        batches = self.hooks.first_micro_batches(first, min(micro, 2), world=world, rows=rows)
        networks = [buffer for net in self.networks.values() for buffer in net.buffers()]
        learner = self.machine.learner
        buffers = [*networks, *(learner.buffers() if isinstance(learner, nn.Module) else ())]
        plain = nullcontext() if dropout else without_dropout(machine.nets)
        with restored(buffers) as changed, plain:
            for shards in batches:
                update.add(*shards)
            drew = _drew_random_numbers(machine, step, update.done - 1, world.mine[-1])
            gradient = update.gradient()
            kept = any(changed()[: len(networks)])
        drew, kept = (flag > 0 for flag in world.maximum([float(drew), float(kept)]))
        return gradient, drew, kept

    def _tell_random(self, other: str) -> None:
        self.hooks.message(
            f"the first gradient was not compared with that of {other}: its loss draws torch's "
            "own random numbers (Context has some keyed by sample)"
        )

    def _require_close(
        self,
        step: int,
        mine: Gradient,
        other: Callable[[], Gradient | None],
        *,
        exact: bool = False,
        what: str,
        remedy: str,
    ) -> None:
        """Check the gradient of this rank against one that is computed now.

        Args:
            step: Updates done.
            mine: The gradient.
            other: Computes what it should be; ``None``: another rank checks.
            exact: Whether the bits must be equal.
            what: Completes the message.
            remedy: Of the message.
        """
        world = self.machine.world
        expected = other()
        tolerance = 0.0 if exact else _TOLERANCE[self.machine.precision.kind]
        index, off = _largest(mine, expected)
        if world.maximum([off])[0] <= tolerance:
            return
        if not exact:
            with _nudged(self.networks):
                _, rounding = _largest(other(), expected)
            tolerance = max(tolerance, min(_ROUNDINGS * rounding, _CEILING))
        excess = world.maximum([off if off > tolerance else 0.0])[0]
        if excess <= 0:
            return
        worst = int(world.maximum([float(index) if off == excess else -1.0])[0])
        name = self.machine.optimizers[self.machine.learner.phase(step)].names[worst]
        raise PluginError(
            f"the gradient of '{name}' {what}: it is off by {excess:.2g} of the largest",
            where="audit of the first step",
            remedy=remedy,
        )


def require_equal(world: World, tensors: Mapping[str, Tensor | None], what: str) -> None:
    """Check that every rank has the same bits.

    Raises:
        PluginError: On every rank, with the name of the first that differs.
    """
    digests = [_digest(tensor) for tensor in tensors.values()]
    highest = world.maximum([float(value) for value in digests])
    lowest = world.maximum([-float(value) for value in digests])
    for name, high, low in zip(tensors, highest, lowest, strict=True):
        if high != -low:
            raise PluginError(
                f"the {what} '{name}' is not the same on all {world.size} processes",
                where="audit of the first steps",
                remedy=f"train on one process, and {_REPORT}",
            )


@contextmanager
def _nudged(networks: Mapping[str, nn.Module]) -> Iterator[None]:
    """Every parameter is the next number above or below inside the block."""
    parameters = [p for net in networks.values() for p in net.parameters()]
    generator = torch.Generator().manual_seed(0)
    with restored(parameters):
        for parameter in parameters:
            up = torch.rand(parameter.shape, generator=generator).to(parameter.device) < 0.5
            towards = torch.where(up, torch.inf, -torch.inf).to(parameter.dtype)
            with torch.no_grad():
                parameter.copy_(parameter.nextafter(towards))
        yield


def _largest(mine: Gradient | None, other: Gradient | None) -> tuple[int, float]:
    """Index of the parameter that differs most, and by how much of the largest element."""
    if mine is None or other is None:
        return 0, 0.0
    largest = max((float(g.abs().max()) for g in other if g is not None), default=0.0)
    differences = [_difference(a, b) for a, b in zip(mine, other, strict=True)]
    worst = int(np.argmax(differences))
    return worst, differences[worst] / (largest or 1.0)


def _difference(one: Tensor | None, other: Tensor | None) -> float:
    if one is None or other is None:
        present = other if one is None else one
        return 0.0 if present is None else float(present.abs().max())
    if not (one.numel() and other.isfinite().all()):  # what is not finite is told by the update
        return 0.0
    return float((one - other).abs().max().nan_to_num(nan=math.inf))


def _digest(tensor: Tensor | None) -> int:
    if tensor is None:
        return -1
    plain = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
    return zlib.crc32(plain.numpy().tobytes())


def _drew_random_numbers(machine: Machine, step: int, micro: int, shard: int) -> bool:
    """Whether torch's generators are not as the update seeded them."""
    seed = torch_seed(machine.seed, step, micro, shard)
    fresh = torch.Generator(machine.device).manual_seed(seed)
    now = (
        torch.cuda.get_rng_state(machine.device)
        if machine.device.type == "cuda"
        else torch.get_rng_state()
    )
    return not torch.equal(now, fresh.get_state())
