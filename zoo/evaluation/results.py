"""The outcome of an evaluation: numbers as JSON, metric rows as HDF5."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from zoo.artifacts.canonical import tidy
from zoo.artifacts.environment import environment
from zoo.contract.figures import BinnedNumber, Evaluation
from zoo.contract.metrics import Number
from zoo.errors import DataError
from zoo.evaluation.paired import Difference
from zoo.evaluation.stored import (
    Displays,
    file_names,
    read_displays,
    read_table,
    write_displays,
    write_table,
)
from zoo.evaluation.trainings import join_trainings, split_trainings
from zoo.evaluation.variations import Shift
from zoo.files import write_atomically

__all__ = ["Results", "read_results", "write_results"]

_FORMAT = 2
_DISPLAYS = "displays"


@dataclass(frozen=True, kw_only=True)
class Results(Mapping[str, Evaluation]):
    """Model name -> evaluation, the named ones first, then baselines, then oracles.

    Attributes:
        task: Name of the task.
        primary: The number that decides.
        data: ``name``, ``digest``, ``split``, ``rows``, ``groups``, ``note`` of what was measured.
        facts: Constants of the data set.
        evaluations: One per model.
        differences: (model, baseline) -> paired differences of all numbers.
        shifts: How far numbers move under variations of the simulation.
        displays: Samples to show, with predictions; ``None``: none.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        created: UTC time, ISO 8601.
        version: Of detector-zoo.
    """

    task: str
    primary: str
    data: Mapping[str, Any]
    facts: Mapping[str, Any]
    evaluations: Mapping[str, Evaluation]
    differences: Mapping[tuple[str, str], tuple[Difference, ...]] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()
    displays: Displays | None = None
    resamples: int
    seed: int
    created: str
    version: str

    def __getitem__(self, name: str) -> Evaluation:
        return self.evaluations[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluations)

    def __len__(self) -> int:
        return len(self.evaluations)

    def as_dict(self) -> dict[str, Any]:
        """JSON values; null where a number is undefined."""
        return {
            "format": _FORMAT,
            **{name: getattr(self, name) for name in _PLAIN},
            "data": dict(self.data),
            "models": [_evaluation_dict(evaluation) for evaluation in self.values()],
            "differences": [
                {"first": first, "second": second, **_nulls(asdict(difference))}
                for (first, second), found in self.differences.items()
                for difference in found
            ],
            "shifts": [_nulls(asdict(shift)) for shift in self.shifts],
        }


_PLAIN = ("task", "primary", "resamples", "seed", "created", "version")


def write_results(results: Results, folder: Path) -> None:
    """Write ``rows/*.h5``, ``displays/*.h5``, ``environment.json`` and, last, ``results.json``.

    Args:
        results: What to store.
        folder: Made where it is missing.

    Raises:
        UsageError: If the folder cannot be written.
    """
    files = file_names(results)
    for name, evaluation in results.items():
        if evaluation.rows is not None:
            tables = split_trainings(evaluation.rows)
            for path, rows in zip(
                _row_files(folder, files[name], len(tables)), tables, strict=True
            ):
                write_table(path, rows, task=results.task, facts=results.facts)
    write_displays(results.displays, folder / _DISPLAYS, task=results.task, facts=results.facts)
    write_atomically(folder / "environment.json", json.dumps(environment(), indent=2) + "\n")
    text = json.dumps(results.as_dict(), indent=1, allow_nan=False)
    write_atomically(folder / "results.json", text + "\n")


def read_results(folder: Path) -> Results:
    """What :func:`write_results` wrote.

    Raises:
        DataError: If a file is missing or damaged.
    """
    path = folder / "results.json"
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != _FORMAT:
            raise DataError(
                f"has format {content['format']}, this zoo reads format {_FORMAT}",
                where=str(path),
                remedy="evaluate again",
            )
        return _results(folder, content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"is no readable evaluation ({type(error).__name__}: {error})",
            where=str(path),
            remedy="evaluate again: `zoo eval ... --out DIR`",
        ) from error


def _results(folder: Path, content: Mapping[str, Any]) -> Results:
    evaluations = {entry["model"]: _evaluation(entry) for entry in content["models"]}
    names = file_names(evaluations)
    facts: Mapping[str, Any] = {}
    measured = [name for name, one in evaluations.items() if not one.unavailable]
    for name, evaluation in evaluations.items():
        if name in measured:
            paths = _row_files(folder, names[name], max(len(evaluation.trainings), 1))
            tables = [read_table(path) for path in paths]
            facts = tables[0][1]
            rows = join_trainings([table for table, _ in tables])
            evaluations[name] = replace(evaluation, rows=rows)
    differences: dict[tuple[str, str], tuple[Difference, ...]] = {}
    for entry in content["differences"]:
        pair = (entry.pop("first"), entry.pop("second"))
        differences[pair] = (*differences.get(pair, ()), Difference(**_nans(entry)))
    return Results(
        **{name: content[name] for name in _PLAIN},
        data=content["data"],
        facts=facts,
        evaluations=evaluations,
        differences=differences,
        shifts=tuple(Shift(**_nans(entry)) for entry in content["shifts"]),
        displays=read_displays(folder / _DISPLAYS, measured),
    )


def _row_files(folder: Path, name: str, trainings: int) -> list[Path]:
    """One file of metric rows per training: in each an id stands once."""
    ends = [""] if trainings == 1 else [f"-training-{n + 1}" for n in range(trainings)]
    return [folder / "rows" / f"{name}{end}.h5" for end in ends]


def _evaluation_dict(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "model": evaluation.model,
        "role": evaluation.role,
        "unavailable": evaluation.unavailable,
        "trainings": [tidy(training) for training in evaluation.trainings],
        "fitted_to": tidy(evaluation.fitted_to),
        "leaked": evaluation.leaked,
        "numbers": [_number_dict(binned) for binned in evaluation.numbers],
    }


def _number_dict(binned: BinnedNumber) -> dict[str, Any]:
    flat = asdict(binned)
    return _nulls({**flat.pop("number"), **flat})


def _evaluation(entry: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        model=entry["model"],
        role=entry["role"],
        unavailable=entry["unavailable"],
        numbers=tuple(_number(_nans(number)) for number in entry["numbers"]),
        rows=None,
        trainings=tuple(entry["trainings"]),
        fitted_to=entry.get("fitted_to", {}),  # earlier versions did not tell
    )


def _number(entry: dict[str, Any]) -> BinnedNumber:
    own = {key: entry.pop(key) for key in Number.__dataclass_fields__}
    return BinnedNumber(number=Number(**own), **entry)


def _nulls(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in entry.items()
    }


def _nans(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float("nan") if value is None else value for key, value in entry.items()}
