"""The engine's parts for an assembled training: which rows, which updates, what computes them."""

from __future__ import annotations

from zoo.data.order import Plan
from zoo.engine.optimizers import build_optimizers
from zoo.engine.phases import count_phases
from zoo.engine.plan import Updates
from zoo.engine.precision import resolve_precision
from zoo.engine.step import Machine
from zoo.training.assembly import Assembly
from zoo.training.parts import compiled

__all__ = ["build_machine", "training_plan", "training_updates"]


def training_plan(whole: Assembly) -> Plan:
    """The rows of this process in every micro-batch."""
    training, world = whole.config.training, whole.world
    return Plan(
        rows_per_block=tuple(block.rows for block in whole.splits["train"]),
        batch=training.batch,
        seed=training.seed,
        window=whole.config.data.window,
        rank=world.rank,
        world=world.size,
        parts=world.parts,
    )


def training_updates(whole: Assembly) -> Updates:
    """The micro-batches of every update."""
    return Updates(training_plan(whole).per_epoch, whole.config.training.accumulate)


def build_machine(whole: Assembly) -> Machine:
    """What computes an update, with new optimizers.

    Raises:
        ConfigError: If an optimizer has nothing to train, or a phase has none.
    """
    config, updates = whole.config, training_updates(whole)
    precision = resolve_precision(config.training.precision, whole.world.device)
    totals = count_phases(whole.learner, updates.steps(config.training), config.optimizers)
    optimizers = build_optimizers(
        config.optimizers,
        whole.networks,
        precision,
        totals=totals,
        steps_per_epoch=updates.steps_per_epoch,
    )
    return Machine(
        nets=compiled(whole.parts, whole.networks, config.engine),
        learner=whole.learner,
        optimizers=optimizers,
        precision=precision,
        device=whole.world.device,
        seed=config.training.seed,
        world=whole.world,
        chunk=whole.chunk,
    )
