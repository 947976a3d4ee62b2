"""Stored evaluations of one data set, compared: nothing is predicted again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from zoo import __version__
from zoo.artifacts.run_directory import RunDirectory, parse_run
from zoo.contract.figures import Evaluation
from zoo.contract.table import Table
from zoo.errors import DataError, UsageError, suggestion
from zoo.evaluation.bins import numbers_of
from zoo.evaluation.evaluation import differences_between
from zoo.evaluation.naming import parse_named
from zoo.evaluation.resampling import Resampler
from zoo.evaluation.results import Results, read_results
from zoo.evaluation.rows import metrics_for
from zoo.evaluation.trainings import join_trainings, split_trainings
from zoo.registry import registry

__all__ = ["compare"]

_ROLES = ("model", "baseline", "oracle")


def compare(
    models: str | Path | Sequence[str | Path],
    *,
    split: str = "test",
    resamples: int | None = None,
    seed: int | None = None,
) -> Results:
    """Pair the stored metric rows of several evaluations on the same samples.

    Args:
        models: Folders of evaluations (all their rows), ``FOLDER:ROW`` (one row), or runs (their
            evaluation on ``split``). ``NAME=A,B,C`` joins trainings into one row.
        split: Which evaluation of a run.
        resamples: Of the bootstrap; ``None``: as in the first evaluation.
        seed: Likewise.

    Returns:
        Every row once, with the differences of all pairs in both directions.

    Raises:
        UsageError: If a folder holds no evaluation, a row is not in it, or two rows share a name.
        DataError: If the evaluations are of different tasks or samples, or damaged.
    """
    named = [models] if isinstance(models, str | Path) else list(models)
    if not named:
        raise UsageError("no evaluation to compare", remedy="name folders of evaluations, or runs")
    found = [part for text in named for part in _rows_of(str(text), split)]
    first = found[0][1]
    for where, results, _ in found[1:]:
        _require_same(first, results, where)
    evaluations = _merged(found)
    metrics = metrics_for(registry().task(first.task), first.facts)
    resampler = Resampler(
        metrics,
        resamples=first.resamples if resamples is None else resamples,
        seed=first.seed if seed is None else seed,
    )
    evaluations = {
        name: one
        if one.rows is None
        else replace(one, model=name, numbers=numbers_of(resampler, one.rows))
        for name, one in evaluations.items()
    }
    return replace(
        first,
        evaluations=evaluations,
        differences=differences_between(
            resampler, evaluations, first=list(evaluations), earlier=True
        ),
        shifts=(),
        displays=None,
        resamples=first.resamples if resamples is None else resamples,
        seed=first.seed if seed is None else seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )


Part = tuple[str, Results, Mapping[str, Evaluation]]


def _rows_of(text: str, split: str) -> Iterator[Part]:
    """Where it was read, the whole evaluation, and the rows that were named."""
    name, refs = parse_named(text)
    if refs == (text,):
        where, results, row = _read(text, split)
        yield where, results, {row: results[row]} if row else results.evaluations
        return
    parts = [_read(ref, split) for ref in refs]
    for where, results, _ in parts[1:]:
        _require_same(parts[0][1], results, where)
    rows = [_one_model(where, results, row) for where, results, row in parts]
    yield parts[0][0], parts[0][1], {name: _joined(name, rows)}
    yield parts[0][0], parts[0][1], _classical(parts[0][1])


def _read(ref: str, split: str) -> tuple[str, Results, str]:
    """Folder, evaluation, and the row that ``FOLDER:ROW`` names; empty: all."""
    folder, row = Path(ref), ""
    if not folder.exists() and ":" in ref:
        before, _, row = ref.partition(":")
        folder = Path(before)
    run, step = parse_run(str(folder))
    if RunDirectory.is_run(run):
        folder = RunDirectory(run).evaluations / (split if step is None else f"{split}@{step}")
    if not (folder / "results.json").is_file():
        raise UsageError(
            "holds no evaluation",
            where=str(folder),
            remedy=f"`zoo eval {ref} --split {split} --out DIR` makes one",
        )
    results = read_results(folder)
    if row and row not in results:
        raise UsageError("has no such row", where=ref, remedy=suggestion(row, results))
    return str(folder), results, row


def _one_model(where: str, results: Results, row: str) -> Evaluation:
    names = [row] if row else [name for name, one in results.items() if one.role == "model"]
    if len(names) != 1:
        raise UsageError(
            f"holds {len(names)} models, not one",
            where=where,
            remedy=f"write {where}:ROW with one of {', '.join(results)}",
        )
    return results[names[0]]


def _classical(results: Results) -> Mapping[str, Evaluation]:
    return {name: one for name, one in results.items() if one.role != "model"}


def _joined(name: str, rows: Sequence[Evaluation]) -> Evaluation:
    tables: list[Table] = []
    for one in rows:
        if one.rows is None:
            raise UsageError(one.unavailable, where=one.model, remedy="leave it out")
        tables += split_trainings(one.rows)
    return Evaluation(
        model=name,
        role="model",
        numbers=(),
        rows=join_trainings(tables),
        trainings=tuple(training for one in rows for training in one.trainings),
    )


def _require_same(first: Results, other: Results, where: str) -> None:
    for what, one, two in (
        ("task", first.task, other.task),
        ("samples", first.data["digest"], other.data["digest"]),
    ):
        if one != two:
            raise DataError(
                f"was measured on another {what}" if what == "task" else "has other samples",
                where=where,
                remedy="evaluate all models on the same data and split",
            )


def _merged(found: Sequence[Part]) -> dict[str, Evaluation]:
    """Rows by name: models first, then baselines, then oracles, each of the latter two once."""
    merged: dict[str, Evaluation] = {}
    several = _fitted_apart(found)
    for where, _, rows in found:
        for row, one in rows.items():
            name = several.get((row, _fit(one)), row)
            known = merged.get(name)
            if known is None or known.rows is None:
                merged[name] = one
            elif not _same_rows(known, one):
                raise UsageError(
                    "two rows of this name differ",
                    where=f"{name} in {where}",
                    remedy="give each a name: NAME=FOLDER, or evaluate again with one version",
                )
    return {name: one for role in _ROLES for name, one in merged.items() if one.role == role}


def _fitted_apart(found: Sequence[Part]) -> dict[tuple[str, str], str]:
    """Names of rows that were fitted to different data: the data are part of the name."""
    fits: dict[str, dict[str, str]] = {}
    for _, _, rows in found:
        for name, one in rows.items():
            if one.fitted_to and one.rows is not None:
                fits.setdefault(name, {})[_fit(one)] = str(one.fitted_to["data"])
    return {
        (name, fit): f"{name} ({data})"
        if list(several.values()).count(data) == 1
        else f"{name} ({data}, {fit[:8]})"
        for name, several in fits.items()
        if len(several) > 1
        for fit, data in several.items()
    }


def _fit(one: Evaluation) -> str:
    """Digest of the samples that it was fitted to; empty if it needed no fit."""
    return str(one.fitted_to.get("digest", ""))


def _same_rows(one: Evaluation, other: Evaluation) -> bool:
    if one.rows is None or other.rows is None:
        return True
    return set(one.rows) == set(other.rows) and all(
        np.allclose(one.rows[column], other.rows[column], equal_nan=True) for column in one.rows
    )
