"""What options of the engine change in time and memory, against the plain fp32 eager training.

    python tests/zoo/training/speed.py --rounds 12
    python tests/zoo/training/speed.py --device cuda --rounds 12 --steps 50 --batch 256 --planes 8

Three subjects: torchvision's ResNet18 on 64 x 144 pixels and ``dnn-roi/lite-unet`` on simulated
planes, each a whole update of the engine on samples that are encoded already (loss, gradients,
optimizer, all its checks), and AdamW's step alone on the parameters of ResNet18. Every measurement
has a process of its own: it warms up, then does its steps, under deterministic algorithms as in
every training, on one thread. One round measures each variant of a subject once, each round
beginning with another; the ratio is that to the first variant in the same round. The interval is
that of the median by the binomial distribution, with at least 95 % coverage from six rounds on. On
a CPU the time is CPU time of the process, so that a busy neighbour matters less, and memory the
growth of the peak of resident memory; on a GPU wall time with synchronisation, and the peak of
allocated memory. ``loss`` is the first one relative to that of the first variant: the same network,
to rounding. Prints a table, or a JSON object with ``--json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from overhead import IMAGES, TARGETS, Squares, median_interval, network
from torch import Tensor, nn

from zoo.bench.case import Case, Conditions
from zoo.bench.step import training_work
from zoo.bench.subjects import Settings, subjects
from zoo.config.run import OptimizerConfig
from zoo.contract.codec import Batch
from zoo.engine.distributed import World
from zoo.engine.layout import channels_innermost
from zoo.engine.optimizers import build_optimizers
from zoo.engine.precision import numerics, resolve_device, resolve_precision
from zoo.engine.step import Machine, Update, UpdateReport
from zoo.memory import high_water, reset_high_water, resident, trim

WARM_UP = 3


@dataclass(frozen=True)
class Variant:
    """Options of the engine."""

    channels_last: bool = False
    precision: str = "fp32"
    compiled: bool = False
    gpu_only: bool = False


OPTIONS = {
    "plain": Variant(),
    "channels_last": Variant(channels_last=True),
    "bf16": Variant(precision="bf16"),
    "bf16+channels_last": Variant(precision="bf16", channels_last=True),
    "bf16+compile": Variant(precision="bf16", compiled=True, gpu_only=True),
    "bf16+channels_last+compile": Variant(
        precision="bf16", channels_last=True, compiled=True, gpu_only=True
    ),
}
RULES = {"default": None, "fused": True}
"""What torch takes on its own (on a GPU one kernel per operation, on a CPU one per parameter)."""


@dataclass(frozen=True)
class Sizes:
    """What one process does."""

    steps: int
    batch: int
    planes: int


def resnet(variant: str, device: torch.device, sizes: Sizes) -> Callable[[], float]:
    """An update of ResNet18; returns the loss."""
    chosen = OPTIONS[variant]
    net = network().to(device).train()
    if chosen.channels_last:
        channels_innermost(net)
    precision = resolve_precision(cast("Any", chosen.precision), device)
    optimizers = build_optimizers(
        {"net": OptimizerConfig(lr=1e-3, weight_decay=1e-2)},
        {"net": net},
        precision,
        totals={"net": sizes.steps},
        steps_per_epoch=1,
    )
    called = cast("nn.Module", torch.compile(net)) if chosen.compiled else net
    machine = Machine(
        {"net": called}, Squares(None, {}), optimizers, precision, device, 0, World(device=device)
    )
    rows = torch.arange(sizes.batch).numpy() % len(IMAGES)
    ids = rows.astype("uint64")
    batch = Batch({"image": IMAGES[rows]}, {"target": TARGETS[rows]}, ids)

    def step() -> float:
        update = Update(machine, 0, 0, "net", 1)
        update.add(batch)
        return update.finish().loss

    return step


def lite_unet(variant: str, device: torch.device, sizes: Sizes) -> Callable[[], float]:
    """An update of the U-Net as ``zoo bench --mode training`` does it; returns the loss."""
    chosen = OPTIONS[variant]
    settings = (
        f"engine.channels_last={str(chosen.channels_last).lower()}",
        "data.source=cosmics",
        f"data.events={sizes.planes}",  # each has one plane or more
        "data.validation=0",
        "data.test=0",
    )
    (subject,) = subjects(["dnn-roi/lite-unet"], Settings(assignments=settings))
    conditions = Conditions(
        mode="training",
        phase="net",
        runtime="compiled" if chosen.compiled else "eager",
        precision=chosen.precision,
        onednn="on",
        device=device.type,
        sizes={"batch": sizes.planes},
    )
    work = training_work(Case(subject=subject, conditions=conditions))
    return lambda: cast("UpdateReport", work.call()).loss


def adamw(variant: str, device: torch.device, sizes: Sizes) -> Callable[[], Tensor]:
    """A step of AdamW with gradients that are there already; returns a parameter's mean."""
    net = network().to(device)
    rule = torch.optim.AdamW(net.parameters(), 1e-3, fused=RULES[variant])
    torch.manual_seed(1)
    for parameter in net.parameters():
        parameter.grad = torch.randn_like(parameter)
    first = next(net.parameters())

    def step() -> Tensor:  # which a GPU need not wait for
        rule.step()
        return first.detach().mean()

    return step


SUBJECTS: dict[str, tuple[Callable[..., Callable[[], float | Tensor]], list[str]]] = {
    "resnet18": (resnet, list(OPTIONS)),
    "lite-unet": (lite_unet, list(OPTIONS)),
    "adamw-step": (adamw, list(RULES)),
}


def in_this_process(
    subject: str, variant: str, device: torch.device, sizes: Sizes
) -> dict[str, float]:
    """Seconds of one step, bytes and the first loss."""
    gpu = device.type == "cuda"
    trim()
    before = resident()
    with numerics(device, 1):
        step = SUBJECTS[subject][0](variant, device, sizes)
        trim()
        reset_high_water()
        loss = float(step())
        for _ in range(WARM_UP - 1):
            step()
        begun = _now(gpu=gpu)
        for _ in range(sizes.steps):
            step()
        seconds = (_now(gpu=gpu) - begun) / sizes.steps
    memory = torch.cuda.max_memory_allocated(device) if gpu else high_water() - before
    return {"seconds": seconds, "memory": memory, "loss": loss}


def _now(*, gpu: bool) -> float:
    if gpu:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def measured(subject: str, variant: str, device: str, sizes: Sizes) -> dict[str, float]:
    """The same in a fresh process."""
    given = (subject, variant, device, sizes.steps, sizes.batch, sizes.planes)
    command = [sys.executable, __file__, "--one", *map(str, given)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(subject: str, device: str, rounds: int, sizes: Sizes) -> list[dict[str, Any]]:
    """One row for each variant of a subject."""
    variants = [
        name
        for name in SUBJECTS[subject][1]
        if device == "cuda" or not (name in OPTIONS and OPTIONS[name].gpu_only)
    ]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for number in range(rounds):
        turn = number % len(variants)
        for name in variants[turn:] + variants[:turn]:
            found[name].append(measured(subject, name, device, sizes))
            seconds = found[name][-1]["seconds"]
            sys.stderr.write(f"{subject}, round {number + 1}/{rounds}, {name}: {seconds:.4f} s\n")
    return [row(subject, name, found, variants[0]) for name in variants]


def row(
    subject: str, name: str, found: Mapping[str, Sequence[Mapping[str, float]]], base: str
) -> dict[str, Any]:
    """Medians over the rounds, and ratios to the first variant in the same round."""
    pairs = list(zip(found[name], found[base], strict=True))
    times = [one["seconds"] / other["seconds"] for one, other in pairs]
    low, high = median_interval(times)
    memory = [statistics.median(seen["memory"] for seen in found[which]) for which in (name, base)]
    losses = [found[which][0]["loss"] for which in (name, base)]
    return {
        "subject": subject,
        "variant": name,
        "seconds": statistics.median(seen["seconds"] for seen in found[name]),
        "time_ratio": statistics.median(times),
        "interval": [low, high],
        "memory": memory[0],
        "memory_ratio": memory[0] / memory[1],
        "loss_ratio": losses[0] / losses[1],
    }


def table(rows: Sequence[Mapping[str, Any]], kind: str) -> str:
    """For reading."""
    lines = [f"{'':38}{kind:>9}{'ratio':>8}{'95 %':>17}{'memory':>10}{'ratio':>7}{'loss':>9}"]
    for r in rows:
        low, high = r["interval"]
        lines.append(
            f"{r['subject']:11}{r['variant']:27}{1e3 * r['seconds']:6.1f} ms{r['time_ratio']:8.3f}"
            f"{f'[{low:.3f}, {high:.3f}]':>17}{r['memory'] / 2**20:6.0f} MiB"
            f"{r['memory_ratio']:7.2f}{r['loss_ratio']:9.5f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--one"]:
        subject, variant, device, *numbers = sys.argv[2:]
        one = Sizes(*map(int, numbers))
        seen = in_this_process(subject, variant, resolve_device(device), one)
        sys.stdout.write(f"\n{json.dumps(seen)}\n")
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("subjects", nargs="*", help=f"{', '.join(SUBJECTS)}; default: all")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=5, help="that are timed in one process")
    parser.add_argument("--batch", type=int, default=16, help="images of ResNet18")
    parser.add_argument("--planes", type=int, default=1, help="of the U-Net")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.subjects) - SUBJECTS.keys():
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    sizes = Sizes(given.steps, given.batch, given.planes)
    rows = [
        found
        for subject in given.subjects or SUBJECTS
        for found in compare(subject, given.device, given.rounds, sizes)
    ]
    kind = "wall time" if given.device == "cuda" else "CPU time"
    if given.json:
        name = torch.cuda.get_device_name() if given.device == "cuda" else "cpu"
        conditions = {"device": name, "torch": torch.__version__, "rounds": given.rounds}
        text = json.dumps({**conditions, **vars(sizes), "time": kind, "rows": rows})
    else:
        text = table(rows, kind)
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
