"""Memory and time of one step of pair networks on the talk's tank, against a plain SIREN.

    python tests/plugins/optics/memory.py            # many minutes; one process at a time
    python tests/plugins/optics/memory.py --talk     # the talk's bytes, by formula

The plain SIREN is what people write: all rows of (flash, sensor) through ``sin(omega (W x + b))``
at once; it has no accidental broadcast. Every case runs in a fresh process with one thread. After a
step to warm up: the peak of the resident memory in the next one over what was resident before, the
least CPU time of four more (other processes only add to it), and the most that tensors held at a
time, as torch's profiler counts it. What is resident besides are the allocator's free lists.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 2**20
SENSORS = 9946


@dataclass(frozen=True)
class Way:
    """How a step is computed.

    Attributes:
        chunk: Rows at a time (``engine.chunk``); ``None``: all.
        by_flash: A backward pass for every flash, of the same sum: ``training.batch=1`` and
            ``training.accumulate`` flashes.
        recompute: ``model.recompute``.
        bf16: Under autocast.
    """

    chunk: int | None = None
    by_flash: bool = False
    recompute: bool = False
    bf16: bool = False


WAYS = {
    "plain": Way(),
    "by flash, recompute": Way(by_flash=True, recompute=True),
    "chunks of 2048": Way(chunk=2048),
    "chunks of 2048, recompute": Way(chunk=2048, recompute=True),
    "chunks of 1536": Way(chunk=1536),
    "chunks of 2048, recompute, bf16": Way(chunk=2048, recompute=True, bf16=True),
}


def main() -> None:
    """All cases as a table, or one case as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="")
    parser.add_argument("--batches", type=int, nargs="+", default=[5, 10])
    parser.add_argument("--talk", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.talk:
        sys.stdout.write(talk_table() + "\n")
        return
    if options.case:
        sys.stdout.write(json.dumps(measured(**json.loads(options.case))) + "\n")
        return
    results = [{**case, **in_process(case)} for case in cases(options.batches)]
    sys.stdout.write(table(results) + "\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def cases(batches: list[int]) -> list[dict[str, Any]]:
    """Networks, batches and ways to compute."""
    return [
        {"hidden": hidden, "direction": direction, "batch": batch, "way": way}
        for hidden in (32, 64)
        for direction in (False, True)
        for batch in batches
        for way in WAYS
    ]


def in_process(case: dict[str, Any]) -> dict[str, Any]:
    """Measure a case in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    sys.stderr.write(f"{case} {found}\n")
    return found


def measured(*, hidden: int, direction: bool, batch: int, way: str) -> dict[str, Any]:
    """``mib`` over the resident memory before a step and CPU ``seconds`` of one, by allocator."""
    import torch

    from zoo import memory

    torch.set_num_threads(1)
    stepper(hidden, direction, 1, way, rows=2)()  # what is loaded on first use is not counted
    step = stepper(hidden, direction, batch, way)
    memory.trim()
    memory.reset_high_water()
    before = memory.resident()
    step()
    resident = (memory.high_water() - before) / MIB
    seconds = min(cpu_seconds(step) for _ in range(4))
    return {"resident": resident, "tensors": tensors(step) / MIB, "seconds": seconds}


def cpu_seconds(step: Callable[[], None]) -> float:
    """Of one step."""
    start = time.process_time()
    step()
    return time.process_time() - start


def tensors(step: Callable[[], None]) -> int:
    """Most bytes that tensors of a step hold at a time, over those that were there before it."""
    from torch._C._profiler import _EventType
    from torch.profiler import ProfilerActivity, profile

    with profile(
        activities=[ProfilerActivity.CPU],
        profile_memory=True,
        acc_events=True,  # torch 2.11 warns otherwise, of a second window that there is not
    ) as recorded:
        step()
    recorder: Any = recorded.profiler
    held, todo = [], [*recorder.kineto_results.experimental_event_tree()]
    while todo:
        event = todo.pop()
        todo += event.children
        if event.typed[0] == _EventType.Allocation:
            held.append((event.start_time_ns, event.typed[1]))
    held.sort(key=lambda one: one[0])
    first = held[0][1]
    largest: int = max(one.total_allocated for _, one in held)
    return largest - (first.total_allocated - first.alloc_size)


def stepper(
    hidden: int, direction: bool, batch: int, way: str, rows: int = 40
) -> Callable[[], None]:
    """A function that does forward, Poisson loss and backward of one batch."""
    import torch

    from zoo.engine.chunked import chunk_size
    from zoo_optics.config import SirenPairConfig
    from zoo_optics.models.siren_pair import SirenPair

    chosen = WAYS[way]
    config = SirenPairConfig(hidden=hidden, direction=direction, recompute=chosen.recompute)
    net = SirenPair(config, facts(rows))
    sensors = len(net.sensor)
    generator = torch.Generator().manual_seed(1)
    position = 300 * (torch.rand(batch, 3, generator=generator) - 0.5)
    axis = torch.nn.functional.normalize(torch.randn(batch, 3, generator=generator), dim=1)
    charge = torch.poisson(torch.full((batch, sensors), 0.1), generator=generator)
    inputs = (position, axis) if direction else (position,)

    def plain(part: slice) -> torch.Tensor:
        scaled = (position[part] - net.middle) / net.extent
        values = net.rows(torch.cat([scaled, axis[part]], 1) if direction else scaled)
        for layer in net.stack[:-1]:
            values = torch.sin(layer.frequency * layer.linear(values))
        return net.mean_log + net.scale * net.stack[-1](values).reshape(-1, sensors)

    def ours(part: slice) -> torch.Tensor:
        with chunk_size(chosen.chunk), torch.autocast("cpu", torch.bfloat16, enabled=chosen.bf16):
            answer: torch.Tensor = net(*(values[part] for values in inputs))
            return answer

    def step() -> None:
        size = 1 if chosen.by_flash else batch
        for first in range(0, batch, size):
            part = slice(first, first + size)
            log_mean = (plain if way == "plain" else ours)(part) + 9.2
            loss = (log_mean.exp() - charge[part] * log_mean).sum() / charge.numel()
            loss.backward()
        net.zero_grad()

    return step


def facts(rows: int) -> dict[str, Any]:
    """The talk's tank, or one with fewer rows of sensors."""
    from zoo_optics.sources.cherenkov import tank
    from zoo_optics.sources.config import TankConfig

    return tank(TankConfig(rows=rows)).facts()


def table(results: list[dict[str, Any]]) -> str:
    """Markdown, each way over the plain SIREN of its row."""
    columns = ("resident MiB", "tensors MiB", "CPU s")
    head = " | ".join(f"{name} | ratio" for name in columns)
    lines = [f"| network | batch | way | {head} |", "|---" * 9 + "|"]
    plain: dict[str, Any] = {}
    for case in results:
        plain = case if case["way"] == "plain" else plain
        name = f"{case['hidden']}x5{' with direction' if case['direction'] else ''}"
        values = " | ".join(
            f"{case[column]:{form}} | {case[column] / plain[column]:.2f}"
            for column, form in (("resident", ".1f"), ("tensors", ".1f"), ("seconds", ".3f"))
        )
        lines.append(f"| {name} | {case['batch']} | {case['way']} | {values} |")
    return "\n".join(lines)


def talk() -> list[tuple[str, float, float]]:
    """What the OpticSiren talk observed, and what an accidental broadcast takes, MiB of CUDA.

    A: what autograd keeps of a SIREN, argument and sine of six layers for every row. U: one float32
    tensor (flashes, sensors, sensors), as of a column for every pair against a row for every
    sensor.
    """

    def kept(hidden: int, batch: int) -> float:
        return 12 * hidden * 4 * batch * SENSORS / MIB

    def broadcast(batch: int) -> float:
        return 4 * batch * SENSORS**2 / MIB

    return [
        ("allocated after the model, 64x5, batch 5: A", 149.2, kept(64, 5)),
        ("allocated between steps, 64x5, batch 10: A", 299.6, kept(64, 10)),
        ("allocated between steps, 32x5, batch 10: A", 153.5, kept(32, 10)),
        ("in the model, 64x5, batch 10: 2 U + A", 7881, 2 * broadcast(10) + kept(64, 10)),
        ("in the model, 32x5, batch 10: 2 U + A", 7735, 2 * broadcast(10) + kept(32, 10)),
        ("reserved in step 1, 64x5, batch 5: 3 U + A", 5936, 3 * broadcast(5) + kept(64, 5)),
        ("reserved in step 2, 64x5, batch 5: 7 U + 2 A", 13528, 7 * broadcast(5) + 2 * kept(64, 5)),
    ]


def talk_table() -> str:
    """Markdown of :func:`talk`."""
    lines = ["| quantity | talk, MiB | formula, MiB | ratio |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {seen:g} | {told:.1f} | {told / seen:.3f} |" for name, seen, told in talk()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
