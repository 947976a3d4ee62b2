"""The training loop: updates, validations, checkpoints and stops, resumable at any micro-batch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

import torch
from torch import Tensor, nn

from zoo.config.run import TrainingConfig
from zoo.contract.codec import Batch
from zoo.contract.learning import LearnerProtocol
from zoo.engine.audit import Audit
from zoo.engine.checkpoint import latest_checkpoint, save_checkpoint
from zoo.engine.ema import Ema
from zoo.engine.hooks import NO_ROWS, Hooks, Verdict
from zoo.engine.meter import Meter
from zoo.engine.modes import training_mode
from zoo.engine.phases import require_phase
from zoo.engine.plan import Updates
from zoo.engine.signals import Signals
from zoo.engine.state import copied
from zoo.engine.step import Machine, Update, UpdateReport
from zoo.engine.window import LogWindow
from zoo.errors import NonFiniteError, WeightsError

__all__ = ["Best", "Loop"]


@dataclass
class Best:
    """The selected networks so far."""

    step: int
    value: float
    numbers: Mapping[str, Any]
    networks: dict[str, dict[str, Tensor]]
    learner: dict[str, Tensor]


@dataclass
class _Position:
    """Where the training is."""

    step: int = 0
    seconds: float = 0.0
    waited: int = 0
    validation_due: bool = False
    stopped_early: bool = False
    window: LogWindow = field(default_factory=LogWindow)

    def state(self) -> dict[str, Any]:
        """JSON for a checkpoint."""
        return {**vars(self), "window": self.window.state()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """From :meth:`state`."""
        return cls(**{**state, "window": LogWindow(state["window"])})


class Loop:
    """Trains until the last step, the patience's end or a stop.

    Args:
        machine: What an update needs.
        networks: The networks themselves, not their compiled versions.
        learner: The learner as a module.
        updates: Groups micro-batches into updates.
        training: Its settings.
        hooks: The task's and run's part.
        checkpoints: Their folder.
        audit: Whether gradients are compared in the first steps, see :class:`Audit`.
        identity: Digest of all that decides the result: checkpoints of another are not used.

    Attributes:
        total: Steps of the whole training.
        best: What the validations selected; ``None`` without validation.
        ema: The average, if there is one.
    """

    def __init__(
        self,
        machine: Machine,
        networks: Mapping[str, nn.Module],
        *,
        updates: Updates,
        training: TrainingConfig,
        hooks: Hooks,
        checkpoints: Path,
        audit: bool = True,
        identity: str = "",
    ) -> None:
        self.machine, self.networks, self.hooks = machine, networks, hooks
        self.updates, self.training, self.checkpoints = updates, training, checkpoints
        self._identity = identity
        self.total = updates.steps(training)
        self.ema = Ema(networks, training.ema) if training.ema is not None else None
        self.best: Best | None = None
        self._at = _Position()
        self._audit = Audit(machine, networks, updates, hooks, active=audit)
        self._update: Update | None = None
        self._meter = Meter(machine.world)
        self._started = self._saved = time.monotonic()
        self._signals = Signals()

    @property
    def step(self) -> int:
        """Updates done."""
        return self._at.step

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        done = self._at.step >= self.total or self._at.stopped_early
        return done and not self._at.validation_due

    def resume(self) -> bool:
        """Continue from the newest intact checkpoint; ``False`` if there is none.

        Raises:
            WeightsError: If none of the checkpoints is intact, or it is of other networks.
        """
        found = latest_checkpoint(self.checkpoints, self.hooks.message, training=self._identity)
        if found is None:
            self.hooks.rewind(0, validated=False)
            return False
        try:
            self._restore(found.state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the checkpoint does not fit this training ({error})",
                where=str(found.path),
                remedy="the plugin has changed since: start again with another --out",
            ) from error
        self.hooks.rewind(self._at.step, validated=not self._at.validation_due)
        return True

    def run(self) -> None:
        """Train to the end.

        Raises:
            Interrupted: After a signal or ``max_time``, with everything saved.
            KeyboardInterrupt: After Ctrl-C, likewise.
            NonFiniteError: If a loss or gradient is not finite.
        """
        self._started = self._saved = time.monotonic()
        with Signals(self.training.max_time) as self._signals:
            # A validation that a stop put off: only a signal puts it off again, or a time limit
            # shorter than it would for ever.
            self._validate_if_due(self._signalled)
            if self._at.validation_due:
                self._pause()
            if not self.finished:
                self._train()
            self._save()

    def averaged(self) -> AbstractContextManager[None]:
        """The networks with averaged parameters, where there is an average."""
        return nullcontext() if self.ema is None else self.ema.applied()

    def _train(self) -> None:
        done = 0 if self._update is None else self._update.done
        training_mode(self.networks)
        self._audit.begin(self._at.step, compare=not done)
        batches = self.hooks.batches(self.updates.first(self._at.step) + done)
        with closing(batches):  # type: ignore[type-var]  # every hook returns a generator
            watched = self._meter.watched(self.machine.transfer.ahead(batches))
            while not self.finished:
                try:
                    self._complete_update(watched)
                except NonFiniteError as error:
                    self._report_non_finite(error)
                self._pause()

    def _complete_update(self, batches: Iterator[Batch | None]) -> None:
        step = self._at.step
        update = self._update or self._new_update(step)
        self._update = update
        count = self.updates.micro_count(step)
        while update.done < count:
            update.add(*(next(batches) or NO_ROWS for _ in self.machine.world.mine))
            if update.done < count:
                self._pause()
        report = update.finish(self._audit.gradients(step))
        self._audit.parameters(step)
        self._update = None
        with torch.no_grad():
            self.machine.learner.after(step, report.means)
        if self.ema is not None:
            self.ema.update(self.machine.optimizers[report.phase].networks)
        self._at.step = step + 1
        self._log(report)
        self._at.validation_due = self.hooks.validates and self._is_validation_step()
        self.hooks.progress(self._at.step, self.total)
        if not self._stop_requested():
            self._validate_if_due(self._stop_requested)
        every = self.training.snapshot_every
        if every and self._at.step % every == 0:
            with self.averaged():
                self.hooks.snapshot(self._at.step)

    def _new_update(self, step: int) -> Update:
        phase = self.machine.learner.phase(step)
        require_phase(phase, self.machine.optimizers)
        epoch = self.updates.epoch(step)
        return Update(self.machine, step, epoch, phase, self.updates.micro_count(step))

    def _is_validation_step(self) -> bool:
        every = self.training.validate_every or self.updates.steps_per_epoch
        return self._at.step % every == 0 or self._at.step == self.total

    def _validate_if_due(self, stop: Callable[[], bool]) -> None:
        if not self._at.validation_due:
            return
        with self.averaged(), self._meter.paused():
            verdict = self.hooks.validate(self._at.step, self._seconds(), stop)
            if verdict is None:
                return  # a stop: the same validation comes first after the resume
            self._judge(verdict)
        self._at.validation_due = False
        training_mode(self.networks)

    def _judge(self, verdict: Verdict) -> None:
        for optimizer in self.machine.optimizers.values():
            optimizer.plateau.observe(verdict.value, optimizer.config.schedule)
        if self.best is None or verdict.value < self.best.value:
            networks = {name: copied(net.state_dict()) for name, net in self.networks.items()}
            learner = copied(_module_state(self.machine.learner))
            self.best = Best(self._at.step, verdict.value, verdict.numbers, networks, learner)
            self._at.waited = 0
            return
        self._at.waited += 1
        patience = self.training.patience
        self._at.stopped_early = patience is not None and self._at.waited >= patience

    def _log(self, report: UpdateReport) -> None:
        """Means over the updates since the last line, one line for each phase among them."""
        self._at.window.add(report)
        if self._at.step % self.training.log_every and self._at.step != self.total:
            return
        measured = self._meter.read()
        place = {"step": self._at.step, "epoch": self.updates.epoch(self._at.step - 1)}
        for means in self._at.window.taken():
            seconds = {"seconds": round(self._seconds(), 3)}
            self.hooks.log({**place, "split": "train", **means, **seconds, **measured})

    def _seconds(self) -> float:
        return self._at.seconds + time.monotonic() - self._started

    def _stop_requested(self) -> bool:
        return self._anywhere(self._signals.stop)[0]

    def _signalled(self) -> bool:
        return self._anywhere(self._signals.received is not None)[0]

    def _anywhere(self, *flags: bool) -> list[bool]:
        """Whether any rank says so: all act alike."""
        return [flag > 0 for flag in self.machine.world.maximum([float(flag) for flag in flags])]

    def _pause(self) -> None:
        """Save if it is time, and leave if asked to."""
        late = time.monotonic() - self._saved >= self.training.checkpoint_seconds
        stop, late = self._anywhere(self._signals.stop, late)
        every = self.training.checkpoint_every
        due = bool(every) and self._update is None and self._at.step % every == 0
        if stop or due or late:
            self._save()
        if stop:
            self._signals.leave(self._at.step)

    def _save(self) -> None:
        state = self._state()
        if self.machine.world.main:
            micro = 0 if self._update is None else self._update.done
            self.hooks.sync_log()
            save_checkpoint(self.checkpoints, self._at.step, micro, state, training=self._identity)
        self.machine.world.barrier()
        self._saved = time.monotonic()

    def _state(self) -> dict[str, Any]:
        position = {**self._at.state(), "seconds": self._seconds()}
        best = self.best
        return {
            "position": position,
            "networks": {name: net.state_dict() for name, net in self.networks.items()},
            "learner": _module_state(self.machine.learner),
            "optimizers": {name: o.state() for name, o in self.machine.optimizers.items()},
            "ema": None if self.ema is None else self.ema.state(),
            "update": None if self._update is None else self._update.state(),
            "best": None
            if best is None
            else {
                "step": best.step,
                "value": best.value if math.isfinite(best.value) else None,
                "numbers": dict(best.numbers),
                "networks": best.networks,
                "learner": best.learner,
            },
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, net in self.networks.items():
            net.load_state_dict(state["networks"][name])
        if isinstance(self.machine.learner, nn.Module):
            self.machine.learner.load_state_dict(state["learner"])
        for name, optimizer in self.machine.optimizers.items():
            optimizer.restore(state["optimizers"][name])
        if self.ema is not None:
            self.ema.restore(state["ema"])
        self._at = _Position.restored(state["position"])
        if state["update"] is not None:
            self._update = self._new_update(self._at.step)
            self._update.restore(state["update"])
        best = state["best"]
        if best is not None:
            value = math.inf if best["value"] is None else best["value"]
            self.best = Best(**{**best, "value": value})

    def _report_non_finite(self, error: NonFiniteError) -> NoReturn:
        """Have the samples of the last micro-batch written down, and tell where they are."""
        step, update = self._at.step, self._update
        phase = "" if update is None else update.phase
        batches = () if update is None else update.last
        ids = [f"{int(i):016x}" for batch in batches for i in batch.ids]
        self.hooks.non_finite(
            {
                "error": error.message,
                "step": step,
                "epoch": self.updates.epoch(step),
                "phase": phase,
                "micro_batch": 0 if update is None else update.done,
                "ids": ids,
            },
            batches,
        )
        remedy = error.remedy or (
            "see whether `zoo data check` finds fault with the data, lower the learning rate, or "
            "clip the gradient"
        )
        raise NonFiniteError(
            error.message,
            where=f"step {step}, phase '{phase}'",
            remedy=f"{remedy}; nonfinite.json in the run directory names {len(ids)} samples, "
            "nonfinite.safetensors holds them as they were encoded",
        ) from error


def _module_state(learner: LearnerProtocol) -> dict[str, Tensor]:
    return dict(learner.state_dict()) if isinstance(learner, nn.Module) else {}
