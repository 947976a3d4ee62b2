"""``zoo calo judge`` without the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from zoo.api import Drawing, Table, UsageError
from zoo_calo.drawings.overlays import overlays
from zoo_calo.drawings.styles import of_pair
from zoo_calo.fidelity.judge import Judgement, Settings, judge
from zoo_calo.fidelity.samples import generated_for, grid_at, showers_at
from zoo_calo.figures import of_samples
from zoo_calo.observables.observed import observed
from zoo_calo.physics.grid import Grid

__all__ = ["JudgeJob", "drawings_of", "run_judge"]


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
    grid = grid_at(job.data)
    reference = showers_at(job.data, grid, job.limit, tell)
    if job.model:
        generated = generated_for(
            reference,
            job.model,
            data=job.data,
            training=job.training,
            device=job.device,
            tell=tell,
        )
    else:
        generated = showers_at(job.showers, grid, job.limit, tell)
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
