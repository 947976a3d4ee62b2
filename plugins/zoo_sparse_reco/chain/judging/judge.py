"""``zoo sparse-reco judge``: a file of reconstructed events against the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.api import DataError, Table
from zoo_sparse_reco.chain.data import Data
from zoo_sparse_reco.chain.files.reco_file import about_reco, read_reco
from zoo_sparse_reco.chain.judging.numbers import PILE_UP, confusion, intervals
from zoo_sparse_reco.chain.judging.rows import SMALLEST, EventRow, measured

__all__ = ["JudgeJob", "Judged", "judge_file", "paired"]

Progress = Callable[[int, int], None]

_EVENTS, _VOXELS = 64, 1_000_000  # of the truth at once


@dataclass(frozen=True, kw_only=True)
class JudgeJob:
    """What a user asks for.

    Attributes:
        reco: File of reconstructed events.
        data: Where they came from.
        smallest: Particles of fewer voxels neither count nor match.
        resamples: Of the bootstrap.
        seed: Of it.
    """

    reco: Path
    data: str
    smallest: int = SMALLEST
    resamples: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Judged:
    """A judgement.

    Attributes:
        rows: One an event.
        told: All numbers as JSON values.
    """

    rows: Sequence[EventRow]
    told: dict[str, Any]


def judge_file(job: JudgeJob, progress: Progress) -> Judged:
    """Measure all events of the file.

    Args:
        job: What to judge.
        progress: Told (events done, events in all).

    Raises:
        DataError: The data lack the truth, or are not those that were reconstructed.
    """
    about = about_reco(job.reco)
    rows: list[EventRow] = []
    for truth, row, reco, at in paired(job.reco, Data(job.data)):
        rows.append(measured(truth, row, reco, at, job.smallest))
        progress(len(rows), int(about["events"]))
    return Judged(rows, {"reco": str(job.reco), "data": job.data, **_told(rows, job), **about})


def paired(reco: Path, data: Data) -> Iterator[tuple[Table, int, Table, int]]:
    """Samples and reconstructed events with the same id: table and row of each.

    Raises:
        DataError: An event of the file is not in the data, or in another order.
    """
    events = ((table, at) for table in read_reco(reco) for at in range(table.rows))
    wanted = next(events, None)
    for _, truth in data.pieces(None, _EVENTS, _VOXELS):
        for row in range(truth.rows):
            if wanted is None:
                return
            table, at = wanted
            if truth.ids[row] == table.ids[at]:
                yield truth, row, table, at
                wanted = next(events, None)
    if wanted is not None:
        raise DataError(
            f"the data have no event with the id {int(wanted[0].ids[wanted[1]])}, or in another "
            "order",
            where=data.where,
            remedy="give the data that the file was made of",
        )


def _told(rows: Sequence[EventRow], job: JudgeJob) -> dict[str, Any]:
    if not rows:
        raise DataError("there are no events", where=str(job.reco), remedy="give another file")

    def numbers(some: Sequence[EventRow]) -> dict[str, Any]:
        found = intervals(some, job.resamples, job.seed)
        return {name: one.told() for name, one in found.items()}

    binned = []
    for low, high in PILE_UP:
        some = [row for row in rows if low <= row.interactions <= high]
        if some:
            told = {"least": low, "most": min(high, max(row.interactions for row in some))}
            binned.append({**told, "events": len(some), "numbers": numbers(some)})
    return {
        "smallest": job.smallest,
        "numbers": numbers(rows),
        "by interactions": binned,
        "kinds, true by found": confusion(rows).tolist(),
    }
