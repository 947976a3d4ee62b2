"""The script: its text, what it carries, and what it does with an exit code."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from zoo.config.layers import resolve
from zoo.errors import UsageError
from zoo.launch.sbatch import OPTIONS, plan_job
from zoo.launch.slurm import RESTARTS, Place, slurm_script, write_script
from zoo_miniatures.track.config import PadNetConfig

WORDS = ("train", "mini-track/pad-net", "--set", "model.keep='0.5'; rm -rf $HOME `id`")


def script(
    folder: Path,
    *asked: str,
    words: Sequence[str] = WORDS,
    environ: Mapping[str, str] | None = None,
    out: str = "runs/a b",
    python: str = "/opt/my python/bin/python3",
) -> str:
    job = plan_job(asked, resolve(PadNetConfig, []).config)
    place = Place(python, folder, environ or {})
    return slurm_script(words, job, name="mini-track", out=Path(out), workers=2, place=place)


def test_bash_and_sbatch_can_read_it(tmp_path: Path, slurm: ModuleType) -> None:
    text = script(tmp_path, "nodes=2", "gpus-per-node=4", "time=2:00:00", "comment=it's #1 of 2")
    done = subprocess.run(["/bin/bash", "-n"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    asked = slurm.directives(text)
    assert asked == {
        "job-name": "mini-track",
        "output": f"{tmp_path}/runs/a b.slurm-%j.out",
        "nodes": "2",
        "ntasks-per-node": "4",
        "cpus-per-task": "1",
        "gpus-per-node": "4",
        "time": "2:00:00",
        "comment": "it's #1 of 2",
        "signal": "USR1@120",
        "requeue": "",
        "open-mode": "append",
    }
    assert asked.keys() <= OPTIONS
    assert text.startswith("#!/bin/bash\n")


def test_the_user_may_name_job_and_log(tmp_path: Path, slurm: ModuleType) -> None:
    asked = slurm.directives(script(tmp_path, "job-name=mine", "output=log-%j", out="100%"))
    assert (asked["job-name"], asked["output"]) == ("mine", "log-%j")
    assert slurm.directives(script(tmp_path, out="100%"))["output"].endswith(
        "/100%%.slurm-%j.out"  # %% is a percent sign to sbatch
    )


def test_a_path_that_no_line_can_hold(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SBATCH"):
        script(tmp_path, out="a\nb")


def told(cluster: Any, tmp_path: Path, text: str) -> dict[str, list[str]]:
    """What a process of srun is given: words, folder, variables; NUL between them."""
    path = tmp_path / "job.sh"
    path.write_text(text)
    done = cluster.run(path)
    assert done.returncode == 0, done.stderr
    return {
        name: (tmp_path / name).read_text().split("\0")[:-1]
        for name in ("words", "folder", "variables")
    }


@pytest.fixture
def teller(tmp_path: Path) -> str:
    """An interpreter whose path has blanks, and that only tells what it was given."""
    path = tmp_path / "my bin" / "python"
    path.parent.mkdir()
    path.write_text(
        f"#!/bin/bash\nprintf '%s\\0' \"$@\" > '{tmp_path}/words'\n"
        f"printf '%s\\0' \"$PWD\" > '{tmp_path}/folder'\nenv -0 > '{tmp_path}/variables'\n"
    )
    path.chmod(0o755)
    return str(path)


def test_the_process_gets_words_folder_and_environment(
    tmp_path: Path, cluster: Any, teller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the place where the script was written, whatever sbatch was called with."""
    monkeypatch.setenv("ZOO_SET__training__batch", "3")  # set when submitting, not when writing
    monkeypatch.setenv("ZOO_PLUGINS", "none")
    monkeypatch.setenv("WORLD_SIZE", "7")
    monkeypatch.setenv("PYTHONPATH", "/submitting")
    folder = tmp_path / "it's here"
    folder.mkdir()
    there = {
        "ZOO_SET__model__keep": "'0.5' $x",
        "DETECTOR_ZOO_DATA": "/data sets",
        "HOME": "/not/carried",
    }
    text = script(folder, "cpus-per-task=6", environ=there, python=teller)
    found = told(cluster, tmp_path, text)
    assert found["words"] == ["-m", "zoo", *WORDS]
    assert found["folder"] == [str(folder)]
    variables = dict(line.split("=", 1) for line in found["variables"])
    assert variables["ZOO_SET__model__keep"] == "'0.5' $x"
    assert variables["DETECTOR_ZOO_DATA"] == "/data sets"
    assert variables["OMP_NUM_THREADS"] == "4"  # six CPUs, two loader workers
    assert variables["HOME"] != "/not/carried"
    assert not variables.keys() & {
        *("ZOO_SET__training__batch", "ZOO_PLUGINS", "WORLD_SIZE", "PYTHONPATH", "MASTER_ADDR")
    }


def test_several_processes_meet_on_the_first_node(
    tmp_path: Path, cluster: Any, teller: str
) -> None:
    found = told(cluster, tmp_path, script(tmp_path, "nodes=2", python=teller))
    variables = dict(line.split("=", 1) for line in found["variables"])
    assert variables["MASTER_ADDR"] == "127.0.0.1"  # the first of the stub's two hosts
    assert 20000 <= int(variables["MASTER_PORT"]) < 30000


def test_a_variable_that_no_shell_exports(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ZOO_SET__model__a-b"):
        script(tmp_path, environ={"ZOO_SET__model__a-b": "1"})


@pytest.mark.parametrize(
    ("stubs", "requeued", "says"),
    [
        ({"STUB_EXIT": "0"}, False, ""),
        ({"STUB_EXIT": "4"}, False, ""),
        ({"STUB_EXIT": "137"}, False, ""),
        ({"STUB_EXIT": "75"}, True, "back into the queue"),
        ({"STUB_EXIT": "138"}, True, "back into the queue"),
        ({"STUB_EXIT": "75", "STUB_TERM": "1"}, True, "back into the queue"),
        ({"STUB_EXIT": "75", "STUB_STATE": "COMPLETING"}, False, ""),
        ({"STUB_EXIT": "75", "SLURM_RESTART_COUNT": str(RESTARTS - 1)}, True, "back into"),
        ({"STUB_EXIT": "75", "SLURM_RESTART_COUNT": str(RESTARTS)}, False, "sbatch this script"),
    ],
)
def test_what_follows_an_exit_code(
    tmp_path: Path, cluster: Any, stubs: dict[str, str], requeued: bool, says: str
) -> None:
    path = tmp_path / "job.sh"
    path.write_text(script(tmp_path))
    done = cluster.run(path, stubs)
    assert done.returncode == int(stubs["STUB_EXIT"]), done.stderr
    assert cluster.requests == (["requeue 12345"] if requeued else [])
    assert says in done.stdout + done.stderr
    assert says or not done.stdout + done.stderr


def test_only_our_own_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "job.sh"
    text = script(tmp_path)
    assert not write_script(path, text)
    assert not write_script(path, text)  # the same again
    other = script(tmp_path, "nodes=2")
    assert write_script(path, other)
    assert path.read_text() == other
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("years of work")
    with pytest.raises(UsageError, match="did not write it") as caught:
        write_script(thesis, text)
    assert caught.value.exit_code == 2
    assert thesis.read_text() == "years of work"
    with pytest.raises(UsageError, match="cannot be read"):
        write_script(tmp_path, text)
