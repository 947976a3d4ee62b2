"""Showers of a reference, and those that are compared with them: from a file, or from a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zoo.api import DataError, Table, UsageError, facts_of, load, read, read_blocks
from zoo_calo.physics.grid import Grid, grid_of

__all__ = ["TASK", "generated_for", "grid_at", "showers_at"]

TASK = "calo"
Tell = Callable[[str], None]


def grid_at(data: str) -> Grid:
    """The grid of ``SOURCE:PATH`` or a file."""
    return grid_of(facts_of(TASK, data))


def showers_at(data: str, grid: Grid, limit: int | None, tell: Tell) -> Table:
    """The showers of ``SOURCE:PATH`` or a file.

    Args:
        data: Where they are.
        grid: Of the showers that they are compared with.
        limit: How many at most.
        tell: Told what is done.

    Raises:
        DataError: If they have another grid.
    """
    tell(f"reading {data}")
    other = grid_at(data)
    if (other.box, other.rings, other.depth_mm, other.layer_weight) != (
        *(grid.box, grid.rings, grid.depth_mm, grid.layer_weight),
    ):
        raise DataError(
            f"their grid is that of '{other.name}', and the reference has '{grid.name}'",
            where=data,
            remedy="judge showers on the grid of the reference",
        )
    return read(TASK, data, limit=limit)


def generated_for(
    reference: Table, model: str, *, data: str, training: str, device: str, tell: Tell
) -> Table:
    """A shower of a model for each one of the reference, with its energy and angle.

    Args:
        reference: Showers, of which a model is told no more than it needs.
        model: Id, run or model file.
        data: The reference as the user named it.
        training: What a classical model is fitted to; empty: it needs nothing.
        device: Where networks compute.
        tell: Told how far it is.

    Raises:
        UsageError: If the model is of another task.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    predictor = _predictor(model, data, training, device)
    parts, done = [], 0
    for part in _parts(reference):
        made = predictor.predict(part.select(predictor.needs))
        known: dict[str, Any] = {n: part[n] for n in ("energy", "theta") if n in part}
        parts.append(made.select(frozenset({"cell", "deposit"})).with_columns(known))
        done += part.rows
        tell(f"generating: {done}/{reference.rows} showers")
    return Table.concat(parts)


def _parts(table: Table, rows: int = 500) -> Iterator[Table]:
    for start in range(0, table.rows, rows):
        yield table.take(slice(start, start + rows))


def _predictor(model: str, data: str, training: str, device: str) -> Any:
    if not Path(model).exists() and not model.startswith(f"{TASK}/"):
        raise UsageError(
            f"a model of the task {TASK} is an id {TASK}/NAME, a run or a model file",
            where=model,
            remedy="`zoo list` names the models",
        )
    predictor = load(model, facts=facts_of(TASK, training or data), device=device)
    task = getattr(predictor, "model", f"{TASK}/").partition("/")[0]
    if task != TASK:
        raise UsageError(
            f"a model of the task '{task}'",
            where=model,
            remedy=f"name a model of the task {TASK}",
        )
    if training and getattr(predictor, "facts", None) is None:
        fields = predictor.needs | predictor.targets
        predictor.fit(read_blocks(TASK, training, fields))
    return predictor
