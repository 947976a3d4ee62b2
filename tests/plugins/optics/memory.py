"""Memory and time of one step of pair networks on the talk's tank, against a plain SIREN.

    python tests/plugins/optics/memory.py            # minutes; one process at a time

Every case runs in a fresh process with one thread: one step to warm up, then the median CPU time of
five, and the peak of the resident memory over what the process held before its first step. The
plain SIREN is what people write: all rows of (flash, sensor) through ``sin(omega (W x + b))`` at
once; it has no accidental broadcast. glibc gives blocks above 1 MiB back at once here, so that the
peak is that of the tensors and not of its free lists.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

MIB = 2**20


def main() -> None:
    """All cases as a table, or one case as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="")
    parser.add_argument("--batches", type=int, nargs="+", default=[5, 10])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.case:
        sys.stdout.write(json.dumps(measured(**json.loads(options.case))) + "\n")
        return
    results = [{**case, **in_process(case)} for case in cases(options.batches)]
    sys.stdout.write(table(results) + "\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def cases(batches: list[int]) -> list[dict[str, Any]]:
    """Networks, batches and ways to compute."""
    ways = ("plain", "all at once", "recompute", "chunked", "chunked, recompute", "bf16")
    return [
        {"hidden": hidden, "direction": direction, "batch": batch, "way": way}
        for hidden in (64, 32)
        for direction in (False, True)
        for batch in batches
        for way in ways
    ]


def in_process(case: dict[str, Any]) -> dict[str, float]:
    """Measure a case in a process of its own."""
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measured(*, hidden: int, direction: bool, batch: int, way: str) -> dict[str, float]:
    """``mib`` over the resident memory before the first step, and CPU ``seconds`` of a step."""
    import torch

    torch.set_num_threads(1)
    stepper(hidden, direction, 1, way, rows=2)()  # what is loaded on first use is not counted
    step = stepper(hidden, direction, batch, way)
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    step()
    times = []
    for _ in range(5):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return {"mib": (status("VmHWM") - before) / MIB, "seconds": statistics.median(times)}


def stepper(
    hidden: int, direction: bool, batch: int, way: str, rows: int = 40
) -> Callable[[], None]:
    """A function that does forward, Poisson loss and backward of one batch."""
    import torch

    from zoo.engine.chunked import chunk_size
    from zoo_optics.config import SirenPairConfig
    from zoo_optics.models.siren_pair import SirenPair

    recompute = way in ("recompute", "chunked, recompute", "bf16")
    config = SirenPairConfig(hidden=hidden, direction=direction, recompute=recompute)
    net = SirenPair(config, facts(rows))
    sensors = len(net.sensor)
    generator = torch.Generator().manual_seed(1)
    position = 300 * (torch.rand(batch, 3, generator=generator) - 0.5)
    axis = torch.nn.functional.normalize(torch.randn(batch, 3, generator=generator), dim=1)
    charge = torch.poisson(torch.full((batch, sensors), 0.1), generator=generator)
    chunk = 4096 if way in ("chunked", "chunked, recompute", "bf16") else None

    def plain() -> torch.Tensor:
        scaled = (position - net.middle) / net.extent
        inputs = torch.cat([scaled, axis], 1) if direction else scaled
        values = net.rows(inputs)
        for layer in net.stack[:-1]:
            values = torch.sin(layer.frequency * layer.linear(values))
        return net.mean_log + net.scale * net.stack[-1](values).reshape(batch, sensors)

    def ours() -> torch.Tensor:
        with chunk_size(chunk), torch.autocast("cpu", torch.bfloat16, enabled=way == "bf16"):
            answer: torch.Tensor = net(position, axis) if direction else net(position)
            return answer

    def step() -> None:
        log_mean = (plain if way == "plain" else ours)() + 9.2
        (log_mean.exp() - charge * log_mean).mean().backward()
        net.zero_grad()

    return step


def facts(rows: int) -> dict[str, Any]:
    """The talk's tank, or one with fewer rows of sensors."""
    from zoo_optics.sources.cherenkov import tank
    from zoo_optics.sources.config import TankConfig

    return tank(TankConfig(rows=rows)).facts()


def status(name: str) -> float:
    """A line of /proc/self/status, bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * float(line.split()[1])
    raise KeyError(name)


def table(results: list[dict[str, Any]]) -> str:
    """Markdown, each way over the plain SIREN of its row."""
    lines = ["| network | batch | way | MiB | ratio | CPU s | ratio |", "|---" * 7 + "|"]
    plain: dict[str, Any] = {}
    for case in results:
        plain = case if case["way"] == "plain" else plain
        name = f"{case['hidden']}x5{' with direction' if case['direction'] else ''}"
        lines.append(
            f"| {name} | {case['batch']} | {case['way']} | {case['mib']:.1f} "
            f"| {case['mib'] / plain['mib']:.3f} | {case['seconds']:.3f} "
            f"| {case['seconds'] / plain['seconds']:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
