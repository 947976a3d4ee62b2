"""Some updates of a training in memory: networks that have learnt a little, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from zoo.config.run import RunConfig
from zoo.data.loaders import Loader
from zoo.engine.distributed import World
from zoo.engine.hooks import NO_ROWS
from zoo.engine.modes import training_mode
from zoo.engine.phases import require_phase
from zoo.engine.plan import Updates
from zoo.engine.precision import numerics
from zoo.engine.step import Machine, Update
from zoo.prediction.network import NetworkPredictor
from zoo.training.assembly import Assembly, Start, assemble
from zoo.training.machine import build_machine, training_plan, training_updates
from zoo.training.parts import find_parts
from zoo.training.record import open_run

if TYPE_CHECKING:
    from zoo.testing.subjects import ModelSubject

__all__ = ["Practice", "practise"]


@dataclass
class Practice:
    """Networks after some updates.

    Attributes:
        whole: Networks, learner, codec and data.
        steps: Updates done.
        phases: Those that had an update, in their order.
        unreached: Phase -> ``NETWORK/PARAMETER`` of those that never had a gradient but zero.
        undriven: Trainable parameters of no optimizer.
        waiting: Optimizers that no update drove.
    """

    whole: Assembly
    steps: int
    phases: tuple[str, ...]
    unreached: Mapping[str, tuple[str, ...]]
    undriven: tuple[str, ...]
    waiting: tuple[str, ...]

    def predictor(self) -> NetworkPredictor:
        """What predicts with these networks."""
        whole = self.whole
        return NetworkPredictor(whole.parts.id, whole.networks, whole.learner, whole.codec)


def practise(subject: ModelSubject, out: Path) -> Practice:
    """Train a model for the check, without validation and checkpoints.

    Raises:
        ZooError: What the training raises.
    """
    parts, resolved = find_parts(subject.name), subject.resolved()
    config = resolved.config
    world = World()
    run = open_run(out, parts, resolved, {"model": parts.id, "start": "", "freeze": []})
    whole = assemble(parts, config, run=run, world=world, start=Start(), tell=lambda _: None)
    with numerics(world.device, config.engine.threads, compiled=config.engine.compile):
        return _trained(whole, config)


def _trained(whole: Assembly, config: RunConfig) -> Practice:
    machine, updates = build_machine(whole), training_updates(whole)
    seen = _Gradients()
    loader = Loader(
        whole.source, whole.splits["train"], whole.codec, training_plan(whole), augment=True
    )
    training_mode(whole.networks)
    steps = updates.steps(config.training)
    with closing(loader.batches()) as batches:
        for step in range(steps):
            phase = machine.learner.phase(step)
            require_phase(phase, machine.optimizers)
            update = _begun(machine, updates, step, phase)
            while update.done < updates.micro_count(step):
                update.add(next(batches) or NO_ROWS)
            report = update.finish(seen.of(phase))
            with torch.no_grad():
                machine.learner.after(step, report.means)
    optimizers = machine.optimizers
    driven = {name for optimizer in optimizers.values() for name in optimizer.names}
    trainable = [
        f"{network}/{name}"
        for network, module in whole.networks.items()
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    ]
    return Practice(
        whole=whole,
        steps=steps,
        phases=tuple(seen.phases),
        unreached={phase: seen.missing(phase, optimizers[phase].names) for phase in seen.phases},
        undriven=tuple(name for name in trainable if name not in driven),
        waiting=tuple(name for name in optimizers if name not in seen.phases),
    )


def _begun(machine: Machine, updates: Updates, step: int, phase: str) -> Update:
    return Update(machine, step, updates.epoch(step), phase, updates.micro_count(step))


@dataclass
class _Gradients:
    """Which parameters had a gradient other than zero, by phase."""

    phases: dict[str, set[str]] = field(default_factory=dict)

    def of(self, phase: str) -> Callable[[str, Mapping[str, Tensor | None]], None]:
        reached = self.phases.setdefault(phase, set())

        def look(_: str, gradients: Mapping[str, Tensor | None]) -> None:
            reached.update(name for name, g in gradients.items() if g is not None and bool(g.any()))

        return look

    def missing(self, phase: str, names: list[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in self.phases[phase])
