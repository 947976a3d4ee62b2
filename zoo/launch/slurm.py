"""A training as a script for SLURM's ``sbatch``, which goes on by itself after its time limit.

The signal of ``--signal`` goes to the processes that ``srun`` started (not to the shell: that is
``B:``); they save everything and end with exit code 75. The script then puts its own job back into
the queue, and the same command resumes. So no ``--max-time`` is needed: it would have to guess how
long the start takes, and the signal does not.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGUSR1

from zoo.errors import Interrupted, UsageError
from zoo.files import write_atomically
from zoo.launch.sbatch import Job

__all__ = ["RESTARTS", "Place", "slurm_script", "write_script"]

RESTARTS = 100
"""A job that gets nowhere must not come back for ever; ``sbatch`` of the same script goes on."""

_MARK = "# A training of zoo, written by `zoo train --slurm`"
_CARRIED = ("DETECTOR_ZOO_DATA", "PYTHONPATH")
_CARRIED_PREFIX = "ZOO_"
_PATIENCE = 300
"""Seconds that processes wait for those that have not ended: validation and a large checkpoint."""


@dataclass(frozen=True)
class Place:
    """Where a training was to run, and what it would have found there.

    Attributes:
        python: The interpreter.
        folder: The current folder, absolute.
        environ: Environment variables.
    """

    python: str
    folder: Path
    environ: Mapping[str, str]


def slurm_script(
    arguments: Sequence[str], job: Job, *, name: str, out: Path, workers: int, place: Place
) -> str:
    """The script.

    Args:
        arguments: Words after ``python -m zoo``.
        job: Its resources.
        name: Of the job, unless the job says.
        out: The run directory. SLURM's log stands beside it: the folder of a new run is empty.
        workers: Loader workers of each process.
        place: Where paths and settings of the environment come from.

    Raises:
        UsageError: If the environment cannot be carried over.
    """
    directives = {
        "job-name": name,
        "output": f"{str(place.folder / out).replace('%', '%%')}.slurm-%j.out",
        **job.options,
        "requeue": "",
        "open-mode": "append",
    }
    if not all(value.isprintable() for value in directives.values()):
        raise UsageError(
            "its name has characters that no #SBATCH line can hold",
            where=repr(str(out)),
            remedy="choose another --out",
        )
    threads = max(1, job.cpus - workers)
    command = shlex.join([place.python, "-m", "zoo", *arguments])
    blocks = [
        [f"#!/bin/bash\n{_MARK}; `sbatch` submits it."],
        [_directive(key, value) for key, value in directives.items()],
        ["set -euo pipefail", f"cd {shlex.quote(str(place.folder))}"],
        _environment(place.environ, threads),
        _RENDEZVOUS if job.processes > 1 else [],
        _run(command, job),
        _REQUEUE,
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def write_script(path: Path, text: str) -> bool:
    """Write a script; whether it replaced another one.

    Raises:
        UsageError: If the file is something else than a script of ours, or cannot be written.
    """
    try:
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    except OSError as error:
        raise UsageError(
            f"cannot be read ({error.strerror or error})",
            where=str(path),
            remedy="choose another file for --slurm",
        ) from error
    if before and _MARK not in before:
        raise UsageError(
            "exists, and `zoo train --slurm` did not write it",
            where=str(path),
            remedy="choose another file for --slurm, or delete this one",
        )
    write_atomically(path, text)
    return before not in ("", text)


def _directive(key: str, value: str) -> str:
    return f"#SBATCH --{key}={shlex.quote(value)}" if value else f"#SBATCH --{key}"


def _environment(environ: Mapping[str, str], threads: int) -> list[str]:
    carried = {
        name: value
        for name, value in sorted(environ.items())
        if name.startswith(_CARRIED_PREFIX) or (name in _CARRIED and value)
    }
    for name in carried:
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise UsageError(
                "no shell can export a variable of this name",
                where=name,
                remedy="unset it and use --set",
            )
    return [
        "# The environment where this was written decides, not that of sbatch; srun numbers the",
        "# processes, not torchrun.",
        f"unset RANK WORLD_SIZE LOCAL_RANK {' '.join(_CARRIED)} ${{!{_CARRIED_PREFIX}@}}",
        *(f"export {name}={shlex.quote(value)}" for name, value in carried.items()),
        f"export OMP_NUM_THREADS={threads}",
    ]


_RENDEZVOUS = [
    "# The processes meet on the first node; the port is below those that systems hand out.",
    'nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")',
    "export MASTER_ADDR=${nodes%%$'\\n'*}",
    "export MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000))",
]


def _run(command: str, job: Job) -> list[str]:
    return [
        "# A process that has saved does not kill those that still do; one that died does not",
        "# leave the others waiting for ever. The shell survives SIGTERM, to see how they end.",
        "trap : TERM",
        "code=0",
        f"srun --ntasks={job.processes} --cpus-per-task={job.cpus} --export=ALL \\",
        f"  --kill-on-bad-exit=0 --wait={_PATIENCE} \\",
        f"  {command} || code=$?",
    ]


_SAVED = Interrupted.exit_code
_SIGNALLED = 128 + SIGUSR1
_REQUEUE = [
    f"# {_SAVED}: interrupted, everything is saved. {_SIGNALLED}: the signal came before the first",
    "# step or after the last; the newest checkpoint holds. A cancelled job is not running.",
    f"if [[ $code == {_SAVED} || $code == {_SIGNALLED} ]]; then",
    f"  if (( ${{SLURM_RESTART_COUNT:-0}} >= {RESTARTS} )); then",
    f'    echo "restarted {RESTARTS} times: stopping; sbatch this script again to go on" >&2',
    '  elif [[ $(scontrol show job "$SLURM_JOB_ID") == *JobState=RUNNING* ]]; then',
    '    echo "back into the queue"',
    '    scontrol requeue "$SLURM_JOB_ID"',
    "  fi",
    "fi",
    'exit "$code"',
]
