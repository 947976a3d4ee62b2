"""HDF5 files of pandas: a row for each event with a column for each pad, or a row for each hit.

Columns of pads are ``Qmax_0``, ``Qmax0`` or, of the charge alone, ``0``: row by row, as a flattened
image. Hits of one event follow one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, DataError, file_digest, sample_ids
from zoo_ha_tpc.physics.pad_plane import read_plane
from zoo_ha_tpc.sources.events import Events, Known, TrackFiles, Wanted
from zoo_ha_tpc.sources.files_config import PandasH5Config, TruthNames
from zoo_ha_tpc.sources.pandas_frames import Frame, frame_keys

__all__ = ["PandasH5"]

Array = NDArray[Any]
_PADS = ("charge", "time", "width")
_PIECE = 2**20  # rows of a column that are looked at together


class PandasH5(TrackFiles):
    """All events of one file.

    Args:
        config: Settings.
        path: The file.

    Raises:
        ConfigError: There is no such plane.
        DataError: The file is damaged, or has no frame of charges, or frames do not fit.
    """

    config: PandasH5Config

    def __init__(self, config: PandasH5Config, path: str | Path) -> None:
        where = Path(path)
        self._frame = Frame(where, config.key or _only_key(where, config.truth_key))
        self._truth = Frame(where, config.truth_key) if config.truth_key else self._frame
        self._images = _images(self._frame, config)
        found = self._images or {
            name: [getattr(config.hits, name)]
            for name in _PADS
            if getattr(config.hits, name) in self._frame.columns
        }
        truth = {
            n for n in TruthNames.model_fields if getattr(config.truth, n) in self._truth.columns
        }
        super().__init__(config, where, Known(frozenset(found), frozenset(truth)))
        self._cuts = self._event_cuts()
        if self._truth is not self._frame and self._truth.rows != self._events:
            raise DataError(
                f"{self._truth.rows} rows for {self._events} events",
                where=f"{path}:/{config.truth_key}",
                remedy="write a row of truth for each event, in the order of the events",
            )
        self._digest = file_digest(where)

    @property
    def _events(self) -> int:
        return self._frame.rows if self._cuts is None else len(self._cuts) - 1

    def blocks(self) -> Sequence[Block]:
        """``rows`` events each."""
        step = self.config.rows
        return [
            Block(str(first), min(step, self._events - first), f"{self.path.name}:{first}")
            for first in range(0, self._events, step)
        ]

    def events(self, block: Block, rows: slice, wanted: Wanted) -> Iterator[Events]:
        """See :meth:`TrackFiles.events`."""
        start, stop, _ = rows.indices(block.rows)
        first, last = int(block.key) + start, int(block.key) + stop
        ids = sample_ids(self._digest, np.arange(first, last))
        where = f"{self.path}:/{self._frame.key}"
        truth = self._true(first, last, wanted.truth)
        if self._cuts is None:
            images = {
                name: self._frame.read(self._images[name], first, last).reshape(
                    last - first, *self._shape
                )
                for name in wanted.pads
            }
            yield Events(ids=ids, where=where, images=images, truth=truth)
            return
        cuts = self._cuts[first : last + 1]
        asked = ("row", "column", *wanted.pads) if wanted.pads else ()
        columns = [getattr(self.config.hits, name) for name in asked]
        values = self._frame.read(columns, int(cuts[0]), int(cuts[-1]))
        lists = {name: values[:, number] for number, name in enumerate(asked)}
        yield Events(ids=ids, where=where, lists=lists, offsets=cuts - cuts[0], truth=truth)

    @property
    def _shape(self) -> tuple[int, int]:
        """Of an image as the file has it."""
        rows, columns = self.plane.shape
        return (columns, rows) if self.config.axes == "columns-rows" else (rows, columns)

    def _true(self, first: int, last: int, wanted: Sequence[str]) -> dict[str, Array]:
        if not wanted:
            return {}
        columns = [getattr(self.config.truth, name) for name in wanted]
        if self._truth is not self._frame or self._cuts is None:
            values = self._truth.read(columns, first, last)
            return {name: values[:, number] for number, name in enumerate(wanted)}
        cuts = self._cuts[first : last + 1]
        values = self._frame.read(columns, int(cuts[0]), int(cuts[-1]))
        each = values[cuts[:-1] - cuts[0]]
        if np.any(values != np.repeat(each, np.diff(cuts), axis=0)):
            raise DataError(
                "the truth differs among the hits of an event",
                where=f"{self.path}:/{self._frame.key}",
                remedy="repeat the truth of the event in each of its hits, or write a frame of it "
                "and set data.options.truth_key",
            )
        return {name: each[:, number] for number, name in enumerate(wanted)}

    def _event_cuts(self) -> NDArray[np.int64] | None:
        """Where the hits of each event begin; of images none."""
        if self._images:
            return None
        if not self._frame.rows:
            return np.zeros(1, np.int64)
        starts, numbers, last = [], [], None
        for first in range(0, self._frame.rows, _PIECE):
            stop = min(first + _PIECE, self._frame.rows)
            event = self._frame.column(self.config.hits.event, first, stop)
            begins = np.flatnonzero(np.concatenate([[True], event[1:] != event[:-1]]))
            begins = begins[int(event[0] == last) :]  # the event goes on from the piece before
            starts.append(begins + first)
            numbers.append(event[begins])
            last = event[-1]
        every = np.concatenate(numbers)
        if len(np.unique(every)) != len(every):
            raise DataError(
                "hits of an event do not follow one another",
                where=f"{self.path}:/{self._frame.key}: {self.config.hits.event}",
                remedy="sort the frame by event, and give each event a number of its own",
            )
        return np.concatenate([*starts, [self._frame.rows]]).astype(np.int64)


def _only_key(path: Path, other: str) -> str:
    found = [key for key in frame_keys(path) if key != other]
    if len(found) != 1:
        raise DataError(
            f"{len(found)} frames: {', '.join(found)}" if found else "no frame of pandas",
            where=str(path),
            remedy="set data.options.key, and data.options.truth_key where the truth is apart"
            if found
            else "give a file that DataFrame.to_hdf wrote",
        )
    return found[0]


def _images(frame: Frame, config: PandasH5Config) -> dict[str, list[str]]:
    """Columns of the pads, in their order, by kind; nothing where there are none."""
    plane = read_plane(config.plane)
    pads = plane.shape[0] * plane.shape[1]
    found = {}
    for name in _PADS:
        prefix = f"(?:{re.escape(getattr(config.pads, name))}_?)"
        pattern = re.compile(f"{prefix}{'?' if name == 'charge' else ''}(\\d+)")
        numbered = {int(m[1]): c for c in frame.columns if (m := pattern.fullmatch(c))}
        if not numbered:
            continue
        if sorted(numbered) != list(range(pads)):
            raise DataError(
                f"{len(numbered)} columns of pads, {min(numbered)} to {max(numbered)}, for "
                f"'{getattr(config.pads, name)}'; the plane '{plane.name}' has {pads} pads",
                where=f"{frame.path}:/{frame.key}",
                remedy="write a column for each pad, numbered from 0 row by row, and read it with "
                "its data.options.plane",
            )
        found[name] = [numbered[number] for number in range(pads)]
    return found
