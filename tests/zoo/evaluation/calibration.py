"""Do 95 % intervals cover 95 %? Simulated null experiments, a table of what they cover.

    python tests/zoo/evaluation/calibration.py --experiments 2000

Each experiment has events of two planes, whose lost and true charge are drawn from a log-normal
distribution, correlated within an event; the number is E, a ratio of sums, as in dnn-roi. The truth
is the ratio of the expectations, in closed form. ``difference`` compares two models of equal
quality on the same events, whose losses are correlated. With several trainings each has an offset
of its own, ``spread`` times the error that the events leave.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import Metrics, Number, Table
from zoo.evaluation import Resampler, numbers_of, paired_differences
from zoo.evaluation.trainings import join_trainings

PLANES = 2
LOSS, SIGMA = 0.15, 0.6  # median of the loss relative to charge, and its logarithmic width
TRUTH = LOSS * float(np.exp(SIGMA**2 / 2))  # the mean of a log-normal distribution


class Ratio(Metrics):
    """E: wrong charge over true charge."""

    primary = "E"

    def summarise(self, rows: Table) -> Sequence[Number]:
        return (Number(name="E", value=float(rows["wrong"].sum() / rows["true"].sum())),)


@dataclass(frozen=True)
class Case:
    """A kind of experiment; ``spread`` is that of trainings in units of the error of the events."""

    events: int
    trainings: int = 1
    spread: float = 0.0


@dataclass
class Covered:
    """How often the interval held the truth, and that of a difference held zero."""

    number: int = 0
    difference: int = 0
    better_or_worse: int = 0


def run(case: Case, experiments: int, resamples: int) -> Covered:
    """Repeat an experiment; each draws its own events, models and resamples."""
    covered = Covered()
    for seed, (first, second) in enumerate(_pairs(case, experiments)):
        resampler = Resampler(Ratio({}), resamples=resamples, seed=seed)
        number = numbers_of(resampler, first)[0]
        covered.number += number.low <= TRUTH <= number.high
        difference = paired_differences(resampler, first, second)[0]
        covered.difference += difference.low <= 0 <= difference.high
        covered.better_or_worse += difference.verdict in ("better", "worse")
    return covered


def _pairs(case: Case, experiments: int) -> Iterator[tuple[Table, Table]]:
    rng = np.random.default_rng(20261125)
    error = TRUTH * float(np.sqrt(np.exp(SIGMA**2) - 1)) / np.sqrt(case.events)
    for _ in range(experiments):
        true = rng.lognormal(0, 0.4, size=(case.events, 1)) * np.ones(PLANES)
        common = rng.normal(size=(case.events, 1))
        models = []
        for _ in range(2):
            own = 0.5 * rng.normal(size=(case.events, PLANES)) + np.sqrt(0.75) * common
            offsets = case.spread * error * rng.normal(size=case.trainings)
            loss = LOSS * np.exp(SIGMA * own)
            models.append(
                join_trainings([_rows(true, true * (loss + offset)) for offset in offsets])
            )
        yield models[0], models[1]


def _rows(true: NDArray[np.float64], wrong: NDArray[np.float64]) -> Table:
    count = true.size
    return Table(
        {
            "id": np.arange(count, dtype=np.uint64),
            "group": np.repeat(np.arange(len(true), dtype=np.uint64), PLANES),
            "true": true.ravel(),
            "wrong": wrong.ravel(),
        }
    )


CASES = (
    Case(20),
    Case(66),
    Case(132),
    Case(132, trainings=3, spread=0.0),
    Case(132, trainings=3, spread=0.5),
    Case(132, trainings=3, spread=1.0),
    Case(132, trainings=3, spread=3.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    given = parser.parse_args()
    error = 100 * np.sqrt(0.95 * 0.05 / given.experiments)
    _say(f"{given.experiments} experiments, {given.resamples} resamples; +- {error:.1f} %")
    _say("| events | trainings | spread | number covered | difference covered | false verdicts |")
    _say("|---|---|---|---|---|---|")
    for case in CASES:
        covered = run(case, given.experiments, given.resamples)
        shares = [100 * n / given.experiments for n in vars(covered).values()]
        cells = " | ".join(f"{share:.1f} %" for share in shares)
        _say(f"| {case.events} | {case.trainings} | {case.spread:g} | {cells} |")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
