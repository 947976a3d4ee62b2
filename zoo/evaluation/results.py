"""The outcome of an evaluation: numbers as JSON, metric rows as HDF5."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.artifacts.canonical import tidy
from zoo.artifacts.environment import environment
from zoo.contract.figures import BinnedNumber, Evaluation
from zoo.contract.metrics import Number
from zoo.contract.specs import Field, Specs
from zoo.contract.table import Ragged, Table
from zoo.data.store import TableFile
from zoo.data.writer import TableWriter
from zoo.errors import DataError
from zoo.evaluation.paired import Difference
from zoo.evaluation.trainings import join_trainings, split_trainings
from zoo.evaluation.variations import Shift
from zoo.files import write_atomically

__all__ = ["Displays", "Results", "read_results", "write_results"]

_FORMAT = 2


@dataclass(frozen=True)
class Displays:
    """A few samples with all predictions, for event displays. They are drawn, not stored."""

    samples: Table
    predictions: Mapping[str, Table]


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
        displays: Samples to show; ``None``: none, or read from a file.
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
    """Write ``rows/*.h5``, ``environment.json`` and, when they are complete, ``results.json``.

    Args:
        results: What to store; displays are left out.
        folder: Made where it is missing.

    Raises:
        UsageError: If the folder cannot be written.
    """
    files = _file_names(results)
    for name, evaluation in results.items():
        if evaluation.rows is not None:
            tables = split_trainings(evaluation.rows)
            for path, rows in zip(
                _row_files(folder, files[name], len(tables)), tables, strict=True
            ):
                _write_rows(path, rows, results)
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
    names = _file_names(evaluations)
    facts: Mapping[str, Any] = {}
    for name, evaluation in evaluations.items():
        if not evaluation.unavailable:
            paths = _row_files(folder, names[name], max(len(evaluation.trainings), 1))
            files = [TableFile(path) for path in paths]
            facts = files[0].facts
            evaluations[name] = Evaluation(
                model=name,
                role=evaluation.role,
                numbers=evaluation.numbers,
                rows=join_trainings([_read(file) for file in files]),
                trainings=evaluation.trainings,
            )
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
    )


def _file_names(names: Mapping[str, Any]) -> dict[str, str]:
    """A file name for each model, unique whatever it is called."""
    return {
        name: f"{number:02d}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[-60:]}"
        for number, name in enumerate(names)
    }


def _row_files(folder: Path, name: str, trainings: int) -> list[Path]:
    """One file of metric rows per training: in each an id stands once."""
    ends = [""] if trainings == 1 else [f"-training-{n + 1}" for n in range(trainings)]
    return [folder / "rows" / f"{name}{end}.h5" for end in ends]


def _write_rows(path: Path, rows: Table, results: Results) -> None:
    writer = TableWriter(
        path, _specs_of(rows), facts=results.facts, task=results.task, block_rows=rows.rows
    )
    with writer:
        writer.append(rows)


def _read(file: TableFile) -> Table:
    return Table.concat([file.read(b, slice(0, b.rows), file.fields) for b in file.blocks()])


def _specs_of(rows: Table) -> Specs:
    """Metric rows describe themselves: their columns are the plugin's own affair."""
    found = {}
    for name in rows:
        column = rows[name]
        if name in ("id", "group"):
            continue
        values = column.values if isinstance(column, Ragged) else column
        ragged = isinstance(column, Ragged)
        dims = (f"{name}-length", *values.shape[1:]) if ragged else values.shape[1:]
        found[name] = Field(
            dims=dims, dtype=values.dtype.name, meaning="metric row", ragged=ragged, finite=False
        )
    return found


def _evaluation_dict(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "model": evaluation.model,
        "role": evaluation.role,
        "unavailable": evaluation.unavailable,
        "trainings": [tidy(training) for training in evaluation.trainings],
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
