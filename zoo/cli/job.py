"""``zoo train --slurm``: the same training as a script for a batch system."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.config.layers import Resolved

__all__ = ["refuse_contradiction", "render_job", "write_job"]


def refuse_contradiction(slurm: Path | None, sbatch: list[str] | None, *, dry_run: bool) -> None:
    """Check the options that say what is done with a training.

    Raises:
        UsageError: If two of them exclude each other.
    """
    if sbatch and slurm is None:
        raise UsageError(
            "it says what a script asks for, and none is written",
            where=f"--sbatch {sbatch[0]}",
            remedy="add --slurm FILE",
        )
    if slurm is not None and dry_run:
        raise UsageError(
            "one writes a file, the other nothing",
            where="--slurm, --dry-run",
            remedy="leave one away; --slurm does not train either",
        )


def write_job(
    file: Path,
    command: Sequence[str],
    sbatch: Sequence[str],
    resolved: Resolved,
    *,
    model: str,
    out: Path,
    start: str | None,
) -> dict[str, Any]:
    """Write the script, and tell what it asks for.

    Args:
        file: Where to.
        command: What it runs, without the program.
        sbatch: Options as ``NAME=VALUE``.
        resolved: The configuration.
        model: ``TASK/MODEL``.
        out: The run directory.
        start: What ``--from`` names.

    Raises:
        ConfigError, DataError, UsageError: If the training could not begin.
    """
    from zoo.launch.checks import check_training
    from zoo.launch.sbatch import plan_job
    from zoo.launch.slurm import Place, slurm_script, write_script

    job = plan_job(sbatch, resolved.config)
    notes = check_training(model, resolved.config, out, start)
    text = slurm_script(
        command,
        job,
        name=model.replace("/", "-"),
        out=out,
        workers=resolved.config.training.workers,
        place=Place(sys.executable, Path.cwd(), os.environ),
    )
    replaced = write_script(file, text)
    (Path.cwd() / out).parent.mkdir(
        parents=True, exist_ok=True
    )  # SLURM makes no folder for its log
    return {
        "file": str(file),
        "replaced": replaced,
        "run": str(out),
        "nodes": job.nodes,
        "processes": job.processes,
        "gpus": job.nodes * job.gpus,
        "sbatch": dict(job.options),
        "command": ["sbatch", str(file)],
        "notes": notes,
    }


def render_job(told: Mapping[str, Any]) -> str:
    """What :func:`write_job` tells, for people."""
    asked = ", ".join(f"{name}={v}" if v else name for name, v in told["sbatch"].items())
    verb = "replaced" if told["replaced"] else "wrote"
    lines = [
        f"{verb} {told['file']}: {told['processes']} processes, {told['gpus']} GPUs ({asked})",
        *(f"note: {note}" for note in told["notes"]),
        f"submit it: {shlex.join(told['command'])}",
    ]
    return "\n".join(lines)
