"""What the engine costs over a minimal loop by hand: ResNet18, 64 x 144 pixels, batch 16.

    python tests/zoo/training/overhead.py --pairs 24

Both train the same network with AdamW on the same samples in the same order, on one thread. The
loop by hand is what a script would do: index, convert, forward, backward, step, and nothing else.
The engine reads through its loader and codec, counts, checks that everything is finite, logs every
step and stands ready to stop. Pairs are interleaved in one process, the order within a pair
alternates; CPU time of all threads of the process, the first step of each training left out. The
interval is that of the median by the binomial distribution. Memory is the peak that is added by a
training in a process of its own. Prints one table, or a JSON object with ``--json``; exit code 1
if the lower limit of the time ratio is above 1.03 or the memory ratio above 1.05.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binom
from torch import nn
from torchvision.models import resnet18

from zoo.config.run import OptimizerConfig, TrainingConfig
from zoo.contract.codec import Batch, Codec
from zoo.contract.learning import Context, Loss
from zoo.contract.source import Block
from zoo.contract.table import Table
from zoo.data.loaders import Loader
from zoo.data.order import Plan, epoch_order
from zoo.engine.distributed import World
from zoo.engine.hooks import Verdict
from zoo.engine.learner import Learner
from zoo.engine.loop import Loop
from zoo.engine.optimizers import build_optimizers
from zoo.engine.plan import Updates
from zoo.engine.precision import Precision
from zoo.engine.step import Machine
from zoo.memory import high_water, reset_high_water, resident, trim

BATCH, SAMPLES, STEPS = 16, 64, 4
TIME_LIMIT, MEMORY_LIMIT = 1.03, 1.05
IMAGES = np.random.default_rng(1).normal(size=(SAMPLES, 1, 64, 144)).astype(np.float32)
TARGETS = IMAGES.mean((1, 2, 3))[:, None]


def network() -> nn.Module:
    """One channel in, one number out, always the same."""
    torch.manual_seed(0)
    net = resnet18(weights=None, num_classes=1)
    net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    return net


def by_hand(step_done: Callable[[], None]) -> float:
    """The loop by hand; returns the last loss."""
    net = network().train()
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3, fused=True)
    loss = torch.zeros(())
    _, order = epoch_order(0, 0, (SAMPLES,), 16)
    for step in range(STEPS):
        rows = order[step * BATCH : (step + 1) * BATCH]
        x, y = torch.from_numpy(IMAGES[rows]), torch.from_numpy(TARGETS[rows])
        loss = ((net(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step_done()
    return float(loss.detach())


class InMemory:
    """The samples as a source of one block."""

    facts: Mapping[str, Any] = {}

    def blocks(self) -> Sequence[Block]:
        """One of all samples."""
        return [Block("all", SAMPLES, "all")]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Some of its rows."""
        ids = np.arange(SAMPLES, dtype=np.uint64)[rows]
        return Table({"id": ids, "image": IMAGES[rows], "target": TARGETS[rows]})


class AsTheyAre(Codec):
    """Images in, a number out."""

    needs = frozenset({"image"})
    targets = frozenset({"target"})

    def encode(self, samples: Table) -> Batch:
        """The columns themselves."""
        return Batch({"image": samples["image"]}, {"target": samples["target"]}, samples.ids)

    def decode(self, outputs: Any, samples: Table) -> Table:
        """The number."""
        return Table({"id": samples.ids, "value": outputs})


class Squares(Learner):
    """Mean squared error."""

    def loss(self, nets: Mapping[str, nn.Module], batch: Batch, context: Context) -> Loss:
        """Sum and count."""
        error = nets["net"](batch.inputs["image"]) - batch.targets["target"]
        return Loss().add("square", (error**2).sum(), len(error))


class Hooks:
    """What a run directory would do, without the disk."""

    validates = False

    def __init__(self, loader: Loader, step_done: Callable[[], None]) -> None:
        self._loader, self._step_done = loader, step_done
        self.rows: list[Mapping[str, Any]] = []

    def batches(self, first: int) -> Iterator[Batch | None]:
        """From the loader."""
        return self._loader.batches(first)

    def first_micro_batches(self, *_: int, alone: bool) -> list[list[Batch]]:
        """Asked of several processes only."""
        raise AssertionError

    def validate(self, *_: object) -> Verdict | None:
        """There is no validation."""
        raise AssertionError

    def snapshot(self, step: int) -> None:
        """There is none."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Keep the line."""
        self.rows.append(row)

    def sync_log(self) -> None:
        """There is no disk."""

    def rewind(self, step: int, *, validated: bool) -> None:
        """Nothing to forget."""

    def progress(self, step: int, total: int) -> None:
        """A step is done."""
        self._step_done()

    def message(self, text: str) -> None:
        """Nothing to tell."""

    def non_finite(self, record: Mapping[str, Any], batches: Sequence[Batch]) -> None:
        """It does not happen."""


def by_the_engine(step_done: Callable[[], None]) -> float:
    """The same training by the engine; returns the last loss."""
    nets = {"net": network()}
    precision, cpu = Precision("fp32", "cpu"), torch.device("cpu")
    source, training = InMemory(), TrainingConfig(steps=STEPS, batch=BATCH, log_every=1)
    plan = Plan((SAMPLES,), BATCH)
    optimizers = build_optimizers(
        {"net": OptimizerConfig(lr=1e-3, weight_decay=1e-2)},  # as torch's AdamW has it
        nets,
        precision,
        totals={"net": STEPS},
        steps_per_epoch=plan.per_epoch,
    )
    machine = Machine(nets, Squares(None, {}), optimizers, precision, cpu, 0, World())
    codec = AsTheyAre(None, {}, {})
    hooks = Hooks(Loader(source, source.blocks(), codec, plan, augment=False), step_done)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(
            machine,
            nets,
            updates=Updates(plan.per_epoch),
            training=training,
            hooks=hooks,
            checkpoints=Path(folder),
        )
        loop.run()
    return float(hooks.rows[-1]["loss"])


WAYS: dict[str, Callable[[Callable[[], None]], float]] = {
    "hand": by_hand,
    "engine": by_the_engine,
}


def cpu_time(way: str) -> tuple[float, float]:
    """CPU seconds of the steps after the first, and the last loss."""
    marks: list[float] = []
    loss = WAYS[way](lambda: marks.append(time.process_time()))
    return marks[-1] - marks[0], loss


def added_memory() -> int:
    """Bytes above what is resident before, in this process."""
    way = sys.argv[2]
    trim()
    before = resident()
    reset_high_water()
    WAYS[way](lambda: None)
    return high_water() - before


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a median: order statistics whose binomial coverage is at least that."""
    ordered, count = sorted(values), len(values)
    cut = int(binom.ppf(0.025, count, 0.5)) - 1
    cut = max(cut, 0)
    return ordered[cut], ordered[count - 1 - cut]


def measure(pairs: int, processes: int) -> dict[str, Any]:
    """All pairs, then the memory."""
    for way in WAYS:
        cpu_time(way)  # imports and caches
    ratios, losses = [], {}
    for number in range(pairs):
        order = list(WAYS) if number % 2 else list(reversed(WAYS))
        found = {}
        for way in order:
            found[way], losses[way] = cpu_time(way)
        ratios.append(found["engine"] / found["hand"])
        sys.stderr.write(f"pair {number + 1}/{pairs}: {ratios[-1]:.4f}\n")
    low, high = median_interval(ratios)
    memory: dict[str, list[int]] = {way: [] for way in WAYS}
    for _ in range(processes):
        for way, seen in memory.items():
            command = [sys.executable, __file__, "--memory", way]
            seen.append(int(subprocess.run(command, check=True, capture_output=True).stdout))
    medians = {way: statistics.median(seen) for way, seen in memory.items()}
    return {
        "pairs": pairs,
        "time_ratio": statistics.median(ratios),
        "interval": [low, high],
        "memory": medians,
        "memory_ratio": medians["engine"] / medians["hand"],
        "losses": losses,
        "torch": torch.__version__,
    }


def main() -> int:
    """Measure and print."""
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--memory"]:
        sys.stdout.write(str(added_memory()))
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--processes", type=int, default=3, help="for the memory, of each kind")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    found = measure(chosen.pairs, chosen.processes)
    low, high = found["interval"]
    if chosen.json:
        text = json.dumps(found)
    else:
        hand, engine = (found["memory"][way] / 2**20 for way in ("hand", "engine"))
        text = (
            f"CPU time, engine over hand: {found['time_ratio']:.4f} [{low:.4f}, {high:.4f}] "
            f"({found['pairs']} pairs)\n"
            f"added memory: {engine:.0f} MiB over {hand:.0f} MiB: {found['memory_ratio']:.3f}\n"
            f"last loss: {found['losses']['engine']:.8f} and {found['losses']['hand']:.8f}"
        )
    sys.stdout.write(f"{text}\n")
    return int(low > TIME_LIMIT or found["memory_ratio"] > MEMORY_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
