"""The numbers of a stored evaluation as the metrics of a card."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from pathlib import Path

from zoo.contract.figures import BinnedNumber, Evaluation
from zoo.errors import WeightsError
from zoo.evaluation.formatting import bin_label
from zoo.evaluation.results import Results, read_results
from zoo.weights.cards import Metric

__all__ = ["stated_metrics"]


def stated_metrics(
    folder: Path, sha256: str, ref: str, *, data_command: str = "", bins: bool = False
) -> tuple[Metric, ...]:
    """What an evaluation measured of one model file.

    Args:
        folder: The evaluation's.
        sha256: Of the model file.
        ref: ``TASK/MODEL@VERSION`` under which it is published.
        data_command: The command that makes the data.
        bins: Also the numbers in bins.

    Raises:
        DataError: If the evaluation cannot be read.
        WeightsError: If it did not measure this file, and this one alone.
    """
    results = read_results(folder)
    one = _of_file(results, folder, sha256)
    command = shlex.join(
        [
            *("zoo", "eval", ref, "--data", str(results.data["name"])),
            *("--split", str(results.data["split"])),
            *("--resamples", str(results.resamples), "--seed", str(results.seed)),
        ]
    )
    return tuple(
        Metric(
            name=number.number.name,
            value=number.number.value,
            interval=_interval(number),
            unit=number.number.unit,
            bin=bin_label(number.column, number.lower, number.upper) if number.column else "",
            n=number.n,
            data=str(results.data["name"]),
            data_digest=str(results.data["digest"]),
            data_command=data_command,
            command=command,
        )
        for number in _stated(one, bins=bins)
    )


def _of_file(results: Results, folder: Path, sha256: str) -> Evaluation:
    for one in results.values():
        if [training.get("sha256") for training in one.trainings] == [sha256]:
            return one
    raise WeightsError(
        "it did not measure this model file",
        where=str(folder),
        remedy="evaluate the file that is to be published, and name that evaluation",
    )


def _stated(one: Evaluation, *, bins: bool) -> Iterator[BinnedNumber]:
    """Numbers that are defined on at least one row."""
    for number in one.numbers:
        if (bins or not number.column) and number.n and math.isfinite(number.number.value):
            yield number


def _interval(number: BinnedNumber) -> tuple[float, float] | None:
    both = (number.low, number.high)
    return both if all(map(math.isfinite, both)) else None
