"""What a job asks of SLURM: options of ``sbatch``, checked against the training.

Names and meanings are those of the manual of ``sbatch`` (https://slurm.schedmd.com/sbatch.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.config.run import RunConfig
from zoo.errors import UsageError, suggestion

__all__ = ["OPTIONS", "Job", "plan_job"]

_NAMES = """
    account acctg-freq array batch bb bbf begin chdir cluster-constraint clusters comment
    consolidate-segments constraint container container-id contiguous core-spec cores-per-socket
    cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot dependency distribution error exclude
    exclusive export export-file extra extra-node-info get-user-env gid gpu-bind gpu-freq gpus
    gpus-per-node gpus-per-socket gpus-per-task gres gres-flags help hint hold ignore-pbs input
    job-name kill-on-invalid-dep licenses mail-type mail-user mcs-label mem mem-bind mem-per-cpu
    mem-per-gpu mincpus network nice no-kill no-requeue nodefile nodelist nodes ntasks
    ntasks-per-core ntasks-per-gpu ntasks-per-node ntasks-per-socket oom-kill-step open-mode output
    overcommit oversubscribe parsable partition power prefer priority profile propagate qos quiet
    reboot requeue reservation resources resv-ports segment signal sockets-per-node spread-job
    spread-segments stepmgr switches test-only thread-spec threads-per-core time time-min tmp
    tres-bind tres-per-task uid umask usage use-min-nodes verbose version wait wait-all-nodes wckey
    wrap
"""
OPTIONS = frozenset(_NAMES.split())
"""Long options of ``sbatch``."""

_REFUSED = {
    "the script sets it itself": "chdir no-requeue open-mode requeue",
    "it belongs to the command line of sbatch, not into a script": (
        "help parsable quiet test-only usage verbose version wait wrap"
    ),
    "one script is one training": "array",
    "it would decide the number of processes a second time": (
        "gpus gpus-per-socket gpus-per-task ntasks ntasks-per-core ntasks-per-gpu"
        " ntasks-per-socket tres-per-task"
    ),
    "a process picks the GPU of its own number on the node, so it must see all of them": (
        "gpu-bind tres-bind"
    ),
}
_REASONS = {name: why for why, names in _REFUSED.items() for name in names.split()}
_SIZE = "nodes=N and gpus-per-node=N, or ntasks-per-node=N without GPUs, decide it"

_NOTICE = 120
"""Seconds before the end at which the training is told to stop: enough to end a micro-batch and
write a checkpoint."""
_EARLY = 60
"""SLURM may send the signal so many seconds earlier still."""
_UNLIMITED = ("0", "UNLIMITED", "INFINITE")


@dataclass(frozen=True)
class Job:
    """The resources of a training.

    Attributes:
        options: Long option of ``sbatch`` -> value; empty: the option takes none.
        nodes: Nodes.
        per_node: Processes on each.
        gpus: GPUs on each node, one for each process; 0: the training is on CPUs.
        cpus: CPUs of each process.
    """

    options: Mapping[str, str]
    nodes: int
    per_node: int
    gpus: int
    cpus: int

    @property
    def processes(self) -> int:
        """Processes of the whole training."""
        return self.nodes * self.per_node


def plan_job(assignments: Sequence[str], config: RunConfig) -> Job:
    """The job that a user describes, for this training.

    Args:
        assignments: ``nodes=2``, ``exclusive``: long options of ``sbatch`` without the dashes.
        config: The training.

    Raises:
        UsageError: If an option is unknown, malformed, or contradicts the training or another.
    """
    given = _parsed(assignments)
    nodes = _count(given, "nodes", 1)
    gpus = _gpus(given)
    per_node = _count(given, "ntasks-per-node", gpus or 1)
    cpus = _count(given, "cpus-per-task", 1 + config.training.workers)
    job = Job(given, nodes, per_node, gpus, cpus)
    _check_processes(job, config)
    _check_time(given)
    sizes = {"nodes": nodes, "ntasks-per-node": per_node, "cpus-per-task": cpus}
    return Job({**{k: str(v) for k, v in sizes.items()}, **given}, nodes, per_node, gpus, cpus)


def _parsed(assignments: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        where = f"--sbatch {assignment}"
        if name not in OPTIONS:
            raise UsageError(
                "sbatch has no such long option",
                where=where,
                remedy=f"{_near(name)}an option that your site adds goes on sbatch's command line",
            )
        if name in _REASONS:
            remedy = _SIZE if "number of processes" in _REASONS[name] else f"leave {name} away"
            raise UsageError(_REASONS[name], where=where, remedy=remedy)
        if name in found:
            raise UsageError("it is given twice", where=where, remedy="give it once")
        if (equals and not value) or not value.isprintable():
            raise UsageError("the value is empty or unprintable", where=where, remedy="give one")
        found[name] = value
    return found


def _near(name: str) -> str:
    near = suggestion(name.lstrip("-"), OPTIONS)
    return f"{near} " if near.startswith("did you mean") else "write NAME=VALUE; "


def _count(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"[1-9]\d{0,6}", value):
        raise UsageError(
            "it must be one whole number from 1 on",
            where=f"--sbatch {name}={value}",
            remedy=f"write {name}=2: the number of processes must be known",
        )
    return int(value)


def _gpus(given: Mapping[str, str]) -> int:
    """GPUs of a node from ``gpus-per-node=[TYPE:]N`` or ``gres=gpu[:TYPE][:N],...``."""
    resources = given.get("gres", "").split(",")
    in_gres = [item for item in resources if re.match(r"gpu(:|$)", item)]
    if "gpus-per-node" in given and in_gres:
        raise UsageError(
            "gpus-per-node and gres both ask for GPUs",
            where=f"--sbatch gres={given['gres']}",
            remedy="give one of them",
        )
    if "gpus-per-node" in given:
        where, count = "gpus-per-node", given["gpus-per-node"].rpartition(":")[2]
    elif in_gres:
        where, count = "gres", in_gres[0].rpartition(":")[2]
        count = count if count.isdecimal() else "1"  # as SLURM counts `gpu` and `gpu:TYPE`
    else:
        return 0
    if len(in_gres) > 1 or not re.fullmatch(r"[1-9]\d{0,3}", count):
        raise UsageError(
            "it must name one kind of GPU and how many a node has",
            where=f"--sbatch {where}={given[where]}",
            remedy="write gpus-per-node=4, gpus-per-node=a100:4 or gres=gpu:a100:4",
        )
    return int(count)


def _check_processes(job: Job, config: RunConfig) -> None:
    device = config.engine.device
    if job.gpus and job.per_node != job.gpus:
        raise UsageError(
            f"{job.per_node} processes and {job.gpus} GPUs on a node",
            where=f"--sbatch ntasks-per-node={job.per_node}",
            remedy="a process drives one GPU: leave ntasks-per-node away",
        )
    if job.gpus and device == "cpu":
        raise UsageError(
            "the job asks for GPUs and the training for the CPU",
            where="engine.device",
            remedy="leave --device or the GPUs away",
        )
    if device.startswith("cuda") and not job.gpus:
        raise UsageError(
            "the training asks for a GPU and the job for none",
            where="engine.device",
            remedy="add --sbatch gpus-per-node=1, or --device cpu",
        )
    if ":" in device and job.per_node > 1:
        raise UsageError(
            f"all {job.per_node} processes of a node would use {device}",
            where="engine.device",
            remedy="use --device cuda: each takes the GPU of its own number",
        )
    if config.training.batch < job.processes:
        raise UsageError(
            f"{config.training.batch} samples of a micro-batch for {job.processes} processes",
            where="training.batch",
            remedy="it counts the samples over all processes: make it larger, or ask for fewer",
        )


def _check_time(given: dict[str, str]) -> None:
    """The signal must reach the training's processes, and while they train."""
    sent = given.setdefault("signal", f"USR1@{_NOTICE}")
    parsed = re.fullmatch(r"(?:SIG)?(?:USR1|TERM)@(\d{1,5})", sent)
    if parsed is None:
        raise UsageError(
            "the training would not get it, or would not save and stop",
            where=f"--sbatch signal={sent}",
            remedy="write signal=USR1@SECONDS; with B: only the shell of the script gets it",
        )
    seconds = _seconds(given["time"]) if "time" in given else None
    if seconds is not None and seconds <= int(parsed[1]) + _EARLY:
        raise UsageError(
            f"{seconds} s, and {parsed[1]} s before the end (SLURM: up to {_EARLY} s earlier) the"
            " training is told to stop: it would never begin",
            where=f"--sbatch time={given['time']}",
            remedy="ask for more time; a bare number counts minutes",
        )


def _seconds(time: str) -> int | None:
    """Seconds of a limit: ``M``, ``M:S``, ``H:M:S``, ``D-H``, ``D-H:M``, ``D-H:M:S``."""
    if time.upper() in _UNLIMITED:
        return None
    if not re.fullmatch(r"\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}", time):
        raise UsageError(
            "it is no time limit",
            where=f"--sbatch time={time}",
            remedy="write HH:MM:SS, DAYS-HH:MM:SS or minutes",
        )
    days, dash, clock = time.rpartition("-")
    fields = [int(field) for field in clock.split(":")]
    if dash:
        fields += [0] * (3 - len(fields))
    else:
        fields = [0] * (2 - len(fields)) + fields if len(fields) > 1 else [*fields, 0]
        fields = [0] * (3 - len(fields)) + fields
    hours, minutes, seconds = fields
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
