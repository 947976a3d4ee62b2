"""A cluster of this machine alone: what ``sbatch`` would do with a script, and its log."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

STUBS = Path(__file__).parent / "stub"


def directives(text: str) -> dict[str, str]:
    """The ``#SBATCH`` lines, read as the manual says: until the first line that is a command."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        if line.startswith("#SBATCH "):
            (word,) = shlex.split(line.removeprefix("#SBATCH "), comments=True)
            assert word.startswith("--"), line
            name, _, value = word.removeprefix("--").partition("=")
            assert name not in found, f"{name} twice"
            found[name] = value
    return found


class Cluster:
    """Runs scripts in one folder.

    Attributes:
        requeued: Where ``scontrol requeue`` leaves a line.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requeued = folder / "requeued"

    @property
    def requests(self) -> list[str]:
        """What ``scontrol requeue`` was called with, in order."""
        return self.requeued.read_text().splitlines() if self.requeued.exists() else []

    def run(self, script: Path, stubs: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
        """Run a script as the batch step of job 12345, in another folder than it was written."""
        asked = directives(script.read_text())
        environment = {
            **os.environ,
            "PATH": f"{STUBS}{os.pathsep}{os.environ['PATH']}",
            "STUB_LOG": str(self.requeued),
            "SLURM_JOB_ID": "12345",
            "SLURM_JOB_NODELIST": "node[1-2]",
            "SLURM_NTASKS_PER_NODE": asked["ntasks-per-node"],
            **stubs,
        }
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return subprocess.run(
            ["/bin/bash", str(script)],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
