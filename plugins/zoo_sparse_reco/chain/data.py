"""Events of any source of this plugin, in pieces that fit into memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo.api import DataError, Table, facts_of, open_hdf5, read_blocks
from zoo_sparse_reco.physics.voxel_grid import VoxelGrid, grid_of

__all__ = ["Data"]

_TASK = "sparse-semantic"
_OURS = "sparse-"
_ADAPTED = ":"


@dataclass(frozen=True)
class Data:
    """A file of a task of this plugin, or ``SOURCE:PATH``.

    Attributes:
        where: As the user names it.
        limit: Events at most; ``None``: all.
    """

    where: str
    limit: int | None = None

    @cached_property
    def task(self) -> str:
        """The task whose samples a file holds.

        Raises:
            DataError: It is of another plugin.
        """
        path = Path(self.where.removeprefix("hdf5:"))
        if _ADAPTED in self.where and not path.exists():
            return _TASK
        with open_hdf5(path) as file:
            if "zoo" not in file:
                raise DataError(
                    "no file that zoo wrote",
                    where=self.where,
                    remedy="write SOURCE:PATH, as in pilarnet:FILE; `zoo info sparse-semantic` "
                    "lists the sources",
                )
            task = str(json.loads(bytes(file["zoo"][()]))["task"])
        if not task.startswith(_OURS):
            raise DataError(
                f"it holds samples of the task '{task}'",
                where=self.where,
                remedy="give events of voxels, as of sparse-semantic",
            )
        return task

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Of the data set."""
        return facts_of(self.task, self.where)

    @cached_property
    def grid(self) -> VoxelGrid:
        """Of the voxels.

        Raises:
            DataError: Its classes are not those that the chain knows.
        """
        grid = grid_of(self.facts)
        if grid.scheme != "spine":
            raise DataError(
                f"classes of the scheme '{grid.scheme}'",
                where=self.where,
                remedy="give data with the classes shower, track, michel, delta, low-energy",
            )
        return grid

    @cached_property
    def events(self) -> int:
        """How many there are; 0: it takes reading all to know."""
        path = Path(self.where.removeprefix("hdf5:"))
        if not path.is_file():
            return 0
        with open_hdf5(path) as file:
            if "columns/id" not in file:
                return 0
            count = len(file["columns/id"])
        return count if self.limit is None else min(count, self.limit)

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells these data from others: path, size and time of a file, and the limit."""
        path = Path(self.where.rpartition(_ADAPTED)[2])
        kept: list[int] = []
        if path.exists():
            state = path.stat()
            kept = [state.st_size, state.st_mtime_ns]
        return {"data": self.where, "file": kept, "limit": self.limit}

    def pieces(
        self, fields: frozenset[str] | None, events: int, voxels: int
    ) -> Iterator[tuple[int, Table]]:
        """Events in their order, with some fields or all, and the number of each piece's first one.

        A piece has at most ``events`` events, never those across a multiple of ``events``, and at
        most ``voxels`` voxels or one event.
        """
        held: list[Table] = []
        begin = at = size = 0
        for table in read_blocks(self.task, self.where, fields, self.limit):
            lengths = table["voxel_x"].lengths
            for row in range(table.rows):
                if held and (at % events == 0 or size + lengths[row] > voxels):
                    yield begin, Table.concat(held)
                    held, begin, size = [], at, 0
                held.append(table.take(slice(row, row + 1)))
                size += int(lengths[row])
                at += 1
        if held:
            yield begin, Table.concat(held)
