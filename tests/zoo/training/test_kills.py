"""Trainings killed at random instants end with the same bits; the script does many more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "kills.py"
SEED = 20260801  # of the kinds of kills and their instants; how far a training is then varies
KINDS = ("gan", "graph", "track")  # graph is fed by points, which then only trains


@pytest.mark.slow
def test_killed_trainings_end_with_the_same_bits() -> None:
    """One kill of each kind at least: second order; fed by a model; batch normalisation."""
    words = [sys.executable, str(SCRIPT), "--kinds", ",".join(KINDS), "--kills", str(len(KINDS))]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}  # its threads would not be forked
    if Path("/dev/shm").is_dir():
        environment["TMPDIR"] = "/dev/shm"  # no waiting for a busy disk
    done = subprocess.run(
        [*words, "--seed", str(SEED), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["kind"] for row in rows] == list(KINDS)
    for row in rows:
        assert row["kills"] >= 1, row
        assert row["identical"] == f"{row['trainings']}/{row['trainings']}", row
        assert row["orphans"] == 0, row
