"""Showers of any source of the task, written in another format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from zoo.api import DataError, facts_of, read_blocks
from zoo_calo.physics.grid import grid_of
from zoo_calo.showers_out.writer import Job, open_writer

__all__ = ["Conversion", "convert_showers"]

_TASK = "calo"


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What a user asks for.

    Attributes:
        data: ``SOURCE:PATH`` or a file.
        out: The file.
        format: Of the file.
        limit: Showers at most; ``None``: all.
        map, collection, pdg: See :class:`~zoo_calo.showers_out.writer.Job`.
    """

    data: str
    out: Path
    format: str
    limit: int | None = None
    map: str = ""
    collection: str = "SimCalorimeterHit"
    pdg: int = 22


def convert_showers(wanted: Conversion, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Read and write, block by block.

    Args:
        wanted: What to convert.
        progress: Told (showers done, 0).

    Returns:
        What was done, as JSON values; ``outside_mev`` is the energy that no cell has.
        Only ``calo-h5`` keeps it.

    Raises:
        DataError: The data are damaged, or the format does not hold them.
        UsageError: The file cannot be written.
    """
    grid = grid_of(facts_of(_TASK, wanted.data))
    done, outside = 0, 0.0
    tables = read_blocks(_TASK, wanted.data, limit=wanted.limit)
    first = next(tables, None)
    if first is None:
        raise DataError("no showers", where=wanted.data, remedy="give another file")
    job = Job(
        path=wanted.out,
        grid=grid,
        angled="theta" in first,
        outside="outside" in first,
        map=wanted.map,
        collection=wanted.collection,
        pdg=wanted.pdg,
        about={"converted from": Path(wanted.data.partition(":")[2] or wanted.data).name},
    )
    with open_writer(wanted.format, job) as writer:
        for table in chain([first], tables):
            writer.append(table)
            done += table.rows
            outside += _outside(table)
            progress(done, 0)
    return {
        "file": str(wanted.out),
        "format": wanted.format,
        "data": wanted.data,
        "showers": done,
        "outside_mev": outside,
    }


def _outside(table: Any) -> float:
    return float(table["outside"].sum()) if "outside" in table else 0.0
