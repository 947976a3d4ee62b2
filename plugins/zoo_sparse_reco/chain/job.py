"""``zoo sparse-reco reco``: all stages on all events, into one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from zoo.api import DataError, Table, UsageError
from zoo_sparse_reco.chain.data import Data
from zoo_sparse_reco.chain.files.parts import Parts, Shard
from zoo_sparse_reco.chain.files.reco_file import about_reco, read_reco, write_reco
from zoo_sparse_reco.chain.files.spine_file import write_spine
from zoo_sparse_reco.chain.meters import StageMeter, added
from zoo_sparse_reco.chain.running import Chain
from zoo_sparse_reco.chain.specs import TABLES
from zoo_sparse_reco.chain.stages import Opened, chosen, fit, open_stages

__all__ = ["PART_EVENTS", "PIECE_VOXELS", "RecoJob", "fit_all", "reconstruct"]

Progress = Callable[[int, int], None]

PART_EVENTS = 64
"""Events of a part; at most so many are done anew after a kill."""

PIECE_VOXELS = 200_000
"""Voxels that the stages see at once, or one event: what bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class RecoJob:
    """What a user asks for.

    Attributes:
        models: See :func:`~zoo_sparse_reco.chain.stages.chosen`.
        data: ``SOURCE:PATH`` or a file.
        out: The file.
        spine: A file in the layout of SPINE; ``None``: none.
        training: Data that classical algorithms are fitted to; empty: they use round numbers.
        limit: Events at most; ``None``: all.
        shard: ``I/N``, the share of this process; empty: all.
        device: Where networks compute.
    """

    models: tuple[str, ...]
    data: str
    out: Path
    spine: Path | None = None
    training: str = ""
    limit: int | None = None
    shard: str = ""
    device: str = "cpu"


def reconstruct(job: RecoJob, progress: Progress) -> dict[str, Any]:
    """Make the file, or the parts of a share.

    A job that was killed goes on: parts of 64 events are kept. A file of the same job is left as it
    is.

    Args:
        job: What to do.
        progress: Told (events done, events in all; 0: not known).

    Returns:
        What was done, as JSON values.

    Raises:
        UsageError: Models or the share make no sense, or another file is in the way.
        DataError: The data cannot be read, have no event, or lack what a stage needs.
        WeightsError, PluginError: As :func:`zoo.api.load`.
    """
    shard = Shard(job.shard)
    data = Data(job.data, job.limit)
    grid = data.grid
    stages = open_stages(chosen(job.models), data.facts, job.device)
    about = {
        "stages": {name: dict(one.identity) for name, one in stages.items()},
        "grid": grid.facts["grid"],
        "data": job.data,
    }
    told = {**data.identity, "training": job.training, **about, "part": PART_EVENTS}
    if not _is_done(job.out, told):
        parts = Parts(job.out, told)
        fit_all(stages, job.training)
        done = _make_parts(Chain(stages, grid), data, parts, shard, progress)
        if not done:
            raise DataError("there are no events", where=job.data, remedy="give other data")
        if not shard.alone:
            return _share(job, parts, shard)
        _join(parts, job.out, {**about, "job": told})
    if job.spine is not None:
        write_spine(job.out, job.spine)
    return _summary(job)


def fit_all(stages: Mapping[str, Opened], training: str) -> None:
    """Fit classical algorithms to some data; without any they stay as they are."""
    if not training:
        return
    given = Data(training)

    def tables(fields: frozenset[str]) -> Iterator[Table]:
        return (table for _, table in given.pieces(fields, PART_EVENTS, PIECE_VOXELS))

    for predictor in {id(one.predictor): one.predictor for one in stages.values()}.values():
        fit(predictor, tables)


def _is_done(out: Path, told: Mapping[str, Any]) -> bool:
    if not out.exists():
        return False
    try:
        same = about_reco(out).get("job") == told
    except DataError:
        same = False
    if not same:
        raise UsageError(
            "another file is here already",
            where=str(out),
            remedy="remove it, or choose another place with --out",
        )
    return True


def _make_parts(chain: Chain, data: Data, parts: Parts, shard: Shard, progress: Progress) -> int:
    """Events that were looked at."""
    there = set(parts.done())
    done = 0
    pieces = data.pieces(chain.needs, PART_EVENTS, PIECE_VOXELS)
    for part, several in groupby(pieces, key=lambda piece: piece[0] // PART_EVENTS):
        if part in there or not shard.has(part):
            done += sum(table.rows for _, table in several)
            continue
        meter = StageMeter()
        chain.meter = meter
        with write_reco(parts.path(part), {}) as writer:
            for _, table in several:
                writer.append(chain(table))
                done += table.rows
                progress(done, data.events)
            writer.tell("stages_took", meter.told)
    return done


def _join(parts: Parts, out: Path, about: Mapping[str, Any]) -> None:
    took = []
    with write_reco(out, about) as writer:
        for part in parts.done():
            took.append(about_reco(parts.path(part)).get("stages_took", {}))
            for events in read_reco(parts.path(part)):
                writer.append(events)
        writer.tell("stages_took", added(took))
    parts.remove()


def _share(job: RecoJob, parts: Parts, shard: Shard) -> dict[str, Any]:
    own = [part for part in parts.done() if shard.has(part)]
    return {
        "folder": str(parts.folder),
        "shard": job.shard,
        "parts": len(own),
        "next": "run the same command without --shard when all shares are done",
    }


def _summary(job: RecoJob) -> dict[str, Any]:
    about = about_reco(job.out)
    counts = dict.fromkeys(TABLES, 0)
    for events in read_reco(job.out):
        for table, column in (
            ("voxels", "deposit"),
            ("fragments", "energy"),
            ("particles", "energy"),
            ("interactions", "energy"),
        ):
            counts[table] += len(events[f"{table}/{column}"].values)
    told: dict[str, Any] = {
        "file": str(job.out),
        "data": job.data,
        "events": about["events"],
        **counts,
        "stages": about["stages"],
        "took": about["stages_took"],
    }
    if job.spine is not None:
        told["spine"] = str(job.spine)
    return told
