"""Events as a file has them, and as the task wants them: what all sources of files share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, ConfigError, DataError, Table
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.sources.files_config import TrackFilesConfig
from zoo_ha_tpc.sources.pads import HIT_FIELDS, hits_of_images, hits_of_lists
from zoo_ha_tpc.sources.truth import missing_truth, truth_columns, truth_fields
from zoo_ha_tpc.specs import TRUTH

__all__ = ["Events", "Known", "TrackFiles", "Wanted", "numbers"]

Array = NDArray[Any]
_MOST = 256  # rows or columns: a sample counts them in uint8


@dataclass(frozen=True)
class Wanted:
    """What is to be read, by our names.

    Attributes:
        pads: Of ``charge``, ``time`` and ``width``.
        truth: Names of ``config.truth``.
    """

    pads: tuple[str, ...]
    truth: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What files have, by our names.

    Attributes:
        pads: Of ``charge``, ``time`` and ``width``.
        truth: Names of ``config.truth``.
    """

    pads: frozenset[str]
    truth: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Events:
    """Some events: images, or lists of hits.

    Attributes:
        ids: uint64 (N,).
        where: Names the file in errors.
        images: ``charge``, maybe ``time`` and ``width``, (N, ...) as the file has them.
        lists: ``row``, ``column`` and the same, (H,).
        offsets: int64 (N + 1,), whose hits are which.
        truth: By name of ``config.truth``, (N,).
    """

    ids: NDArray[np.uint64]
    where: str
    images: Mapping[str, Array] = field(default_factory=dict)
    lists: Mapping[str, Array] = field(default_factory=dict)
    offsets: NDArray[np.int64] | None = None
    truth: Mapping[str, Array] = field(default_factory=dict)


class TrackFiles(ABC):
    """A source of files; each event is a group of its own.

    Args:
        config: Settings.
        path: What is read.
        known: What the files have.

    Attributes:
        facts: The pad plane.
        fields: What every event has.

    Raises:
        ConfigError: There is no such plane, or it is too large.
        DataError: There are no charges.
    """

    def __init__(self, config: TrackFilesConfig, path: Path, known: Known) -> None:
        if "charge" not in known.pads:
            raise DataError(
                "no charges of pads",
                where=str(path),
                remedy=f"it needs images '{config.pads.charge}' or hits '{config.hits.charge}', "
                f"'{config.hits.row}' and '{config.hits.column}'; set data.options.pads or "
                "data.options.hits",
            )
        self.config, self.path, self.known = config, path, known
        self.plane = read_plane(config.plane)
        if max(self.plane.shape) > _MOST:
            raise ConfigError(
                f"{self.plane.shape[0]} rows and {self.plane.shape[1]} columns; {_MOST} are "
                "possible",
                where=config.plane,
                remedy="describe one end plate",
            )
        self.facts: Mapping[str, Any] = self.plane.facts()
        hits = {"hit_row", "hit_column", *(f"hit_{name}" for name in known.pads)}
        self.fields = frozenset(hits) | truth_fields(known.truth, config)

    @abstractmethod
    def blocks(self) -> Sequence[Block]:
        """All blocks, in the order of the files."""

    @abstractmethod
    def events(self, block: Block, rows: slice, wanted: Wanted) -> Iterator[Events]:
        """Some events of a block, file by file.

        Raises:
            DataError: A file is damaged, or lacks something.
        """

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Hits and truth of some events.

        Raises:
            DataError: A file is damaged, lacks something, or holds what cannot be.
        """
        truth = fields & TRUTH.keys()
        for name in sorted(truth - self.fields):
            raise missing_truth(name, self.known.truth, self.config, str(self.path))
        parts = [
            self._table(part, fields) for part in self.events(block, rows, self._wanted(fields))
        ]
        return Table.concat(parts) if len(parts) > 1 else parts[0]

    def _table(self, events: Events, fields: frozenset[str]) -> Table:
        columns: dict[str, Any] = {"id": events.ids, "group": events.ids}
        if fields & HIT_FIELDS:
            columns |= self._hits(events)
        truth = fields & TRUTH.keys()
        columns |= truth_columns(events.truth, truth, self.config, events.where)
        return Table(columns).select([*sorted(fields & columns.keys()), "group"])

    def _wanted(self, fields: frozenset[str]) -> Wanted:
        optional = tuple(n for n in ("time", "width") if f"hit_{n}" in fields & self.fields)
        pads = ("charge", *optional) if fields & HIT_FIELDS else ()
        truth = sorted(self.known.truth) if fields & TRUTH.keys() else ()
        return Wanted(pads, tuple(truth))

    def _hits(self, events: Events) -> dict[str, Any]:
        if events.offsets is None:
            return dict(hits_of_images(events.images, self.config, self.plane, events.where))
        return dict(
            hits_of_lists(events.lists, events.offsets, self.config, self.plane, events.where)
        )


def numbers(array: Array, where: str) -> Array:
    """The same, if it holds real numbers.

    Raises:
        DataError: It does not.
    """
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{array.dtype} instead of numbers", where=where, remedy="write plain numbers"
        )
    return array
