"""Runs steps on small disks: shell lines, and commands of zoo whose end it notes.

unshare --mount python on_disk.py

A line of stdin names a folder. Its ``steps.json`` is done by a process forked from this one, where
all that takes seconds is imported; that process ends as every Python does, for HDF5 crashes late.
It leaves ``done.json``, and in ``said.txt`` what it said. The answer is a line: its exit status.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from zoo.cli.app import app
from zoo.data.workers import quiet_fork

_HEAVY = ("torch._dynamo", "zoo.evaluation", "zoo.export", "zoo.report", "zoo.training")


def work(folder: Path) -> None:
    """Do the steps of a folder."""
    os.chdir(folder)
    said = os.open("said.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    told = json.loads(Path("steps.json").read_bytes())
    os.environ["DISK"] = told["disk"]
    ended = {}
    for step in told["steps"]:
        if "shell" in step:
            subprocess.run(["bash", "-c", step["shell"]], check=True)
            continue
        result = CliRunner().invoke(app, step["words"], prog_name="zoo")
        ended[step["name"]] = (result.exit_code, result.stdout, result.stderr)
    Path("done.json").write_text(json.dumps(ended))


def main() -> None:
    """Answer one line after another."""
    sys.modules["triton"] = None  # type: ignore[assignment]  # unused, and it complains at the end
    for name in _HEAVY:
        importlib.import_module(name)
    gc.freeze()  # else each process looks through all that is imported here when it ends
    for line in sys.stdin:
        with quiet_fork():
            child = os.fork()
        if not child:
            work(Path(line.rstrip("\n")))
            return
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
