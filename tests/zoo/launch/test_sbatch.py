"""What a job may ask for, against the training that it is for."""

from __future__ import annotations

import pytest

from zoo.config.layers import resolve, set_layer
from zoo.config.run import RunConfig
from zoo.errors import UsageError
from zoo.launch.sbatch import OPTIONS, plan_job
from zoo_miniatures.track.config import PadNetConfig


def training(*settings: str) -> RunConfig:
    return resolve(PadNetConfig, [set_layer(settings)]).config


def test_nothing_said_is_one_process_without_a_gpu() -> None:
    job = plan_job([], training())
    assert (job.nodes, job.per_node, job.gpus, job.cpus, job.processes) == (1, 1, 0, 1, 1)
    assert dict(job.options) == {
        "nodes": "1",
        "ntasks-per-node": "1",
        "cpus-per-task": "1",
        "signal": "USR1@120",
    }


@pytest.mark.parametrize(
    "asked", ["gpus-per-node=4", "gpus-per-node=a100:4", "gres=gpu:4", "gres=gpu:a100:4,nvme:1"]
)
def test_a_process_for_each_gpu(asked: str) -> None:
    job = plan_job(["nodes=2", asked, "exclusive"], training("training.workers=3"))
    assert (job.nodes, job.per_node, job.gpus, job.processes) == (2, 4, 4, 8)
    assert job.cpus == 4  # the process and its workers
    assert job.options["ntasks-per-node"] == "4"
    assert job.options["exclusive"] == ""
    name, _, value = asked.partition("=")
    assert job.options[name] == value


def test_one_gpu_where_slurm_counts_one() -> None:
    assert plan_job(["gres=gpu"], training()).gpus == 1
    assert plan_job(["gres=gpu:a100"], training()).gpus == 1
    assert plan_job(["gres=nvme:1"], training()).gpus == 0


def test_processes_on_cpus_and_their_cpus() -> None:
    job = plan_job(["nodes=3", "ntasks-per-node=2", "cpus-per-task=8"], training())
    assert (job.processes, job.cpus, job.gpus) == (6, 8, 0)


@pytest.mark.parametrize(
    ("asked", "what", "remedy"),
    [
        (["partion=gpu"], "no such long option", "did you mean 'partition'"),
        (["--time=10"], "no such long option", "did you mean 'time'"),
        (["t=10"], "no such long option", "write NAME=VALUE"),
        (["array=1-4"], "one script is one training", "leave array away"),
        (["ntasks=4"], "number of processes", "gpus-per-node=N"),
        (["gpus-per-task=1"], "number of processes", "gpus-per-node=N"),
        (["gpu-bind=single:1"], "see all of them", "leave gpu-bind away"),
        (["requeue"], "sets it itself", "leave requeue away"),
        (["wrap=ls"], "command line of sbatch", "leave wrap away"),
        (["nodes=2", "nodes=3"], "given twice", "once"),
        (["nodes=2-4"], "one whole number", "must be known"),
        (["nodes=0"], "one whole number", "must be known"),
        (["nodes"], "one whole number", "must be known"),
        (["partition="], "empty", "give one"),
        (["comment=a\nb"], "unprintable", "give one"),
        (["gpus-per-node=a100"], "how many", "gpus-per-node=4"),
        (["gpus-per-node=a:1,b:1", "gres=gpu:1"], "both ask", "one of them"),
        (["gres=gpu:a:1,gpu:b:1"], "one kind", "gpus-per-node=4"),
        (["gpus-per-node=4", "ntasks-per-node=2"], "2 processes and 4 GPUs", "one GPU"),
        (["time=soon"], "no time limit", "HH:MM:SS"),
        (["time=3"], "180 s, and 120 s before", "minutes"),
        (["time=0:10:00", "signal=USR1@540"], "would never begin", "more time"),
        (["signal=B:USR1@120"], "would not get it", "signal=USR1@SECONDS"),
        (["signal=KILL@120"], "would not save", "signal=USR1@SECONDS"),
    ],
)
def test_what_is_refused(asked: list[str], what: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_job(asked, training())
    assert caught.value.exit_code == 2
    assert what in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.where.startswith("--sbatch ")


@pytest.mark.parametrize(
    ("asked", "settings", "where"),
    [
        (["gpus-per-node=1"], ["engine.device=cpu"], "engine.device"),
        ([], ["engine.device=cuda"], "engine.device"),
        (["gpus-per-node=2"], ["engine.device=cuda:0"], "engine.device"),
        (["nodes=4", "ntasks-per-node=5"], ["training.batch=19"], "training.batch"),
    ],
)
def test_what_contradicts_the_training(asked: list[str], settings: list[str], where: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_job(asked, training(*settings))
    assert caught.value.where == where
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("time", "seconds"),  # the six forms that the manual of sbatch lists under --time
    [
        ("4", 240),
        ("4:30", 270),
        ("1:02:03", 3723),
        ("1-2", 93600),
        ("1-2:3", 93780),
        ("1-2:3:4", 93784),
    ],
)
def test_forms_of_a_time_limit(time: str, seconds: int) -> None:
    """Told by the notice that is just short enough, and the one that is not."""
    notice = min(seconds - 61, 65535)
    assert plan_job([f"time={time}", f"signal=USR1@{notice}"], training())
    if notice < 65535:
        with pytest.raises(UsageError, match=f"^.*: {seconds} s, and {notice + 1} s before"):
            plan_job([f"time={time}", f"signal=USR1@{notice + 1}"], training())


@pytest.mark.parametrize("time", ["UNLIMITED", "infinite", "0"])
def test_no_time_limit(time: str) -> None:
    assert plan_job([f"time={time}"], training()).options["time"] == time


def test_options_are_long_names() -> None:
    assert all(len(name) > 1 and not name.startswith("-") for name in OPTIONS)
    assert {"account", "partition", "qos", "time", "mem", "constraint", "mail-user"} <= OPTIONS
