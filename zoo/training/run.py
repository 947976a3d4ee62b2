"""One training from configuration to model file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import nn

from zoo.artifacts.lock import locked
from zoo.artifacts.run_directory import RunDirectory
from zoo.config.layers import Resolved
from zoo.config.run import EngineConfig
from zoo.contract.codec import Batch
from zoo.contract.logger import LoggedRun
from zoo.data.failures import plugin_code
from zoo.data.loaders import Loader
from zoo.engine.distributed import World, launched_world, own_device, process_group
from zoo.engine.hooks import NO_ROWS, Verdict
from zoo.engine.loop import Loop
from zoo.engine.precision import numerics
from zoo.engine.signals import stop_at_once
from zoo.engine.step import Machine
from zoo.training.assembly import Assembly, Start, assemble
from zoo.training.loggers import Loggers, MakeLogger, find_loggers
from zoo.training.machine import build_machine, training_plan, training_updates
from zoo.training.nonfinite import write_nonfinite
from zoo.training.normalising import normalising, require_rows_everywhere
from zoo.training.parts import find_parts
from zoo.training.profiling import Profiler
from zoo.training.record import open_run
from zoo.training.reporting import Reporter, SilentReporter
from zoo.training.start import start_file
from zoo.training.trial import fitted
from zoo.training.validation import Predictions, Validator

__all__ = ["train"]


@stop_at_once()
def train(
    model_id: str,
    resolved: Resolved,
    out: Path,
    *,
    start_from: str | None = None,
    freeze: Sequence[str] = (),
    profile: bool = False,
    progress: Reporter | None = None,
) -> RunDirectory:
    """Train a model, or resume it where a checkpoint is; a finished one is left as it is.

    Args:
        model_id: ``TASK/MODEL``.
        resolved: The whole configuration.
        out: The run directory.
        start_from: Run, ``RUN@step`` or model file whose parameters to begin with.
        freeze: Globs over ``NETWORK/PARAMETER`` of parameters that stay as they are.
        profile: Whether a few steps are profiled (rank 0), into ``profile/`` of the run.
        progress: Who is told what happens.

    Returns:
        The run directory, with its ``model.safetensors``.

    Raises:
        UsageError: If ``out`` holds another training, or one is running there.
        ConfigError, DataError, PluginError, WeightsError: If an input is wrong.
        NonFiniteError: If a loss or gradient is not finite.
        Interrupted: After SIGTERM, SIGUSR1 or ``training.max_time``; the same call resumes.
        KeyboardInterrupt: After Ctrl-C, likewise.
    """
    config = resolved.config
    world = launched_world()
    device = own_device(config.engine.device, world.local_rank)
    shards = config.engine.shards if config.engine.reproducible else 0
    world = replace(world, device=device, shards=shards, pieces=config.engine.pieces)
    reporter: Reporter = SilentReporter() if progress is None or not world.main else progress
    parts = find_parts(model_id)
    loggers = find_loggers(config.training.loggers)
    arithmetic = numerics(device, _threads(config.engine), compiled=config.engine.compile)
    with process_group(world), arithmetic, ExitStack() as held:
        file, start = world.together(lambda: start_file(start_from) if start_from else (None, ""))
        identity = {"model": parts.id, "start": start, "freeze": list(freeze)}

        def begin() -> None:
            if world.main:
                _lock(out, held, reporter)
                open_run(out, parts, resolved, identity)

        world.together(begin)
        run = RunDirectory.open(out)
        if run.model.exists():
            reporter.message(f"{out}: this training is finished")
            return run
        point = Start(file, start, tuple(freeze))
        whole = assemble(parts, config, run=run, world=world, start=point, tell=reporter.message)
        whole = fitted(whole, reporter.message)
        _Training(whole, reporter, loggers, profile=profile).train()
    return run


def _lock(out: Path, held: ExitStack, reporter: Reporter) -> None:
    """Keep other trainings out, before anything is changed. What is finished needs no lock."""
    if RunDirectory.is_run(out) and RunDirectory.open(out).model.exists():
        return
    RunDirectory.require_ours(out)
    held.enter_context(locked(RunDirectory(out).lock, reporter.message))


class _Training:
    """An assembled training; also what the loop asks of the task and the run."""

    def __init__(
        self,
        whole: Assembly,
        reporter: Reporter,
        loggers: Mapping[str, MakeLogger],
        *,
        profile: bool,
    ) -> None:
        self._whole, self._reporter = whole, reporter
        self._run = whole.records.run
        self._loggers = Loggers(loggers if whole.world.main else {}, reporter.message)
        self._profiler: Profiler | None = None
        if profile and whole.world.main:
            folder = self._run.path / "profile"
            self._profiler = Profiler(folder, whole.world.device, reporter.message)
        self.validates = bool(whole.splits["validation"])
        plan = training_plan(whole)
        require_rows_everywhere(whole, plan)
        self._loader = Loader(
            whole.source,
            whole.splits["train"],
            whole.codec,
            plan,
            augment=True,
            workers=whole.config.training.workers,
            memory=whole.config.data.memory,
        )
        self._machine = build_machine(whole)
        self._validator = _validator(whole, self._machine) if self.validates else None
        self._loop = Loop(
            self._machine,
            whole.networks,
            updates=training_updates(whole),
            training=whole.config.training,
            hooks=self,
            checkpoints=self._run.checkpoints,
            audit=whole.config.engine.audit,
            identity=whole.records.training,
        )

    def train(self) -> None:
        """Resume or begin, train to the end, write the selected model."""
        if self._loop.resume():
            self._reporter.message(f"resumed at step {self._loop.step} of {self._loop.total}")
        with self._loggers.showing(self._logged()):
            with normalising(self._whole):
                self._run_loop()
            if self._whole.world.main:
                self._finish()
        self._whole.world.barrier()

    def _run_loop(self) -> None:
        if self._profiler is None:
            self._loop.run()
            return
        self._profiler.plan(self._loop.step, self._loop.total)
        try:
            self._loop.run()
        finally:
            self._profiler.close()

    def _logged(self) -> LoggedRun:
        whole = self._whole
        return LoggedRun(
            path=self._run.path,
            model=whole.parts.id,
            config=whole.config.model_dump(mode="json"),
            resumed=self._loop.step,
            history=self._run.metrics() if whole.world.main else (),
        )

    def _finish(self) -> None:
        best = self._loop.best
        if best is None:
            with self._loop.averaged():
                self._write_selected(self._loop.step, {})
            return
        for name, network in self._whole.networks.items():
            network.load_state_dict(best.networks[name])
        if isinstance(self._whole.learner, nn.Module):
            self._whole.learner.load_state_dict(best.learner)
        self._write_selected(best.step, best.numbers)

    def _write_selected(self, step: int, numbers: Mapping[str, Any]) -> None:
        whole, constants = self._whole, dict(self._whole.codec.constants)
        if self._validator is not None:
            self._reporter.message(f"selected step {step}; tuning on the validation split")
            predictor = self._validator.predictor()
            held = whole.splits["validation"]
            predictions = Predictions(predictor, whole.source, held, whole.codec)
            with plugin_code(f"{type(whole.codec).__name__}.tune"):
                constants |= whole.codec.tune(predictions)
            numbers = {**numbers, **self._validator.tuned_numbers(constants)}
        self._write(self._run.model, constants, step, numbers)

    def _write(
        self, path: Path, constants: Mapping[str, Any], step: int, numbers: Mapping[str, Any]
    ) -> None:
        whole = self._whole
        whole.records.write_model(
            path, whole.networks, whole.learner, constants, step=step, numbers=numbers
        )

    # What the loop asks for (zoo.engine.loop.Hooks).

    def batches(self, first: int) -> Iterator[Batch | None]:
        """Encoded shards of this rank."""
        batches = self._loader.batches(first * self._whole.world.parts)
        return batches if self._profiler is None else self._profiler.watched(batches)

    def first_micro_batches(
        self, first: int, count: int, *, world: World, rows: int | None
    ) -> list[list[Batch]]:
        """The same samples as :meth:`batches`, read in this process."""
        whole = self._whole
        plan = replace(
            self._loader.plan, rank=world.rank, world=world.size, parts=world.parts, most=rows
        )
        loader = Loader(whole.source, whole.splits["train"], whole.codec, plan, augment=True)
        parts = plan.parts
        batches = [b or NO_ROWS for b in loader.batches(first * parts, (first + count) * parts)]
        return [batches[at : at + parts] for at in range(0, len(batches), parts)]

    def validate(self, step: int, seconds: float, stop: Callable[[], bool]) -> Verdict | None:
        """Losses and numbers on the validation split."""
        validator = cast("Validator", self._validator)  # asked only where there is a split
        with nullcontext() if self._profiler is None else self._profiler.validating():
            found = validator.validate(stop)
        if found is None:
            return None
        verdict, lines = found
        epoch = (step - 1) // self._loop.updates.steps_per_epoch
        for line in lines:
            place = {"step": step, "epoch": epoch, "split": "validation"}
            self.log({**place, **line, "seconds": round(seconds, 3)})
        return verdict

    def snapshot(self, step: int) -> None:
        """Keep the networks as they are."""
        if self._whole.world.main:
            self._write(self._run.snapshot(step), self._whole.codec.constants, step, {})

    def log(self, row: Mapping[str, Any]) -> None:
        """Append to ``metrics.jsonl`` and show it."""
        if self._whole.world.main:
            self._run.append_metrics(row)
            self._reporter.row(row)
            self._loggers.row(row)

    def sync_log(self) -> None:
        """Have ``metrics.jsonl`` on disk."""
        self._run.sync_metrics()

    def rewind(self, step: int, *, validated: bool) -> None:
        """Cut ``metrics.jsonl`` back to a checkpoint."""
        if not self._whole.world.main:
            return
        self._run.truncate_metrics(step, splits=None if validated else ("train",))

    def progress(self, step: int, total: int) -> None:
        """Show how far it is."""
        self._reporter.progress(step, total)
        if self._profiler is not None:
            self._profiler.progress(step)

    def message(self, text: str) -> None:
        """Tell the user."""
        self._reporter.message(text)

    def non_finite(self, record: Mapping[str, Any], batches: Sequence[Batch]) -> None:
        """Write which samples to look at, and how they were encoded."""
        world = self._whole.world
        write_nonfinite(self._run.path, record, batches, rank=world.rank)


def _threads(engine: EngineConfig) -> int | None:
    """Sums depend on the number of threads: where bits must not, there is one by default."""
    return engine.threads or (1 if engine.reproducible else None)


def _validator(whole: Assembly, machine: Machine) -> Validator:
    return Validator(
        whole.parts,
        machine,
        whole.codec,
        whole.source,
        whole.splits["validation"],
        batch=whole.config.training.batch,
        workers=whole.config.training.workers,
        memory=whole.config.data.memory,
    )
