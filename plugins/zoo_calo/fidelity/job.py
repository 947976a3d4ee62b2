"""``zoo calo judge`` without the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api import DataError, Drawing, Table, UsageError, facts_of, load, read, read_blocks
from zoo_calo.drawings.overlays import overlays
from zoo_calo.drawings.styles import of_pair
from zoo_calo.fidelity.judge import Judgement, Settings, judge
from zoo_calo.figures import of_samples
from zoo_calo.observables.observed import observed
from zoo_calo.physics.grid import Grid, grid_of

__all__ = ["TASK", "JudgeJob", "drawings_of", "run_judge"]

TASK = "calo"


@dataclass(frozen=True, kw_only=True)
class JudgeJob:
    """What a user asks for.

    Attributes:
        data: The reference: ``SOURCE:PATH`` or a file.
        model: Id, run or model file that generates a shower for each of the reference; empty:
            ``showers`` are named.
        showers: Generated showers: ``SOURCE:PATH`` or a file; empty: a model is named.
        training: Showers that a classical model is fitted to; empty: it needs none.
        limit: Showers of each sample at most.
        device: Where networks compute.
        settings: Of the measures.
    """

    data: str
    model: str = ""
    showers: str = ""
    training: str = ""
    limit: int | None = None
    device: str = "cpu"
    settings: Settings = field(default_factory=Settings)


def run_judge(
    job: JudgeJob, tell: Callable[[str], None]
) -> tuple[Judgement, Callable[[], Iterator[Drawing]]]:
    """Read, generate where a model is named, and measure.

    Args:
        job: What to judge.
        tell: Told what is done next.

    Returns:
        What was measured, and what draws it.

    Raises:
        UsageError: If neither or both of model and showers are named, or a model is of another
            task.
        DataError: If the grids differ, or as :func:`zoo_calo.fidelity.judge.judge`.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    if bool(job.model) == bool(job.showers):
        raise UsageError(
            "one thing is judged: a model, or showers",
            where="MODEL, --showers",
            remedy="name a model of the task calo, or --showers SOURCE:PATH",
        )
    tell(f"reading {job.data}")
    grid = grid_of(facts_of(TASK, job.data))
    reference = read(TASK, job.data, limit=job.limit)
    generated = _generated(job, reference, tell) if job.model else _read(job, grid, tell)
    found = judge(reference, generated, grid, job.settings, tell)
    return found, lambda: drawings_of(grid, reference, generated, job.model or job.showers)


def drawings_of(grid: Grid, reference: Table, generated: Table, label: str) -> Iterator[Drawing]:
    """Figures of two samples, which need not be pairs."""
    sides = []
    for showers in (reference, generated):
        theta = showers["theta"].astype(np.float64) if "theta" in showers else None
        energy = showers["energy"].astype(np.float64)
        degrees = np.full(len(energy), np.nan) if theta is None else np.degrees(theta)
        sides.append((observed(showers, grid, theta), energy, degrees))
    yield from of_samples(grid, *of_pair(sides[0], sides[1], label))
    yield overlays(grid, reference, {label: generated})


def _read(job: JudgeJob, grid: Grid, tell: Callable[[str], None]) -> Table:
    tell(f"reading {job.showers}")
    other = grid_of(facts_of(TASK, job.showers))
    if (other.box, other.rings, other.depth_mm, other.layer_weight) != (
        *(grid.box, grid.rings, grid.depth_mm, grid.layer_weight),
    ):
        raise DataError(
            f"their grid is that of '{other.name}', and the reference has '{grid.name}'",
            where=job.showers,
            remedy="judge showers on the grid of the reference",
        )
    return read(TASK, job.showers, limit=job.limit)


def _generated(job: JudgeJob, reference: Table, tell: Callable[[str], None]) -> Table:
    """A shower of the model for each one of the reference, with its energy and angle."""
    predictor = _predictor(job)
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


def _predictor(job: JudgeJob) -> Any:
    if not Path(job.model).exists() and not job.model.startswith(f"{TASK}/"):
        raise UsageError(
            f"a model of the task {TASK} is an id {TASK}/NAME, a run or a model file",
            where=job.model,
            remedy="`zoo list` names the models",
        )
    predictor = load(job.model, facts=facts_of(TASK, job.training or job.data), device=job.device)
    task = getattr(predictor, "model", f"{TASK}/").partition("/")[0]
    if task != TASK:
        raise UsageError(
            f"a model of the task '{task}'",
            where=job.model,
            remedy=f"name a model of the task {TASK}",
        )
    if job.training and getattr(predictor, "facts", None) is None:
        fields = predictor.needs | predictor.targets
        predictor.fit(read_blocks(TASK, job.training, fields))
    return predictor
