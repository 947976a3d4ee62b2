"""How much memory a training takes, tried on its first micro-batch before the first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from torch import nn

from zoo.data.loaders import Loader
from zoo.engine.batchnorm import normalisations
from zoo.engine.hooks import NO_ROWS
from zoo.engine.meter import memory_now, peak_since, reset_peak
from zoo.engine.modes import training_mode
from zoo.engine.state import restored
from zoo.engine.step import Update
from zoo.errors import ConfigError
from zoo.memory import give_back_large_blocks
from zoo.training.assembly import Assembly
from zoo.training.fitting import Fit, Need, fit
from zoo.training.known_memory import known_memory
from zoo.training.machine import build_machine, training_plan, training_updates

__all__ = ["fitted"]


def fitted(whole: Assembly, tell: Callable[[str], None]) -> Assembly:
    """The training cut so that it fits into ``engine.max_memory``; without that, as it is.

    A resumed training is cut as it was, if limit, processes and device are the same.

    Raises:
        ConfigError: If it cannot be made to fit.
    """
    limit = whole.config.engine.max_memory
    if limit is None:
        return whole
    run, world = whole.records.run, whole.world
    if world.device.type == "cpu":
        give_back_large_blocks()
    asked = {"max_memory": limit, "processes": world.size, "device": world.device.type}
    before = run.read_json(run.fit, ("asked", "fit")) if run.fit.exists() else {}
    world.barrier()  # none writes before all have read
    if before.get("asked") == asked:
        found = Fit(**before["fit"])
    else:
        found = _Trial(whole).fit(limit)
        if world.main:
            run.write_fit({"asked": asked, "fit": asdict(found)})
        tell(_told(found, limit))
    return replace(whole, world=replace(world, pieces=found.pieces), chunk=found.chunk)


def _told(found: Fit, limit: int) -> str:
    cut = "in one piece" if found.pieces == 1 else f"in {found.pieces} pieces"
    chunk = "" if found.chunk is None else f", {found.chunk} rows at a time"
    expected = f"{found.expected / 2**20:.0f} of {limit / 2**20:.0f} MiB"
    return f"a micro-batch is computed {cut}{chunk}: {expected} of memory expected"


class _Trial:
    """Computes gradients as the training would, and changes nothing."""

    def __init__(self, whole: Assembly) -> None:
        self._whole = whole
        self._machine = replace(build_machine(whole), nets=whole.networks)  # not compiled
        modules = [*whole.networks.values(), whole.learner]
        self._buffers = [b for m in modules if isinstance(m, nn.Module) for b in m.buffers()]
        self._before = 0.0
        self._whole_only = whole.world.ordered or bool(normalisations(whole.networks))

    def fit(self, limit: int) -> Fit:
        """As :func:`zoo.training.fitting.fit`, for processes that agree.

        Raises:
            ConfigError: If it cannot be made to fit.
        """
        whole, world = self._whole, self._whole.world
        plan = training_plan(whole)
        share = -(-min(plan.batch, plan.rows) // (world.size * world.parts))
        training_mode(whole.networks)
        self._before = self._largest(memory_now(world.device))
        found = fit(limit, share, self._need)
        if found.pieces > 1 and self._whole_only:
            self._refuse(found.pieces, share)
        return found

    def _need(self, samples: int, chunk: int | None) -> Need:
        """Of a gradient of so many samples in each of two pieces, or in each shard."""
        whole, config = self._whole, self._whole.config
        world = whole.world if self._whole_only else replace(whole.world, pieces=2)
        least = 2 if self._whole_only else 1  # one alone cannot be normalised
        most = max(samples, least) * world.size * world.parts
        plan = replace(training_plan(replace(whole, world=world)), most=most)
        loader = Loader(whole.source, whole.splits["train"], whole.codec, plan, augment=True)
        batches = [batch or NO_ROWS for batch in loader.batches(0, plan.parts)]
        machine = replace(self._machine, world=world, chunk=chunk)
        reset_peak(world.device)
        chunked = 0
        for phase, step in self._first_steps().items():
            with restored(self._buffers) as changed:
                update = Update(machine, step, 0, phase, 1)
                update.add(*batches)
                update.gradient()
                self._whole_only |= any(changed())
            chunked = max(chunked, update.chunked)
        known = known_memory(config, whole.networks)
        later = known["optimizers"] + known["average"]
        if world.device.type == "cpu":
            later += known["parameters"]  # the selected networks, which are kept in main memory
        fixed = self._before + 2 * known["gradients"]
        peak = self._largest(peak_since(world.device))
        return Need(int(fixed + later), int(max(peak - fixed, 0)), int(self._largest(chunked)))

    def _first_steps(self) -> Mapping[str, int]:
        """Phase -> the first step that has it."""
        first: dict[str, int] = {}
        for step in range(training_updates(self._whole).steps(self._whole.config.training)):
            first.setdefault(self._machine.learner.phase(step), step)
            if len(first) == len(self._machine.optimizers):
                break
        return first

    def _largest(self, value: float) -> float:
        return self._whole.world.maximum([value])[0]

    def _refuse(self, pieces: int, share: int) -> None:
        fitting = -(-share // pieces)
        if self._whole.world.ordered:
            shards = self._whole.world.shards * pieces
            raise ConfigError(
                f"a shard of a micro-batch has {share} samples, and {fitting} fit",
                where="engine.max_memory",
                remedy=f"set engine.shards = {shards}, which decides the bits, or allow more",
            )
        raise ConfigError(
            f"{share} samples of a micro-batch do not fit, {fitting} do, and the networks keep "
            "running statistics of a micro-batch (batch normalisation), so that it cannot be cut",
            where="engine.max_memory",
            remedy=f"set training.batch = {fitting * self._whole.world.size}, which trains "
            "differently, or allow more",
        )
