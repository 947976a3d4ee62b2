"""A training killed at random instants ends with the same bits; the script does many more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "kill_and_resume.py"
SEED = 20260801  # of the instants; recorded, so that a failure can be repeated


@pytest.mark.slow
@pytest.mark.parametrize("case", ["track", "gan", "light"])
def test_a_killed_training_ends_with_the_same_bits(case: str) -> None:
    words = [sys.executable, str(SCRIPT), "--cases", case, "--trials", "1", "--kills", "1"]
    done = subprocess.run(
        [*words, "--seed", str(SEED), "--json"], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    trial = json.loads(done.stdout)
    assert trial["killed"], "no kill fell into the training: make it longer"
    assert trial["equal"], trial
    assert trial["same_log"], trial
    assert done.returncode == 0
