"""``zoo sparse-reco losses``: where efficiency is lost, truth replaced stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.api import DataError
from zoo_sparse_reco.chain.data import Data
from zoo_sparse_reco.chain.job import PART_EVENTS, PIECE_VOXELS, fit_all
from zoo_sparse_reco.chain.judging.numbers import intervals
from zoo_sparse_reco.chain.judging.rows import SMALLEST, EventRow, measured
from zoo_sparse_reco.chain.running import Chain
from zoo_sparse_reco.chain.stages import STAGES, TRUTH, Opened, chosen, open_stages

__all__ = ["SHOWN", "LossesJob", "mixtures", "stage_losses"]

Progress = Callable[[int, int], None]

SHOWN = (
    "fragment ARI",
    *(
        f"{level} {what}"
        for level in ("particle", "interaction")
        for what in ("ARI", "efficiency", "purity")
    ),
    "particles found",
    "particles right",
    "interactions found",
    "interactions right",
)
"""Numbers of the table."""


@dataclass(frozen=True, kw_only=True)
class LossesJob:
    """What a user asks for.

    Attributes:
        models: See :func:`~zoo_sparse_reco.chain.stages.chosen`.
        data: Events with their truth.
        training: Data that classical algorithms are fitted to; empty: none.
        limit: Events at most; ``None``: all.
        smallest: Particles of fewer voxels neither count nor match.
        resamples: Of the bootstrap.
        seed: Of it.
        device: Where networks compute.
    """

    models: tuple[str, ...]
    data: str
    training: str = ""
    limit: int | None = None
    smallest: int = SMALLEST
    resamples: int = 200
    seed: int = 0
    device: str = "cpu"


def mixtures() -> dict[str, frozenset[str]]:
    """Which stages are the models', by the name of the row; all others answer the truth.

    ``truth``; ``up to STAGE``, for one stage after another, the last of which is the whole chain;
    ``STAGE alone``.
    """
    names = [stage.name for stage in STAGES]
    found = {TRUTH: frozenset[str]()}
    found |= {f"up to {name}": frozenset(names[: n + 1]) for n, name in enumerate(names)}
    found |= {f"{name} alone": frozenset({name}) for name in names[1:]}
    return found


def stage_losses(job: LossesJob, progress: Progress) -> dict[str, Any]:
    """Run all mixtures on the same events, and measure each.

    Args:
        job: What to do.
        progress: Told (events done, events in all).

    Returns:
        As JSON values: ``rows``, by mixture, of :data:`SHOWN`; and which models did the stages.

    Raises:
        DataError: The data have no event, or lack the truth.
        ZooError: As for :func:`~zoo_sparse_reco.chain.job.reconstruct`.
    """
    data = Data(job.data, job.limit)
    grid = data.grid
    models = open_stages(chosen(job.models), data.facts, job.device)
    fit_all(models, job.training)
    truths = open_stages({stage.name: TRUTH for stage in STAGES}, data.facts)
    chains = {
        name: Chain(_mixed(models, truths, of_models), grid)
        for name, of_models in mixtures().items()
    }
    rows: dict[str, list[EventRow]] = {name: [] for name in chains}
    done = 0
    for _, samples in data.pieces(None, PART_EVENTS, PIECE_VOXELS):
        for name, chain in chains.items():
            reco = chain(samples)
            rows[name] += [
                measured(samples, row, reco, row, job.smallest) for row in range(samples.rows)
            ]
        done += samples.rows
        progress(done, data.events)
    if not done:
        raise DataError("there are no events", where=job.data, remedy="give other data")
    return {
        "data": job.data,
        "events": done,
        "stages": {name: dict(one.identity) for name, one in models.items()},
        "rows": {name: _numbers(some, job) for name, some in rows.items()},
    }


def _mixed(
    models: Mapping[str, Opened], truths: Mapping[str, Opened], of_models: frozenset[str]
) -> dict[str, Opened]:
    return {name: (models if name in of_models else truths)[name] for name in models}


def _numbers(rows: list[EventRow], job: LossesJob) -> dict[str, Any]:
    found = intervals(rows, job.resamples, job.seed, SHOWN)
    return {name: one.told() for name, one in found.items()}
