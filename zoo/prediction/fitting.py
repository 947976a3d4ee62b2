"""Classical algorithms fitted for a table, and what is told of each fit.

Whatever data are chosen, the samples that an algorithm really sees are compared with those that are
judged: a row that was fitted to what it is judged on is never silently in a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.predictor import Predictor
from zoo.contract.source import Block
from zoo.contract.table import Table
from zoo.contract.task import Task
from zoo.data.failures import plugin_code
from zoo.data.identity import identities
from zoo.data.reader import limited
from zoo.data.simulated import SimulatedSource
from zoo.data.splits import SPLIT_SEED, choose_split
from zoo.errors import DataError
from zoo.prediction.classical import training_tables
from zoo.prediction.compatibility import missing_fields, require_samples
from zoo.prediction.training_data import Training

__all__ = ["Fitting", "Judged", "MissingFieldsError"]

Progress = Callable[[int, int], None]


class MissingFieldsError(DataError):
    """The data to fit to lack a field that an algorithm reads."""


class Judged:
    """The samples that are judged.

    Args:
        data: Hold them.
        blocks: Theirs.
        limit: Samples at most; ``None``: all.
    """

    def __init__(self, data: Training, blocks: Sequence[Block], limit: int | None = None) -> None:
        self.data = data
        self.blocks = blocks
        self.limit = limit

    @cached_property
    def identities(self) -> Table:
        """``id`` and ``group`` by id; read once, and only if something is fitted to other data."""
        tables = list(identities(self.data.source, self.blocks, self.limit))
        if not tables:
            return Table({name: np.empty(0, np.uint64) for name in ("id", "group")})
        joined = Table.concat(tables)
        return joined.take(np.argsort(joined.ids))

    def of_groups(self, groups: frozenset[str]) -> int:
        """How many are of blocks of these groups, of the same source."""
        parts = limited(self.blocks, self.limit)
        return sum(rows.stop for block, rows in parts if block.group in groups)


class Fitting:
    """Fits algorithms to the same data, one by one.

    Args:
        task: Its specs say which values must be finite.
        training: Gives the data when the first algorithm asks for them: most need no fit.
        judged: The samples that the algorithms will be judged on.
        progress: Told (samples seen, samples in all), anew for each algorithm that is fitted.
    """

    def __init__(
        self,
        task: Task,
        training: Callable[[], Training],
        judged: Judged,
        progress: Progress | None = None,
    ) -> None:
        self.task = task
        self.judged = judged
        self.progress = progress
        self._choose = training

    @cached_property
    def training(self) -> Training:
        """The data."""
        return self._choose()

    def fit(self, predictor: Predictor) -> dict[str, Any]:
        """Fit one algorithm.

        Returns:
            JSON values: ``data``, ``origin``, ``note`` as of :class:`Training`, ``split``, the
            number of ``rows`` that it saw, their ``digest``, and ``judged``: how many of the
            judged samples are among them, or of their events. Empty if it asked for no sample.

        Raises:
            MissingFieldsError: If the data lack a field that it reads.
            ZooError: As for the source and the algorithm.
        """
        seen = _Seen()
        with plugin_code(type(predictor).__name__):
            predictor.fit(self._tables(predictor, seen))
        return self._told(seen) if seen.began else {}

    def _tables(self, predictor: Predictor, seen: _Seen) -> Iterator[Table]:
        training = self.training
        fields = predictor.needs | predictor.targets
        seen.began = True
        _require(training, fields)
        if training.source is not self.judged.data.source:
            require_samples(self.task, training.source, fields, training.name)
            by_event = _same_events(training, self.judged.data)
            seen.compare_with(self.judged.identities, by_event=by_event)
        total = sum(block.rows for block in self._blocks())
        for table in training_tables(self.task, predictor, training.source, training.config):
            seen.add(table)
            if self.progress is not None:
                self.progress(seen.rows, total)
            yield table

    def _told(self, seen: _Seen) -> dict[str, Any]:
        training = self.training
        judged = seen.judged
        if training.source is self.judged.data.source:  # its blocks tell, nothing is read again
            judged = self.judged.of_groups(frozenset(block.group for block in self._blocks()))
        return {
            "data": training.name,
            "origin": training.origin,
            "note": training.note,
            "split": "train",
            "rows": seen.rows,
            "digest": seen.digest.hexdigest(),
            "judged": judged,
        }

    def _blocks(self) -> Sequence[Block]:
        config = self.training.config
        blocks = self.training.source.blocks()
        return choose_split(blocks, "train", config.validation, config.test, SPLIT_SEED)


class _Seen:
    """What an algorithm saw: its number, a digest, and which of the judged samples."""

    def __init__(self) -> None:
        self.began = False
        self.rows = 0
        self.digest = hashlib.sha256()
        self._ids = _Marks(np.empty(0, np.uint64))
        self._groups = _Marks(np.empty(0, np.uint64))

    def compare_with(self, judged: Table, *, by_event: bool) -> None:
        """Count which of these samples are seen, and with ``by_event`` any row of their groups."""
        self._ids = _Marks(judged.ids)
        self._groups = _Marks(judged["group"] if by_event else np.empty(0, np.uint64))

    def add(self, table: Table) -> None:
        """A table that is given to the algorithm."""
        self.rows += table.rows
        self.digest.update(np.ascontiguousarray(table.ids).tobytes())
        self._ids.add(table.ids)
        self._groups.add(table["group"])

    @property
    def judged(self) -> int:
        """How many of the judged samples were seen."""
        ids, groups = self._ids.found(), self._groups.found()
        return int(np.count_nonzero(ids | groups if len(groups) else ids))


class _Marks:
    """Which of some keys came by: memory is bounded by the keys, whatever comes by."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._keys, self._place = np.unique(keys, return_inverse=True)
        self._found = np.zeros(len(self._keys), np.bool_)

    def add(self, keys: NDArray[np.uint64]) -> None:
        """Keys that come by."""
        place = np.searchsorted(self._keys, keys)
        inside = place < len(self._keys)
        place, keys = place[inside], keys[inside]
        self._found[place[self._keys[place] == keys]] = True

    def found(self) -> NDArray[np.bool_]:
        """For each of the keys, in their order, whether it came by."""
        found: NDArray[np.bool_] = self._found[self._place]
        return found


def _same_events(training: Training, judged: Training) -> bool:
    """Whether groups of one name are one event: in one file, and for keys of simulators.

    Files of others may count their events anew in each.
    """
    if training.config.path and judged.config.path:
        return Path(training.config.path).resolve() == Path(judged.config.path).resolve()
    return all(isinstance(data.source, SimulatedSource) for data in (training, judged))


def _require(training: Training, fields: frozenset[str]) -> None:
    missing = sorted(missing_fields(training.source, fields))
    if missing:
        raise MissingFieldsError(
            f"the data to fit to lack {', '.join(missing)}",
            where=training.name,
            remedy="name others with --training",
        )
