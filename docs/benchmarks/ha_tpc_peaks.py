"""What trainings took: peak memory, share of the time that they waited for data, speed. RUN..."""

import json
import sys
from pathlib import Path

import numpy as np

for run in map(Path, sys.argv[1:]):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["split"] == "train"]
    settled = steps[len(steps) // 10 :]  # the first ones wait for the reader to start
    peak = max(line["peak_memory"] for line in steps) / 2**20
    wait, speed = (
        float(np.mean([line[name] for line in settled]))
        for name in ("data_wait", "samples_per_second")
    )
    sys.stdout.write(
        f"{run.name:<16} {steps[-1]['step']:>6} steps  peak {peak:>6.0f} MiB  "
        f"waits {100 * wait:>4.1f} %  {speed:>6.0f} tracks/s\n"
    )
