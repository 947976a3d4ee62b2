"""``zoo train --slurm`` as a user calls it, and its script with real trainings under it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app

TRAIN = (
    *("train", "mini-track/pad-net", "--recipe", "quick", "--device", "cpu"),
    *("--set", "data.events=96", "--set", "training.steps=60", "--set", "training.log_every=1"),
    *("--set", "training.validate_every=30"),
)
Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """A command in the folder of the test: exit code, stdout."""
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(words))
        return done.exit_code, done.stdout

    return invoke


def test_it_tells_what_it_wrote_and_does_not_train(
    call: Call, tmp_path: Path, slurm: ModuleType
) -> None:
    words = (*TRAIN, "--slurm", "job.sh", "--sbatch", "nodes=2", "--sbatch", "time=30")
    code, text = call(*words, "--json")
    assert code == 0, text
    told = json.loads(text)
    assert told["command"] == ["sbatch", "job.sh"]
    assert (told["nodes"], told["processes"], told["gpus"]) == (2, 2, 0)
    assert told["run"] == "runs/mini-track-pad-net"
    assert (told["replaced"], told["notes"]) == (False, [])
    found = slurm.directives((tmp_path / "job.sh").read_text())
    assert told["sbatch"].items() <= found.items()
    assert (tmp_path / "runs").is_dir()
    assert not list((tmp_path / "runs").iterdir())
    code, text = call(*words[:-2])
    assert code == 0
    assert "replaced job.sh: 2 processes, 0 GPUs" in text
    assert "submit it: sbatch job.sh" in text


def test_every_option_reaches_the_job(call: Call, tmp_path: Path) -> None:
    Path("more.toml").write_text("[training]\npatience = 4\n")
    options = [
        *("--data", "tracks", "--recipe", "quick", "--config", "more.toml"),
        *("--set", "data.events=96", "--set", "model.width=4", "--from", "runs/a@3"),
        *("--freeze", "net/a.*", "--freeze", "net/b.*", "--out", "runs/b"),
        *("--device", "cpu", "--max-time", "60.0"),
    ]
    code, text = call("train", "mini-track/pad-net", *options, "--slurm", "job.sh", "--json")
    assert code == 0, text
    assert json.loads(text)["notes"] == ["runs/a@3 is not here; the job needs it"]
    line = next(li for li in Path("job.sh").read_text().splitlines() if "-m zoo train" in li)
    words = shlex.split(line.removesuffix(" || code=$?"))
    assert words[:3] == [sys.executable, "-m", "zoo"]
    assert words[3:] == ["train", "mini-track/pad-net", *options]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--sbatch", "nodes=2"], 2, "--slurm FILE"),
        (["--slurm", "job.sh", "--dry-run"], 2, "leave one away"),
        (["--slurm", "job.sh", "--sbatch", "nods=2"], 2, "did you mean 'nodes'"),
        (["--slurm", "job.sh", "--set", "training.bach=5"], 2, "training.bach"),
        (["--slurm", "job.sh", "--set", "data.events=0"], 2, "number of events"),
        (["--slurm", "job.sh", "--data", "trakcs"], 2, "did you mean 'tracks'"),
        (["--slurm", "job.sh", "--out", "full"], 2, "holds no run"),
        (["--slurm", "full/thesis.tex"], 2, "did not write it"),
    ],
)
def test_a_mistake_is_told_now(call: Call, words: list[str], code: int, says: str) -> None:
    Path("full").mkdir()
    Path("full/thesis.tex").write_text("years of work")
    found, text = call(*TRAIN, *words, "--json")
    assert found == code
    assert says in text
    told = json.loads(text)
    assert told["message"]
    assert told["remedy"]
    assert not Path("job.sh").exists()


def test_a_classical_model_and_absent_data(call: Call) -> None:
    code, text = call("train", "mini-track/centroid", "--slurm", "job.sh", "--json")
    assert code == 2
    assert "nothing to train" in text
    code, text = call("train", "mini-track/pad-net", "--slurm", "job.sh", "--json")
    assert code == 2
    assert "no data are named" in text
    code, text = call(*TRAIN[:2], "--data", "far/away.h5", "--slurm", "job.sh")
    assert code == 0
    assert "note: far/away.h5 is not here; the job needs it" in text
    Path("broken.h5").write_text("no HDF5")
    code, text = call(*TRAIN[:2], "--data", "broken.h5", "--slurm", "job.sh", "--json")
    assert code == 4


def test_torch_is_not_needed_to_write_it(tmp_path: Path) -> None:
    program = (
        "import sys; from zoo.cli.app import app; sys.argv[0] = 'zoo'\n"
        "try:\n    app()\nexcept SystemExit as end:\n    code = end.code\n"
        "sys.exit('imports torch' if 'torch' in sys.modules else code)\n"
    )
    words = [sys.executable, "-c", program, *TRAIN, "--slurm", "job.sh"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "job.sh").exists()


@pytest.mark.slow
def test_two_processes_are_interrupted_requeued_and_finish(
    call: Call, tmp_path: Path, cluster: Any
) -> None:
    """Real trainings over gloo; only srun and scontrol are stubs."""
    run = tmp_path / "runs" / "two"
    code, text = call(*TRAIN, "--out", "runs/two", "--slurm", "job.sh", "--sbatch", "nodes=2")
    assert code == 0, text
    script = tmp_path / "job.sh"
    stopped = cluster.run(script, {"STUB_SIGNAL": str(run / "metrics.jsonl")})
    assert stopped.returncode == 75, stopped.stderr
    assert stopped.stderr.count("(SIGUSR1); everything is saved") == 1  # the first tells it
    assert cluster.requests == ["requeue 12345"]
    assert not (run / "model.safetensors").exists()
    ended = cluster.run(script, {"SLURM_RESTART_COUNT": "1"})
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("resumed at step") == 1
    assert ended.stdout.count("model.safetensors") == 1  # one summary for all processes
    assert (run / "model.safetensors").is_file()
    assert len(cluster.requests) == 1
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if row["split"] == "train"] == list(range(1, 61))
