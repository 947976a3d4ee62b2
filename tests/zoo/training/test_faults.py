"""Faults that are not pretended: signals, kills, damaged files, other machines and places.

Every fault ends with its exit code and a message; the same command then ends with the same bits
as a training that nobody disturbed. Full disks are in ``tests/zoo/bad_input/test_disk.py``.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.cli.app import app
from zoo.contract.codec import Codec
from zoo.training.parts import find_parts

MODEL = "mini-track/pad-net"
CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000  # of unshare(2), in Python from 3.12 on
YEAR = 3.2e7  # seconds
Start = Callable[..., Any]

SETTINGS = {
    "training.batch": 8,
    "training.steps": 30,
    "training.accumulate": 2,
    "training.validate_every": 10,
    "training.log_every": 1,
    "training.checkpoint_every": 2,
    "training.ema": 0.9,
    "training.precision": "bf16",
    "optimizers.net.schedule.kind": "cosine",
}


def words(out: Path, data: Path, **changes: object) -> list[str]:
    """A training of the file ``data``; changes have ``__`` for dots."""
    settings = {**SETTINGS, **{name.replace("__", "."): v for name, v in changes.items()}}
    basis = ["train", MODEL, "--data", str(data), "--out", str(out), "--device", "cpu"]
    return [*basis, *[w for name, v in settings.items() for w in ("--set", f"{name}={v}")]]


def content(out: Path) -> tuple[str, list[dict[str, Any]]]:
    """The digest of the model and the log without what is measured."""
    model = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    rows = RunDirectory.open(out).metrics()
    return model, [{name: row[name] for name in row if name not in MEASURED} for row in rows]


def wait_for_step(out: Path, step: int, process: Any) -> None:
    """Until the log has this step, while the process lives."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        log = out / "metrics.jsonl"
        if log.exists() and log.read_bytes().count(b'"split": "train"') >= step:
            return
        assert Path(f"/proc/{process.pid}").exists()
        time.sleep(0.001)
    raise AssertionError(f"no step {step}:\n{process.said}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the data and the undisturbed training, made by the first test."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def data(shared: Path) -> Path:
    """A file of tracks."""
    file = shared / "tracks.h5"
    if not file.exists():
        simulate = ("data", "simulate", "mini-track", "--data", "tracks", "--events", "80")
        done = CliRunner().invoke(app, [*simulate, "--out", str(file), "--workers", "1"])
        assert done.exit_code == 0, done.output
    return file


@pytest.fixture
def expected(shared: Path, data: Path) -> tuple[str, list[dict[str, Any]]]:
    """What the undisturbed training ends with.

    It is in this process, so that those forked from it have nothing left to import.
    """
    out = shared / "undisturbed"
    if not (out / "model.safetensors").exists():
        done = CliRunner().invoke(app, words(out, data))
        assert done.exit_code == 0, done.output
    return content(out)


def stopped_at(step: int, out: Path, data: Path, start: Start) -> None:
    """A training that was stopped by SIGTERM about there."""
    process = start(*words(out, data))
    wait_for_step(out, step, process)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() == 75, process.said


_SIGNALS = {
    signal.SIGTERM: (75, r"stopped at step \d+ \(SIGTERM\); everything is saved"),
    signal.SIGUSR1: (75, r"stopped at step \d+ \(SIGUSR1\); everything is saved"),
    signal.SIGINT: (130, r"stopped by Ctrl-C"),
}


@pytest.mark.parametrize("number", _SIGNALS)
def test_a_signal_to_the_whole_group(
    tmp_path: Path, data: Path, expected: object, start: Start, number: signal.Signals
) -> None:
    out, workers = tmp_path / "run", 2
    code, says = _SIGNALS[number]
    process = start(*words(out, data, training__workers=workers))
    wait_for_step(out, 5, process)
    os.killpg(process.pid, number)  # as a batch system and a terminal do
    assert process.wait() == code, process.said
    assert re.search(says, process.said), process.said
    assert "Traceback" not in process.said
    again = start(*words(out, data, training__workers=workers))
    assert again.wait() == 0, again.said
    assert "resumed at step" in again.said
    assert content(out) == expected


def test_the_time_limit(tmp_path: Path, data: Path, expected: object, start: Start) -> None:
    out = tmp_path / "run"
    for limit in (1e-9, 0.1, 1e-9):
        process = start(*words(out, data), "--max-time", limit)
        assert process.wait() == 75 or limit > 1e-3, process.said
        assert "its time was up" in process.said
        assert "run the same command again" in process.said
    process = start(*words(out, data))
    assert process.wait() == 0, process.said
    assert content(out) == expected


def test_a_signal_while_torch_is_imported(tmp_path: Path) -> None:
    """Through the interpreter's start: seconds in which no step is done yet."""
    command = [sys.executable, "-m", "zoo", "train", MODEL, "--recipe", "quick"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "run")], stderr=subprocess.PIPE, text=True
    )
    maps = Path(f"/proc/{process.pid}/maps")
    while "libtorch" not in maps.read_text(encoding="utf-8"):
        assert process.poll() is None
        time.sleep(0.005)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 75, said
    assert "stopped outside of the steps (SIGTERM); nothing is lost" in said
    assert "Traceback" not in said


def signalled_at(path: Path, begin: Callable[[], Any]) -> tuple[int, str]:
    """Exit code and words of a training that is signalled when a file appears.

    All its steps last a third of a second. On a busy machine the signal may come after them: such
    a training tells nothing, and another one begins.
    """
    for _ in range(5):
        process = begin()
        while not path.exists():
            time.sleep(0.0005)
        os.kill(process.pid, signal.SIGTERM)
        if (code := process.wait()) != 0:
            return code, process.said
        shutil.rmtree(path.parent)
    pytest.fail("five trainings ended before they could be signalled")


def test_a_signal_before_the_first_step(
    tmp_path: Path, data: Path, expected: object, start: Start
) -> None:
    out = tmp_path / "run"
    for name in ("run.json", "data.json"):
        code, said = signalled_at(out / name, lambda: start(*words(out, data)))
        assert code == 75, said
        assert "Traceback" not in said
    again = start(*words(out, data))
    assert again.wait() == 0, again.said
    assert content(out) == expected


@pytest.mark.parametrize("written", range(5))
@pytest.mark.usefixtures("expected")
def test_killed_while_the_run_directory_was_made(
    tmp_path: Path, data: Path, start: Start, shared: Path, written: int
) -> None:
    """What a kill leaves after so many of the files that come before the first step."""
    out = tmp_path / "run"
    out.mkdir()
    order = ("run.json", "config.toml", "schema.json", "environment.json", "data.json")
    for name in order[:written]:
        shutil.copy(shared / "undisturbed" / name, out / name)
    (out / f".{order[written]}.x3k_9abc").write_text("{")
    process = start(*words(out, data))
    assert process.wait() == 0, process.said
    assert content(out) == content(shared / "undisturbed")
    assert not list(out.glob(".*"))


def test_a_non_finite_loss_keeps_the_batch(
    tmp_path: Path, data: Path, expected: object, start: Start
) -> None:
    out = tmp_path / "run"
    codec: type[Codec] = find_parts(MODEL).codec
    encode, seen = codec.encode, list[Any]()

    def poisoned(self: Codec, samples: Any) -> Any:
        batch = encode(self, samples)
        seen.append(batch)
        if len(seen) == 20:
            first = next(iter(batch.inputs.values()))
            first[0, 0] = np.nan
            np.save(tmp_path / "poisoned.npy", first)
        return batch

    def poison() -> None:
        codec.encode = poisoned  # type: ignore[method-assign]  # in the process of the test alone

    process = start(*words(out, data, training__validate_every=1000), before=poison)
    assert process.wait() == 7, process.said
    assert "nonfinite.safetensors holds them as they were encoded" in process.said
    assert "Traceback" not in process.said
    record = json.loads((out / "nonfinite.json").read_text())
    kept = load_file(out / "nonfinite.safetensors")
    wrong = {name: told["not_finite"] for name, told in record["arrays"].items()}
    bad = np.load(tmp_path / "poisoned.npy")
    ((name, count),) = [(name, count) for name, count in wrong.items() if count]
    assert count == np.isnan(bad).sum()
    np.testing.assert_array_equal(kept[name], bad)
    assert [f"{int(i):016x}" for i in kept["ids"]] == record["ids"]
    assert record["step"] == 9  # two micro-batches a step
    assert record["micro_batch"] == 2
    newest = max(path.name for path in (out / "checkpoints").glob("0*"))
    assert newest == "000000008-000000"  # from before it
    again = start(*words(out, data, training__validate_every=1000))
    assert again.wait() == 0, again.said
    assert "resumed at step 8" in again.said


def _flip(newest: Path, _: Path) -> None:
    file = newest / "state.safetensors"
    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    file.write_bytes(changed)


def _cut(newest: Path, _: Path) -> None:
    for file in newest.iterdir():
        os.truncate(file, file.stat().st_size // 2)


def _foreign(newest: Path, other: Path) -> None:
    shutil.rmtree(newest)
    shutil.copytree(max((other / "checkpoints").glob("0*")), newest)


def _random(newest: Path, _: Path) -> None:
    for file in newest.iterdir():
        file.write_bytes(os.urandom(1000))
    (newest.parent / "999999999-000000").write_bytes(os.urandom(1000))  # no folder
    (newest.parent / "notes.txt").write_text("see the log book")


_SPOILS = {
    _flip: "damaged checkpoint",
    _cut: "unreadable checkpoint",
    _foreign: "checkpoint of another training",
    _random: "unreadable checkpoint",
}


@pytest.mark.parametrize("spoil", _SPOILS)
def test_a_checkpoint_that_is_not_ours_any_more(
    tmp_path: Path,
    data: Path,
    expected: object,
    start: Start,
    spoil: Callable[[Path, Path], None],
) -> None:
    out, other = tmp_path / "run", tmp_path / "other"
    stopped_at(5, out, data, start)
    if spoil is _foreign:  # as long, with the same networks
        process = start(*words(other, data, training__seed=1), "--max-time", 1e-9)
        assert process.wait() == 75, process.said
    older, newest = sorted((out / "checkpoints").glob("0*"))
    spoil(newest, other)
    process = start(*words(out, data))
    assert process.wait() == 0, process.said
    assert _SPOILS[spoil] in process.said
    assert f"{newest}; the previous checkpoint is used" in " ".join(process.said.split())
    assert f"resumed at step {int(older.name[:9])} of" in process.said
    assert content(out) == expected


def test_no_checkpoint_of_this_training_at_all(tmp_path: Path, data: Path, start: Start) -> None:
    out, other = tmp_path / "run", tmp_path / "other"
    for folder, seed in ((out, 0), (other, 1)):
        again = words(folder, data, training__seed=seed)
        process = start(*again, "--max-time", 1e-9)
        assert process.wait() == 75, process.said
    for checkpoint in (out / "checkpoints").iterdir():
        _foreign(checkpoint, other)
    process = start(*words(out, data))
    assert process.wait() == 5, process.said
    assert "no checkpoint can be used" in process.said


def test_a_killed_worker(tmp_path: Path, data: Path, expected: object, start: Start) -> None:
    out = tmp_path / "run"
    process = start(*words(out, data, training__workers=2))
    wait_for_step(out, 3, process)
    os.kill(process.children()[0], signal.SIGKILL)
    begun = time.monotonic()
    assert process.wait(30) == 2, process.said
    assert time.monotonic() - begun < 30
    assert "a loader's worker process ended" in process.said
    assert "lower training.workers" in process.said
    assert "Traceback" not in process.said
    again = start(*words(out, data, training__workers=1))
    assert again.wait() == 0, again.said
    assert "resumed at step" in again.said
    assert content(out) == expected


def _another_clock() -> None:
    """It jumps ten years ahead, and then goes backwards."""
    first, count = time.time(), iter(range(10**9))

    def backwards() -> float:
        return first + 10 * YEAR - 3600.0 * next(count)

    time.time = backwards
    time.time_ns = lambda: int(1e9 * backwards())


def _namespace(flags: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def _another_host() -> None:
    _namespace(CLONE_NEWUTS)
    socket.sethostname("another-node")
    assert socket.gethostname() == "another-node"


def _write_protected(folder: Path) -> Callable[[], None]:
    def mount() -> None:
        _namespace(CLONE_NEWNS)
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        with pytest.raises(OSError, match="Read-only file system"):
            (folder / "new").touch()

    return mount


@pytest.fixture(scope="module")
def may_unshare() -> None:
    """Root may have namespaces of its own, unless a container forbids it."""
    try:
        done = subprocess.run(
            ["unshare", "--mount", "--uts", "mount", "--make-rprivate", "/"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("namespaces of its own need unshare (util-linux)")
    if done.returncode:
        pytest.skip(f"namespaces of its own need a right: {done.stderr.strip()}")


@pytest.mark.parametrize("change", ["clock", "host", "read-only data"])
@pytest.mark.usefixtures("may_unshare")
def test_what_must_not_matter(
    tmp_path: Path, data: Path, expected: object, start: Start, change: str
) -> None:
    folder, out = tmp_path / "data", tmp_path / "run"
    folder.mkdir()
    shutil.copy(data, folder)
    stopped_at(5, out, folder / data.name, start)
    (folder / data.name).chmod(0o444)
    changes: Mapping[str, Callable[[], None]] = {
        "clock": _another_clock,
        "host": _another_host,
        "read-only data": _write_protected(folder),
    }
    process = start(*words(out, folder / data.name), before=changes[change])
    assert process.wait() == 0, process.said
    assert "resumed at step" in process.said
    assert content(out) == expected


def test_data_and_run_in_another_place(
    tmp_path: Path, data: Path, expected: object, start: Start
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    shutil.copy(data, before)
    stopped_at(5, before / "run", before / data.name, start)
    before.rename(after)
    process = start(*words(after / "run", after / data.name))
    assert process.wait() == 0, process.said
    assert "resumed at step" in process.said
    assert content(after / "run") == expected
    # But not another file, even if it has the same data.
    shutil.copy(data, after / "other.h5")
    process = start(*words(after / "run", after / "other.h5"))
    assert process.wait() == 2, process.said
    assert "other settings: data.path" in process.said


@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_rank_ends_the_other(
    tmp_path: Path, data: Path, start_ranks: Start, killed: int
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert [rank.wait() for rank in start_ranks(2, *words(whole, data))] == [0, 0]
    ranks = start_ranks(2, *words(out, data))
    wait_for_step(out, 5, ranks[0])
    os.kill(ranks[killed].pid, signal.SIGKILL)
    assert ranks[killed].wait() == -signal.SIGKILL
    assert ranks[1 - killed].wait(30) == 2, ranks[1 - killed].said
    assert "another process of this run has ended" in ranks[1 - killed].said
    again = start_ranks(2, *words(out, data))
    assert [rank.wait() for rank in again] == [0, 0], again[0].said
    assert "resumed at step" in again[0].said
    assert content(out) == content(whole)
