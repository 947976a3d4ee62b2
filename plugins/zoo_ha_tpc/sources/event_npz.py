"""numpy archives of events: one event each in a folder, or many in one file.

Of one event: an image (rows, columns), or hits (H,). Of many: images (events, rows, columns), or
hits (H,) with ``hit_offsets`` (events + 1,). The truth is a number, or (events,).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, DataError, file_digest, sample_ids
from zoo_ha_tpc.sources.events import Events, Known, TrackFiles, Wanted, numbers
from zoo_ha_tpc.sources.files_config import EventNpzConfig, TruthNames
from zoo_ha_tpc.sources.npz_arrays import NpzArrays

__all__ = ["EventNpz"]

Array = NDArray[Any]
_PADS = ("charge", "time", "width")


class EventNpz(TrackFiles):
    """All events of a file, or of all ``.npz`` of a folder.

    What the first file holds, all must hold. Files of one event each are opened when they are
    read, those of many at once, for their number.

    Args:
        config: Settings.
        path: A file or a folder.

    Raises:
        ConfigError: There is no such plane.
        DataError: There is no file, or the first one is damaged or has no charges.
    """

    config: EventNpzConfig

    def __init__(self, config: EventNpzConfig, path: str | Path) -> None:
        self._files = _files(Path(path))
        first = NpzArrays(self._files[0])
        self._lists = config.pads.charge not in first and config.hits.charge in first
        names = config.hits if self._lists else config.pads
        known = Known(
            frozenset(name for name in _PADS if getattr(names, name) in first),
            frozenset(n for n in TruthNames.model_fields if getattr(config.truth, n) in first),
        )
        super().__init__(config, Path(path), known)
        self._names = names
        self._many = self._holds_many(first)
        self._open: dict[int, NpzArrays] = {}
        self._digests: dict[int, str] = {}
        self._blocks = self._plan()

    def blocks(self) -> Sequence[Block]:
        """``rows`` events of a file, or of as many files of one event each."""
        return [
            Block(f"{self._files[file].name}:{first}", rows, f"{self._files[file].name}:{first}")
            for file, first, rows in self._blocks.values()
        ]

    def events(self, block: Block, rows: slice, wanted: Wanted) -> Iterator[Events]:
        """See :meth:`TrackFiles.events`."""
        file, first, count = self._blocks[block.key]
        start, stop, _ = rows.indices(count)
        if self._many:
            yield self._some(file, first + start, first + stop, wanted)
        else:
            for number in range(file + start, file + stop):
                yield self._one(number, wanted)

    def _plan(self) -> dict[str, tuple[int, int, int]]:
        """Key of a block -> number of its first file, first event there, events."""
        places = []
        if self._many:
            for number, path in enumerate(self._files):
                events = self._count(NpzArrays(path))
                places += [(number, first, events) for first in range(0, events, self.config.rows)]
        else:
            files = len(self._files)
            places = [(number, 0, files - number) for number in range(0, files, self.config.rows)]
        return {
            f"{self._files[file].name}:{first}": (
                file,
                first,
                min(self.config.rows, events - first),
            )
            for file, first, events in places
        }

    def _holds_many(self, file: NpzArrays) -> bool:
        if self._lists:
            return self.config.hits.offsets in file
        dims = len(file.shape(self.config.pads.charge))
        if dims not in (2, 3):
            raise DataError(
                f"an array of shape {file.shape(self.config.pads.charge)}",
                where=f"{file.path}:{self.config.pads.charge}",
                remedy="write images (rows, columns) or (events, rows, columns)",
            )
        return dims == 3

    def _count(self, file: NpzArrays) -> int:
        if self._lists:
            return max(file.shape(self.config.hits.offsets)[0] - 1, 0)
        if not self._holds_many(file):
            raise DataError(
                "one event among files of many",
                where=str(file.path),
                remedy="keep files of one event in a folder of their own",
            )
        return file.shape(self.config.pads.charge)[0]

    def _one(self, number: int, wanted: Wanted) -> Events:
        """The event of a file of its own."""
        path = self._files[number]
        file = NpzArrays(path)
        arrays = {n: _numbers(file, getattr(self._names, n)) for n in self._asked(wanted)}
        truth = {n: _number(file, getattr(self.config.truth, n)) for n in wanted.truth}
        file.close()
        ids = sample_ids(file_digest(path), np.arange(1))
        if not self._lists:
            images = {name: image[None] for name, image in arrays.items()}
            return Events(ids=ids, where=str(path), images=images, truth=truth)
        offsets = np.asarray([0, len(arrays["charge"]) if arrays else 0])
        _require_lists(arrays, int(offsets[-1]), str(path))
        return Events(ids=ids, where=str(path), lists=arrays, offsets=offsets, truth=truth)

    def _some(self, number: int, first: int, last: int, wanted: Wanted) -> Events:
        """Events of a file of many."""
        path = self._files[number]
        file = self._open.setdefault(number, NpzArrays(path))
        if number not in self._digests:
            self._digests[number] = file_digest(path)
        ids = sample_ids(self._digests[number], np.arange(first, last))
        truth = {}
        for name in wanted.truth:
            values = _numbers(file, getattr(self.config.truth, name), first, last)
            if values.size != last - first:
                raise DataError(
                    f"shape {file.shape(getattr(self.config.truth, name))} for "
                    f"{self._count(file)} events",
                    where=f"{path}:{getattr(self.config.truth, name)}",
                    remedy="write a number for each event",
                )
            truth[name] = values.reshape(-1)
        if not self._lists:
            images = {
                n: _numbers(file, getattr(self._names, n), first, last) for n in self._asked(wanted)
            }
            return Events(ids=ids, where=str(path), images=images, truth=truth)
        cuts = _numbers(file, self.config.hits.offsets, first, last + 1).astype(np.int64)
        if np.any(np.diff(cuts) < 0) or cuts[0] < 0:
            raise DataError(
                "hits of an event end before they begin",
                where=f"{path}:{self.config.hits.offsets}",
                remedy="write where the hits of each event begin, and where the last ones end",
            )
        lists = {
            name: _numbers(file, getattr(self._names, name), int(cuts[0]), int(cuts[-1]))
            for name in self._asked(wanted)
        }
        _require_lists(lists, int(cuts[-1] - cuts[0]), str(path))
        return Events(ids=ids, where=str(path), lists=lists, offsets=cuts - cuts[0], truth=truth)

    def _asked(self, wanted: Wanted) -> tuple[str, ...]:
        return ("row", "column", *wanted.pads) if self._lists and wanted.pads else wanted.pads


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix == ".npz")
    if not found:
        raise DataError("no .npz file", where=str(path), remedy="give a file or a folder of files")
    return found


def _numbers(file: NpzArrays, name: str, first: int = 0, last: int | None = None) -> Array:
    return numbers(file.read(name, first, last), f"{file.path}:{name}")


def _number(file: NpzArrays, name: str) -> Array:
    value = _numbers(file, name)
    if value.size != 1:
        raise DataError(
            f"shape {value.shape} instead of a number",
            where=f"{file.path}:{name}",
            remedy="write one number for the event",
        )
    return value.reshape(1)


def _require_lists(lists: dict[str, Array], hits: int, where: str) -> None:
    for name, values in lists.items():
        if values.shape != (hits,):
            raise DataError(
                f"'{name}' has shape {values.shape} for {hits} hits",
                where=where,
                remedy="write a number for each hit; the file may have been cut short",
            )
