"""Kill trainings of every kind of learner with SIGKILL and compare what they end with.

    python tests/zoo/training/kills.py --kills 60 --seed 1

Each kind trains once undisturbed, without workers. Then it trains again and again, and each process
gets one of three kills at an instant that is uniform over the time of the undisturbed training:

- ``group``: the process and its workers die together, as on a node that fails;
- ``main``: the process alone, as by the out-of-memory killer; its workers must end by themselves;
- ``write``: both, as soon as the folder of an unfinished checkpoint is there after that instant.

A process that is fast enough finishes its training, every other one leaves it to the next, which
has another number of workers. The files and the log (but for the clock) must be those of the
undisturbed training. Processes are forked from one that has trained a step and so has imported
everything: a kill costs no start of an interpreter. Prints a table, or one JSON object per kind
with ``--json``; the exit code is 1 if anything differs or a worker outlives its parent. Where the
temporary folder is in memory (``TMPDIR=/dev/shm``) no other program's disk traffic slows it down.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from zoo.artifacts.run_directory import MEASURED, RunDirectory
from zoo.config.layers import Resolved, recipe_layer, resolve, set_layer
from zoo.engine.checkpoint import KEPT
from zoo.training import train
from zoo.training.parts import find_parts

TIMEOUT = 60.0  # seconds for one process to train
ORPHANS = 15.0  # seconds for workers to notice that their parent is gone
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2): orphans become children of this process
KILLS = ("group", "main", "write")


@dataclass(frozen=True)
class Case:
    """One training: the recipe ``quick`` of a model, with changes."""

    model: str
    settings: tuple[str, ...]
    upstream: str = ""


_COMMON = (
    "engine.device=cpu",
    "training.log_every=1",
    "training.checkpoint_every=1",
    "training.checkpoint_seconds=0.02",  # within an update, too
    "training.ema=0.9",
    "training.snapshot_every=10",
)
CASES = {
    # Three networks in a cycle of updates, second order, latent noise, a running mean as a buffer.
    "gan": Case(
        "mini-gan/wgan-lo",
        (
            "data.events=300",
            "training.steps=40",
            "training.accumulate=2",
            "training.validate_every=20",
            "optimizers.critic.schedule.kind=cosine",
            "optimizers.generator.schedule.kind=exponential",
            "optimizers.generator.schedule.factor=0.99",
        ),
    ),
    # Message passing, fed by another model; a loss scaler.
    "graph": Case(
        "mini-graph/edge-net",
        (
            "data.upstream.events=60",
            "training.batch=4",
            "training.epochs=6",
            "training.accumulate=2",
            "training.precision=fp16",
            "optimizers.net.schedule.kind=step",
            "optimizers.net.schedule.every=5",
        ),
        upstream="points",
    ),
    # One update is one epoch, in chunks of a loss that couples all rows.
    "light": Case(
        "mini-light/siren",
        (
            "data.events=80",
            "training.steps=30",
            "training.validate_every=10",
            "training.precision=bf16",
            "optimizers.net.schedule.kind=linear",
        ),
    ),
    # Two denominators, ragged inputs, augmentation, cosine.
    "points": Case(
        "mini-points/neighbour-net",
        ("data.events=80", "training.epochs=6", "training.batch=8", "training.precision=bf16"),
    ),
    # Batch normalisation, augmentation, cosine after a warm-up.
    "track": Case(
        "mini-track/pad-net",
        (
            "data.events=300",
            "training.batch=16",
            "training.epochs=5",
            "training.accumulate=2",
            "training.precision=bf16",
        ),
    ),
}


@dataclass
class Result:
    """What the killed trainings of one kind came to.

    Attributes:
        kills: By their kind.
        in_a_write: Kills that left an unfinished checkpoint, or one that was to be removed.
        resumes: Processes that began with a checkpoint.
        identical: Trainings that ended with the files and the log of the undisturbed one.
        orphans: Kills whose workers had to be killed too.
    """

    kind: str
    model: str
    trainings: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    in_a_write: int = 0
    resumes: int = 0
    identical: int = 0
    orphans: int = 0
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing differs and nothing is left."""
        return self.identical == self.trainings and not self.orphans

    def row(self) -> dict[str, Any]:
        """What is printed."""
        return {
            "kind": self.kind,
            "model": self.model,
            "trainings": self.trainings,
            "kills": self.kills.total(),
            **{name: self.kills[name] for name in KILLS},
            "in a write": self.in_a_write,
            "resumes": self.resumes,
            "identical": f"{self.identical}/{self.trainings}",
            "orphans": self.orphans,
            "seconds": round(self.seconds, 1),
        }


class Trainer:
    """Trains one case in forked processes.

    Args:
        case: What to train.
        folder: For run directories and what the processes print.
        upstream: Run of the model that feeds it.
    """

    def __init__(self, case: Case, folder: Path, upstream: Path | None) -> None:
        self._case, self._folder = case, folder
        self._more = () if upstream is None else (f"data.model={upstream}",)
        folder.mkdir()

    def undisturbed(self) -> tuple[Path, float]:
        """The run, and how many seconds it took."""
        begun = time.monotonic()
        out = self._folder / "undisturbed"
        child = self._start(out, workers=0)
        code = self._wait(child, TIMEOUT)
        if code is None:
            self._give_up(child)
        self._require(code, out)
        return out, time.monotonic() - begun

    def killed(self, name: str, duration: float, draw: random.Random, result: Result) -> Path:
        """Train with kills until a process is fast enough."""
        out, groups = self._folder / name, list[int]()
        while not (out / "model.safetensors").exists():
            kind, instant = draw.choice(KILLS), draw.uniform(0.0, duration)
            result.resumes += any((out / "checkpoints").glob("[0-9]*"))
            child = self._start(out, workers=draw.randrange(3))
            code = self._wait(child, instant)
            if code is None and kind == "write":
                code = self._wait_for_a_write(child, out / "checkpoints", draw.uniform(0.0, 0.003))
            if code is not None:
                self._require(code, out)
                continue
            (os.kill if kind == "main" else os.killpg)(child, signal.SIGKILL)
            os.waitpid(child, 0)
            groups.append(child)
            result.kills[kind] += 1
            result.in_a_write += _left_in_a_write(out / "checkpoints")
        result.orphans += sum(not _ended(group) for group in groups)
        return out

    def _start(self, out: Path, workers: int) -> int:
        child = os.fork()
        if child:
            with suppress(PermissionError, ProcessLookupError):  # whoever is first
                os.setpgid(child, child)
            return child
        code = 1
        try:
            os.setpgid(0, 0)
            errors = os.open(out.with_suffix(".txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(errors, 1)
            os.dup2(errors, 2)
            faulthandler.register(signal.SIGUSR2, file=errors)
            train(self._case.model, self.settings(workers), out)
            code = 0
        except BaseException:  # noqa: BLE001  # the child must not return into the parent's code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def settings(self, workers: int) -> Resolved:
        """The recipe ``quick`` with the changes."""
        parts = find_parts(self._case.model)
        changes = [*_COMMON, *self._case.settings, *self._more, f"training.workers={workers}"]
        return resolve(
            parts.config, [recipe_layer(parts.task.recipes, "quick"), set_layer(changes)]
        )

    def _wait(self, child: int, seconds: float) -> int | None:
        """The exit code; ``None`` if it is still running then."""
        deadline = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.002)

    def _wait_for_a_write(self, child: int, checkpoints: Path, delay: float) -> int | None:
        deadline = time.monotonic() + TIMEOUT
        while (code := self._wait(child, 0)) is None:
            if time.monotonic() > deadline:
                self._give_up(child)
            with suppress(FileNotFoundError):
                if any(checkpoints.glob(".writing-*")):
                    time.sleep(delay)
                    return None
        return code

    def _give_up(self, child: int) -> NoReturn:
        """Have a process that hangs tell where."""
        os.kill(child, signal.SIGUSR2)
        time.sleep(1.0)
        os.killpg(child, signal.SIGKILL)
        told = "\n".join(file.read_text() for file in self._folder.glob("*.txt"))
        raise SystemExit(f"{self._case.model}: a training hangs:\n{told}")

    def _require(self, code: int | None, out: Path) -> None:
        if code != 0:
            told = out.with_suffix(".txt").read_text(encoding="utf-8")[-3000:]
            raise SystemExit(f"{self._case.model}: a training ended with {code}:\n{told}")


def content(out: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Digests of the model files of a run, and its log without the clock."""
    files = {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*.safetensors"))
        if "checkpoints" not in path.parts
    }
    rows = RunDirectory.open(out).metrics()
    return files, [{name: row[name] for name in row if name not in MEASURED} for row in rows]


def _left_in_a_write(checkpoints: Path) -> bool:
    names = [path.name for path in checkpoints.glob("*")]
    unfinished = any(name.startswith(".") for name in names)
    return unfinished or sum(name[0].isdecimal() for name in names) > KEPT


def _ended(group: int) -> bool:
    """Whether the processes of a group end by themselves; those that do not are killed."""
    deadline = time.monotonic() + ORPHANS
    while True:
        try:
            os.waitpid(-group, os.WNOHANG)
        except ChildProcessError:
            return True
        if time.monotonic() > deadline:
            os.killpg(group, signal.SIGKILL)
            return False
        time.sleep(0.01)


def _import_everything(folder: Path) -> None:
    """By a training of a step; torch loads much of itself on use."""
    case = Case("mini-track/pad-net", ("data.events=60", "training.steps=1"))
    trainer = Trainer(case, folder, None)
    train(case.model, trainer.settings(workers=0), folder / "run")


def results(kinds: Sequence[str], kills: int, seed: int, folder: Path) -> Iterator[Result]:
    """At least so many kills, shared by the kinds."""
    _import_everything(folder / "first")
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    known: dict[str, tuple[Trainer, Path, float]] = {}

    def undisturbed(kind: str) -> tuple[Trainer, Path, float]:
        if kind not in known:
            upstream = CASES[kind].upstream
            fed = undisturbed(upstream)[1] if upstream else None
            trainer = Trainer(CASES[kind], folder / kind, fed)
            known[kind] = (trainer, *trainer.undisturbed())
        return known[kind]

    for kind in kinds:
        begun = time.monotonic()
        trainer, reference, duration = undisturbed(kind)
        expected = content(reference)
        result, draw = Result(kind, CASES[kind].model), random.Random(f"{seed} {kind}")
        while result.kills.total() < kills / len(kinds):
            out = trainer.killed(str(result.trainings), duration, draw, result)
            result.trainings += 1
            result.identical += content(out) == expected
        result.seconds = time.monotonic() - begun
        yield result


def main() -> int:
    """Parse the arguments, kill, print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kinds", default=",".join(CASES), help="names, with commas between")
    parser.add_argument("--kills", type=int, default=60, help="at least so many in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    good, begun, total = True, False, 0
    with tempfile.TemporaryDirectory() as folder:
        for one in results(chosen.kinds.split(","), chosen.kills, chosen.seed, Path(folder)):
            good, total = good and one.good, total + one.kills.total()
            row = one.row()
            if chosen.json:
                line = json.dumps(row)
            else:
                widths = [26 if name == "model" else 11 for name in row]
                head = "".join(f"{n:>{w}s}" for n, w in zip(row, widths, strict=True))
                line = "".join(f"{v!s:>{w}s}" for v, w in zip(row.values(), widths, strict=True))
                line = line if begun else f"{head}\n{line}"
            begun = True
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    if not chosen.json:
        sys.stdout.write(f"{total} kills: {'all identical' if good else 'DIFFERENT'}\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
