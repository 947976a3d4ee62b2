"""A training of milliseconds with everything that must survive a stop.

Two networks in two phases, dropout, random inputs of the context, two denominators, accumulation,
two optimizers with schedules, clipping, an average, a learner with state, validation.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.artifacts.run_directory import MEASURED
from zoo.config.run import OptimizerConfig, ScheduleConfig, TrainingConfig
from zoo.contract.codec import Batch
from zoo.contract.learning import Context, Loss
from zoo.data.keys import combine, normal
from zoo.engine.distributed import World
from zoo.engine.hooks import Verdict
from zoo.engine.learner import Learner
from zoo.engine.loop import Loop
from zoo.engine.optimizers import build_optimizers
from zoo.engine.phases import count_phases
from zoo.engine.plan import Updates
from zoo.engine.precision import Precision
from zoo.engine.step import Machine
from zoo.files import write_atomically

CPU = torch.device("cpu")
MICRO_PER_EPOCH = 5


class TinyLearner(Learner):
    """A generator with noise and a critic of it, and a running mean."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__(None, {})
        self.register_buffer("scale", torch.tensor(1.0))

    def phase(self, step: int) -> str:
        return "critic" if step % 3 == 2 else "generator"

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        x = batch.inputs["x"]
        fake = nets["generator"](x + 0.1 * context.normal(x.shape[1]))
        judged = nets["critic"](fake)
        if context.phase == "critic":
            real = nets["critic"](x)
            return Loss().add("critic", ((judged + 1) ** 2 + (real - 1) ** 2).sum(), len(x))
        chosen = x[:, 0] > 0
        return (
            Loss()
            .add("shape", ((fake - x) ** 2).sum() * self.scale, len(x))
            .add("chosen", (judged[chosen] ** 2).sum(), int(chosen.sum()), 0.3)
            .add("size", fake.abs().sum().detach(), len(x), 0.0)
        )

    def after(self, step: int, totals: Mapping[str, float]) -> None:
        if "size" in totals:
            self.scale.mul_(0.9).add_(0.1 * totals["size"])


class TinyHooks:
    """Batches from keys; a log in a file; validation by a fixed batch."""

    def __init__(self, folder: Path, loop: Callable[[], Loop], *, diverges_at: int = -1) -> None:
        self.validates = True
        self.log_file = folder / "log.jsonl"
        self.messages: list[str] = []
        self.records: list[Mapping[str, Any]] = []
        self.snapshots: list[int] = []
        self.values: Callable[[int], float] | None = None
        self._loop, self._diverges_at = loop, diverges_at

    def batches(self, first: int) -> Iterator[Batch | None]:
        for number in count(first):
            batch = tiny_batch(number)
            if number == self._diverges_at:
                batch.inputs["x"][3, 1] = math.nan
            yield batch

    def validate(self, step: int, seconds: float, stop: Callable[[], bool]) -> Verdict | None:
        if stop():
            return None
        loop = self._loop()
        for network in loop.networks.values():
            network.eval()
        with torch.no_grad():
            x = torch.from_numpy(tiny_batch(10**6).inputs["x"])
            value = float(((loop.networks["generator"](x) - x) ** 2).mean())
        if self.values is not None:
            value = self.values(step)
        self.log({"step": step, "split": "validation", "loss": value, "seconds": seconds})
        return Verdict(value, {"loss": value})

    def snapshot(self, step: int) -> None:
        self.snapshots.append(step)

    def log(self, row: Mapping[str, Any]) -> None:
        with self.log_file.open("a") as stream:
            stream.write(json.dumps(row) + "\n")

    def sync_log(self) -> None:
        pass

    def rewind(self, step: int, *, validated: bool) -> None:
        kept = [
            row
            for row in self.rows()
            if row["step"] < step
            or (row["step"] == step and (validated or row["split"] == "train"))
        ]
        write_atomically(self.log_file, "".join(json.dumps(row) + "\n" for row in kept))

    def rows(self) -> list[dict[str, Any]]:
        if not self.log_file.exists():
            return []
        whole = self.log_file.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def progress(self, step: int, total: int) -> None:
        pass

    def message(self, text: str) -> None:
        self.messages.append(text)

    def non_finite(self, record: Mapping[str, Any], batches: Sequence[Batch]) -> None:
        self.records.append(record)


def tiny_batch(number: int) -> Batch:
    """Six samples of three numbers, a function of the number."""
    ids = combine(number, np.arange(6))
    return Batch({"x": normal(ids, 3).astype(np.float32)}, {}, ids)


def tiny_networks() -> dict[str, nn.Module]:
    torch.manual_seed(1)
    return {
        "generator": nn.Sequential(
            nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3)
        ),
        "critic": nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 1)),
    }


OPTIMIZERS = {
    "generator": OptimizerConfig(
        kind="adamw", lr=0.01, clip=1.0, schedule=ScheduleConfig(kind="cosine", warmup=3)
    ),
    "critic": OptimizerConfig(
        kind="sgd", lr=0.05, momentum=0.9, schedule=ScheduleConfig(kind="plateau", patience=0)
    ),
}


def tiny_loop(folder: Path, *, diverges_at: int = -1, **settings: Any) -> Loop:
    """A loop in a folder, fresh; it resumes on request."""
    training = TrainingConfig(
        **{
            "steps": 24,
            "accumulate": 2,
            "ema": 0.9,
            "validate_every": 5,
            "log_every": 4,
            **settings,
        }
    )
    updates = Updates(MICRO_PER_EPOCH, training.accumulate)
    networks, learner, precision = tiny_networks(), TinyLearner(), Precision("fp32", "cpu")
    totals = count_phases(learner, updates.steps(training), OPTIMIZERS)
    optimizers = build_optimizers(
        OPTIMIZERS, networks, precision, totals=totals, steps_per_epoch=updates.steps_per_epoch
    )
    machine = Machine(networks, learner, optimizers, precision, CPU, 7, World())
    loops: list[Loop] = []
    hooks = TinyHooks(folder, lambda: loops[0], diverges_at=diverges_at)
    loops.append(
        Loop(
            machine,
            networks,
            updates=updates,
            training=training,
            hooks=hooks,
            checkpoints=folder / "checkpoints",
        )
    )
    return loops[0]


def fingerprint(loop: Loop) -> str:
    """A digest of all that a training ends with, times excepted."""
    digest = hashlib.sha256()
    states = [net.state_dict() for net in loop.networks.values()]
    if isinstance(loop.machine.learner, nn.Module):
        states.append(loop.machine.learner.state_dict())
    if loop.ema is not None:
        states += loop.ema.means.values()
    if loop.best is not None:
        states += loop.best.networks.values()
        digest.update(f"{loop.best.step} {loop.best.value}".encode())
    for state in states:
        for name, tensor in sorted(state.items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
    hooks = loop.hooks
    if isinstance(hooks, TinyHooks):
        rows = [{k: v for k, v in row.items() if k not in MEASURED} for row in hooks.rows()]
        digest.update(json.dumps(rows).encode())
    return digest.hexdigest()
