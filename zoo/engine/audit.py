"""Whether several processes train what one would: checked in the first steps, by bits and by sums.

A collective that is skipped, a strategy that drops a gradient, ranks that drift apart: all of
these train, and give a wrong network. So after each of the first updates a digest of every
gradient and parameter is compared over the ranks, and before the first update one gradient is
computed again by rank 0 alone from the samples of all.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from zoo.contract.codec import Batch
from zoo.engine.batchnorm import unsynchronised
from zoo.engine.context import torch_seed
from zoo.engine.distributed import World
from zoo.engine.step import Machine, Update
from zoo.errors import PluginError

__all__ = ["AUDITED_STEPS", "recomputed", "require_equal"]

AUDITED_STEPS = 2
"""Updates after which ranks are compared: the second has the optimizer's state of the first."""

_TOLERANCE = {"fp32": 1e-4, "bf16": 5e-2, "fp16": 1e-2}
"""Of the largest element of the whole gradient: other orders of summation stay far below, and a
missing or doubled share of one process of eight far above."""

Micro = Sequence[Batch]
"""The shards of one micro-batch."""


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
                remedy="train on one process, and report this with `zoo doctor --json`",
            )


def recomputed(
    machine: Machine,
    buffers: Sequence[Tensor],
    *,
    step: int,
    epoch: int,
    phase: str,
    micro: int,
    mine: Callable[[], Sequence[Micro]],
    whole: Callable[[], Sequence[Micro]],
) -> str:
    """Compare the gradient of all processes with the one that rank 0 computes alone.

    Dropout is off for both, unless the training is reproducible: then bits must be equal.

    Args:
        machine: Of this rank.
        buffers: Of networks and learner; left as they were.
        step: Updates done.
        epoch: Passes done.
        phase: Of the update.
        micro: Micro-batches of the update.
        mine: The first micro-batches of this rank.
        whole: The same micro-batches for one process.

    Returns:
        Why nothing could be compared; empty if the gradients agree.

    Raises:
        PluginError: On every rank, with the name of the parameter that differs most.
    """
    world = machine.world
    with _restored(buffers), _without_dropout(machine):
        update = Update(machine, step, epoch, phase, micro)
        for batches in mine():
            update.add(*batches)
        drew = _drew_random_numbers(machine, step, update.done - 1, world.mine[-1])
        shared = update.gradient()
    if world.maximum([float(drew)])[0] and not world.ordered:
        return "its loss draws torch's own random numbers (Context has some keyed by sample)"
    worst, excess = 0, 0.0
    if world.main:
        with _restored(buffers), _without_dropout(machine), unsynchronised():
            alone = Update(replace(machine, world=_alone(world)), step, epoch, phase, micro)
            for batches in whole():
                alone.add(*batches)
            worst, excess = _excess(shared, alone.gradient(), machine)
    index, excess = world.sum([worst, excess])
    if excess > 0:
        name = machine.optimizers[phase].names[int(index)]
        raise PluginError(
            f"the gradient of '{name}' on {world.size} processes is not that of one: it is off by "
            f"{excess:.2g} of the largest",
            where="audit of the first step",
            remedy="a loss that couples samples needs one process (or engine.audit = false, "
            "knowingly); otherwise report this with `zoo doctor --json`",
        )
    return ""


def _alone(world: World) -> World:
    return World(device=world.device, shards=world.shards)


def _excess(
    shared: Sequence[Tensor | None], alone: Sequence[Tensor | None], machine: Machine
) -> tuple[int, float]:
    """Index of the parameter that differs most, and by how much; 0 if that is tolerated."""
    largest = max((float(g.abs().max()) for g in alone if g is not None), default=0.0)
    differences = [_difference(a, b) for a, b in zip(shared, alone, strict=True)]
    worst = int(np.argmax(differences))
    tolerance = 0.0 if machine.world.ordered else _TOLERANCE[machine.precision.kind]
    relative = differences[worst] / (largest or 1.0)
    return worst, relative if relative > tolerance else 0.0


def _difference(one: Tensor | None, other: Tensor | None) -> float:
    if one is None or other is None:
        present = other if one is None else one
        return 0.0 if present is None else float(present.abs().max())
    return float((one - other).abs().max()) if one.numel() else 0.0


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


@contextmanager
def _restored(buffers: Sequence[Tensor]) -> Iterator[None]:
    before = [buffer.detach().clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)


@contextmanager
def _without_dropout(machine: Machine) -> Iterator[None]:
    """Masks are drawn for a whole shard, so that those of another cut differ."""
    active = [] if machine.world.ordered else list(_active_dropout(machine.nets))
    for module in active:
        module.training = False
    try:
        yield
    finally:
        for module in active:
            module.training = True


def _active_dropout(networks: Mapping[str, nn.Module]) -> Iterator[nn.Module]:
    for network in networks.values():
        for module in network.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd) and module.training:  # noqa: SLF001  # the one common base
                yield module
