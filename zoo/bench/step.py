"""One training step as ``zoo train`` does it: the engine's own update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import nn

from zoo.bench.case import Case, NotAvailable
from zoo.bench.inference import shapes, torch_work
from zoo.bench.kept import kept_for_backward
from zoo.bench.models import Loaded, load_networks
from zoo.bench.results import Kept
from zoo.bench.samples import read_samples, source_for
from zoo.bench.work import Work
from zoo.contract.codec import Batch
from zoo.contract.learning import LearnerProtocol
from zoo.data.failures import plugin_code
from zoo.data.keys import combine
from zoo.engine.distributed import World
from zoo.engine.layout import channels_innermost
from zoo.engine.modes import training_mode
from zoo.engine.optimizers import build_optimizers
from zoo.engine.precision import resolve_device, resolve_precision
from zoo.engine.step import Machine, Update, UpdateReport
from zoo.engine.tensors import to_tensors
from zoo.prediction.compatibility import require_samples
from zoo.training.parts import compiled

__all__ = ["training_work"]

_STEPS = 10_000
"""Steps among which a phase must occur, and the length of the schedules."""


def training_work(case: Case) -> Work:
    """Loss, gradients and optimiser step of one phase, with all micro-batches of an update.

    Reading, augmenting and encoding are done before: a loader's workers do that in a training. The
    call returns the engine's report.

    Raises:
        NotAvailable: If the learner never drives that phase.
        ZooError: If an input is wrong.
    """
    loaded = load_networks(case.subject)
    step = _step_of(case.conditions.phase, loaded.learner)
    batches = _batches(case, loaded)
    machine = _machine(case, loaded)
    training_mode(loaded.networks)

    def update() -> UpdateReport:
        making = Update(machine, step, 0, case.conditions.phase, len(batches))
        for batch in batches:
            making.add(batch)
        return making.finish()

    inputs = shapes(to_tensors(batches[0], machine.device).inputs)
    work = torch_work(case.conditions, update, loaded.networks, inputs, gradients=True)
    if case.conditions.runtime == "compiled":
        return work  # what compiled code keeps was chosen when it was compiled, without the count
    return replace(work, kept=lambda: _kept(work.call, loaded))


def _kept(call: Callable[[], object], loaded: Loaded) -> Kept:
    report, most = kept_for_backward(call, loaded.networks.values())
    assert isinstance(report, UpdateReport)
    return Kept(bytes=most, terms=round(max(report.counts.values())))


def _step_of(phase: str, learner: LearnerProtocol) -> int:
    for step in range(_STEPS):
        if learner.phase(step) == phase:
            return step
    raise NotAvailable(f"no update of the learner drives '{phase}', but '{learner.phase(0)}'")


def _batches(case: Case, loaded: Loaded) -> Sequence[Batch]:
    """Encoded micro-batches of one update, from the first samples of the training split."""
    training, size = loaded.config.training, case.conditions.sizes["batch"]
    rows = None if training.accumulate == "epoch" else size * training.accumulate
    source, data = source_for(loaded.parts.task, loaded.config.data, rows or size)
    codec = loaded.codec
    fields = codec.needs | codec.targets
    require_samples(loaded.parts.task, source, fields, data.path or data.source)
    samples = read_samples(source, data, fields, rows)
    with plugin_code(type(codec).__name__):
        changed = codec.augment(samples, combine(training.seed, samples.ids))
        starts = range(0, changed.rows, size)
        return [codec.encode(changed.take(slice(at, at + size))) for at in starts]


def _machine(case: Case, loaded: Loaded) -> Machine:
    config = loaded.config
    device = resolve_device(case.conditions.device)
    for module in (*loaded.networks.values(), loaded.learner):
        if isinstance(module, nn.Module):
            module.to(device)
            if config.engine.channels_last:
                channels_innermost(module)
    precision = resolve_precision(case.conditions.precision, device)  # type: ignore[arg-type]
    engine = config.engine.model_copy(update={"compile": case.conditions.runtime == "compiled"})
    optimizers = build_optimizers(
        config.optimizers,
        loaded.networks,
        precision,
        totals=dict.fromkeys(config.optimizers, _STEPS),
        steps_per_epoch=_STEPS,
    )
    return Machine(
        nets=compiled(loaded.parts, loaded.networks, engine),
        learner=loaded.learner,
        optimizers=optimizers,
        precision=precision,
        device=device,
        seed=config.training.seed,
        world=World(device=device),
        chunk=config.engine.chunk,
    )
