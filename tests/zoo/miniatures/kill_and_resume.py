"""Kill trainings with SIGKILL at random instants and compare what they end with.

    python tests/zoo/miniatures/kill_and_resume.py --trials 20 --seed 1

Every trial trains one of the cases in processes of its own. Each process but the last is killed
(with its workers) while it trains; the last runs to the end. The same training without a kill
must give the same bytes of ``model.safetensors`` and the same log but for the clock. Prints a
table, or one JSON object per trial with ``--json``; the exit code is 1 if any trial differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.artifacts.run_directory import MEASURED

TIMEOUT = 240.0  # seconds for one process to train


@dataclass(frozen=True)
class Case:
    """One training: the recipe ``quick`` of a model, with changes."""

    model: str
    settings: tuple[str, ...]


_COMMON = ("training.workers=2", "training.log_every=1", "engine.device=cpu")
CASES = {
    # Augmentation, moving average, cosine after a warm-up, batch normalisation.
    "track": Case("mini-track/pad-net", ("training.epochs=5", "training.checkpoint_every=7")),
    # Checkpoints fall inside the cycle of five updates; the running mean is a buffer.
    "gan": Case(
        "mini-gan/wgan-lo",
        (
            "training.steps=240",
            "training.validate_every=60",
            "training.checkpoint_every=7",
            "optimizers.critic.schedule.kind=cosine",
            "optimizers.generator.schedule.kind=exponential",
            "optimizers.generator.schedule.factor=0.99",
        ),
    ),
    # One update is one epoch; checkpoints by the clock fall inside it.
    "light": Case(
        "mini-light/siren",
        (
            "training.checkpoint_every=0",
            "training.checkpoint_seconds=0.1",
            "optimizers.net.schedule.kind=cosine",
        ),
    ),
    # Two micro-batches of an update, two denominators, augmentation.
    "points": Case(
        "mini-points/neighbour-net",
        ("training.ema=0.9", "training.checkpoint_every=0", "training.checkpoint_seconds=0.1"),
    ),
}


@dataclass(frozen=True)
class Trial:
    """What one killed training ended with.

    Attributes:
        killed: For each kill the step in the log, and the checkpoint left to resume from, as
            its step + the micro-batches of the next update that it holds.
        equal: Whether the model file has the bytes of the undisturbed training.
        same_log: Whether the log has the same rows but for the clock.
    """

    case: str
    seed: int
    killed: tuple[str, ...]
    equal: bool
    same_log: bool
    seconds: float


def command(case: Case, out: Path) -> list[str]:
    """The command line of a training."""
    words = [sys.executable, "-m", "zoo", "train", case.model]
    words += ["--recipe", "quick", "--out", str(out)]
    for setting in (*_COMMON, *case.settings):
        words += ["--set", setting]
    return words


def log(out: Path) -> list[dict[str, object]]:
    """Whole lines of a run's log, without what differs between equal trainings."""
    path = out / "metrics.jsonl"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    rows = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [{name: value for name, value in row.items() if name not in MEASURED} for row in rows]


def last_step(out: Path) -> int:
    """The last step in the log; zero without one."""
    return max((int(str(row["step"])) for row in log(out)), default=0)


def start(case: Case, out: Path, errors: Path) -> subprocess.Popen[bytes]:
    """Start a training in a process group of its own, which a kill reaches with its workers."""
    with errors.open("ab") as stream:
        return subprocess.Popen(
            command(case, out), stdout=stream, stderr=stream, start_new_session=True
        )


def finish(case: Case, out: Path, errors: Path) -> None:
    """Train to the end."""
    process = start(case, out, errors)
    code = process.wait(TIMEOUT)
    if code != 0 or not (out / "model.safetensors").exists():
        raise SystemExit(f"training ended with {code}:\n{_tail(errors)}")


def kill(case: Case, out: Path, errors: Path, steps: int, draw: random.Random) -> str | None:
    """Train, kill at a random instant, tell where; ``None``: it was too fast."""
    done = last_step(out)
    if done >= steps - 1:
        return None
    target = draw.randint(done + 1, steps - 1)
    delay = draw.uniform(0.0, 0.05)  # a few updates, or part of a long one
    process = start(case, out, errors)
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and last_step(out) < target and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode != 0:
        raise SystemExit(f"training ended with {process.returncode}:\n{_tail(errors)}")
    process.wait()
    return f"{last_step(out)} from {_checkpoint(out)}" if alive else None


def _checkpoint(out: Path) -> str:
    names = sorted(path.name for path in (out / "checkpoints").glob("[0-9]*-[0-9]*"))
    step, _, micro = names[-1].partition("-") if names else ("0", "", "0")
    return f"{int(step)}+{int(micro)}"


def _tail(errors: Path) -> str:
    return errors.read_text(encoding="utf-8")[-3000:]


def trial(name: str, seed: int, kills: int, reference: Path, folder: Path) -> Trial:
    """One training with so many kills against the undisturbed one."""
    case, draw = CASES[name], random.Random(seed)
    out, errors = folder / f"{name}-{seed}", folder / f"{name}-{seed}.txt"
    killed: list[str] = []
    begun = time.monotonic()
    steps = last_step(reference)
    while len(killed) < kills and (step := kill(case, out, errors, steps, draw)) is not None:
        killed.append(step)
    if not (out / "model.safetensors").exists():
        finish(case, out, errors)
    made, expected = ((run / "model.safetensors").read_bytes() for run in (out, reference))
    seconds = time.monotonic() - begun
    return Trial(name, seed, tuple(killed), made == expected, log(out) == log(reference), seconds)


def trials(
    names: Sequence[str], count: int, seed: int, kills: int, folder: Path
) -> Iterator[Trial]:
    """Trials of the cases in turn, each with 1 to ``kills`` kills."""
    draw = random.Random(seed)
    references: dict[str, Path] = {}
    for number in range(count):
        name = names[number % len(names)]
        if name not in references:
            references[name] = folder / f"{name}-undisturbed"
            finish(CASES[name], references[name], folder / f"{name}-undisturbed.txt")
        own_seed, own_kills = draw.randrange(2**32), draw.randint(1, kills)
        yield trial(name, own_seed, own_kills, references[name], folder)


def main() -> int:
    """Parse the arguments, run the trials, print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", default=",".join(CASES), help="names, with commas between")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3, help="most kills of one training")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    good = 0
    with tempfile.TemporaryDirectory() as folder:
        names = chosen.cases.split(",")
        for one in trials(names, chosen.trials, chosen.seed, chosen.kills, Path(folder)):
            good += one.equal and one.same_log
            sys.stdout.write(f"{json.dumps(asdict(one))}\n" if chosen.json else _row(one))
            sys.stdout.flush()
    if not chosen.json:
        sys.stdout.write(f"{good} of {chosen.trials} ended with the same bits\n")
    return 0 if good == chosen.trials else 1


def _row(one: Trial) -> str:
    verdict = "equal" if one.equal and one.same_log else "DIFFERENT"
    steps = ", ".join(one.killed) or "none: it was too fast"
    where = f"{one.case:8s} seed {one.seed:<12d} killed at {steps:48s}"
    return f"{where} {one.seconds:6.1f} s  {verdict}\n"


if __name__ == "__main__":
    raise SystemExit(main())
