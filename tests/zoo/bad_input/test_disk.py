"""A full disk and one that must not be written, for every command that writes.

Nothing is pretended: each test mounts a small disk in memory in a mount namespace of its own,
fills it or makes it read-only, and runs the commands on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

MODEL = "mini-track/pad-net"
WRITE_PROTECT = "mount -o remount,ro $DISK"
ROOM = "mount -o remount,size=64m $DISK"


def fill(left: int) -> str:
    """Fill the disk up to so many bytes."""
    free = "$(df --output=avail --block-size=1 $DISK | tail -1)"
    return f"head -c $(({free} - {left})) /dev/zero >$DISK/filler"


def simulate(out: Path, events: int) -> tuple[object, ...]:
    basis = ("data", "simulate", "mini-track", "--data", "tracks", "--seed", 3, "--workers", 1)
    return (*basis, "--events", events, "--out", out)


def digests(name: str, pattern: str) -> str:
    """A line of the script that notes the digests of files."""
    return f"(cd $DISK && sha256sum {pattern}) >{name}.sums"


def test_a_full_disk_while_simulating(disk: Any) -> None:
    out = disk.folder / "tracks.h5"
    done = disk.run(
        disk.zoo("full", *simulate(out, 600)),
        "ls $DISK $DISK/tracks.h5.parts >left.txt",
        ROOM,
        disk.zoo("again", *simulate(out, 600)),
        disk.zoo("check", "data", "check", "mini-track", "--data", out),
        "ls -A $DISK >end.txt",
        size="300k",
    )
    error = done["full"].failed(2, where=out, says="No space left on device", remedy="space")
    assert error["where"].startswith(f"{out}.parts")
    left = (disk.logs / "left.txt").read_text()
    assert "shard-0000.h5" in left  # what was finished is kept
    assert done["again"].code == 0, done["again"].stdout
    assert done["again"].json["rows"] == 600
    assert done["check"].json["ok"]
    assert (disk.logs / "end.txt").read_text() == "tracks.h5\n"


def test_a_full_disk_while_training(disk: Any, tracks: Path) -> None:
    run = disk.folder / "run"
    train = ("train", MODEL, "--data", tracks, "--out", run, "--device", "cpu")
    steps = [f"training.{s}" for s in ("steps=6", "checkpoint_every=1", "log_every=1")]
    train = (*train, *[word for step in steps for word in ("--set", step)])
    checkpoints = "$(ls -d run/checkpoints/0*)/*"
    done = disk.run(
        disk.zoo("first", *train, "--max-time", "1e-9"),
        digests("before", checkpoints),
        fill(left=12_000),  # enough for lines of the log, not for a checkpoint
        disk.zoo("full", *train),
        digests("after", checkpoints),
        "ls -A $DISK/run/checkpoints >left.txt",
        ROOM,
        disk.zoo("resumed", *train),
        disk.zoo("undisturbed", *train, "--out", disk.folder / "other"),
        "cmp $DISK/run/model.safetensors $DISK/other/model.safetensors",
        size="1m",
    )
    assert done["first"].code == 75, done["first"].stdout
    where, says = run / "checkpoints", "No space left on device"
    done["full"].failed(2, where=where, says=says, remedy="same command again")
    before, after = ((disk.logs / f"{name}.sums").read_text() for name in ("before", "after"))
    assert "state.safetensors" in before
    assert before == after
    assert len((disk.logs / "left.txt").read_text().split()) == 1  # no half-written one
    assert done["resumed"].code == 0, done["resumed"].stdout
    assert "resumed at step" in done["resumed"].stderr
    assert done["resumed"].json["step"] >= 1


def test_a_full_disk_at_the_begin_and_at_the_end_of_a_training(disk: Any, tracks: Path) -> None:
    run = disk.folder / "run"
    train = ("train", MODEL, "--data", tracks, "--out", run, "--device", "cpu")
    train = (*train, "--set", "training.steps=1")
    done = disk.run(
        disk.zoo("begin", *train),
        "mount -o remount,size=1m $DISK",
        fill(left=0),
        disk.zoo("log", *train),
        "rm $DISK/filler",
        disk.zoo("whole", *train),
        size="4k",
    )
    says = "No space left on device"
    done["begin"].failed(2, where=run, says=says, remedy="space")
    done["log"].failed(2, where=run, says=says, remedy="space")
    assert done["whole"].code == 0, done["whole"].stdout


def test_a_full_disk_for_results(disk: Any, run: Path, tracks: Path) -> None:
    files = [disk.folder / name for name in ("p.h5", "eval", "report.html", "export", "copy.h5")]
    data = ("--data", tracks, "--split", "all")
    done = disk.run(
        disk.zoo("predict", "predict", run, *data, "--out", files[0]),
        disk.zoo("eval", "eval", run, *data, "--resamples", 5, "--out", files[1]),
        disk.zoo("report", "report", run, "--out", files[2]),
        disk.zoo("export", "export", run, "--format", "ts", "--out", files[3]),
        disk.zoo("convert", "data", "convert", "mini-track", "--data", tracks, "--out", files[4]),
        "find $DISK -type f >left.txt",
        size="4k",
    )
    for name, file in zip(done, files, strict=True):
        done[name].failed(2, where=file, says="No space left on device", remedy="--out")
    assert (disk.logs / "left.txt").read_text() == ""


def test_no_permission_to_write(disk: Any, run: Path, tracks: Path) -> None:
    folder = disk.folder
    data = ("--data", tracks, "--split", "all")
    commands: dict[str, tuple[object, ...]] = {
        "p.h5": ("predict", run, *data, "--out", folder / "p.h5"),
        "eval": ("eval", run, *data, "--resamples", 5, "--out", folder / "eval"),
        "report.html": ("report", run, "--out", folder / "report.html"),
        "export": ("export", run, "--format", "ts", "--out", folder / "export"),
        "tracks.h5": simulate(folder / "tracks.h5", 3),
        "run": ("train", MODEL, "--data", tracks, "--out", folder / "run"),
    }
    steps = [disk.zoo(name, *words) for name, words in commands.items()]
    for name, done in disk.run(WRITE_PROTECT, *steps, size="1m").items():
        done.failed(2, where=folder / name, says="Read-only file system", remedy="--out")


def test_a_run_on_a_disk_that_became_read_only(disk: Any, run: Path, tracks: Path) -> None:
    there = disk.folder / "run"
    data = ("--data", tracks, "--split", "all")
    stopped = ("train", MODEL, "--data", tracks, "--out", disk.folder / "half", "--device", "cpu")
    predictions = disk.logs / "p.h5"
    done = disk.run(
        f"cp -r {run} $DISK/run",
        disk.zoo("half", *stopped, "--max-time", "1e-9"),
        WRITE_PROTECT,
        disk.zoo("resume", *stopped),
        disk.zoo("eval", "eval", there, *data, "--resamples", 5),
        disk.zoo("report", "report", there),
        disk.zoo("predict", "predict", there, *data, "--out", predictions),
        size="2m",
    )
    assert done["half"].code == 75, done["half"].stdout
    says = "Read-only file system"
    done["resume"].failed(2, where=disk.folder / "half", says=says, remedy="again")
    done["eval"].failed(2, where=there / "eval", says=says, remedy="--out")
    done["report"].failed(2, where=there, says=says, remedy="--out")
    assert done["predict"].code == 0, done["predict"].stdout  # reading is allowed
