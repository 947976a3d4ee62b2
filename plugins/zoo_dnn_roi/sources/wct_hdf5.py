"""Pairs of HDF5 files of Wire-Cell's ``HDF5FrameTap``: what signal processing made, and the truth.

``g4-rec-NAME.h5`` has a group for each event with ``frame_TAGn``, ``channels_TAGn`` and
``tickinfo_TAGn`` for tags and anodes n; ``g4-tru-NAME.h5`` has the true charge in electrons, for
events whose numbers may be smaller by 100. Frames are stored as (ticks, channels) or the other way
round: the number of channels tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from zoo.api import DataError, open_hdf5
from zoo_dnn_roi.physics.frames import TaggedTraces
from zoo_dnn_roi.sources.wct_pairs import Pair, event_offset, pair_files
from zoo_dnn_roi.sources.wirecell import TAGS, Readout, WireCellSource
from zoo_dnn_roi.sources.wirecell_config import WctHdf5Config

__all__ = ["WctHdf5", "is_tick_first"]

_FIELDS = {tag: field for field, tag in TAGS.items()}
_FRAME = re.compile(rf"frame_({'|'.join([*_FIELDS, 'deposplat', 'ductor'])})(\d+)")
_TRUTHS = ("deposplat", "ductor")


@dataclass(frozen=True, slots=True)
class _Truth:
    """Where the truth of a readout is."""

    file: Path
    event: int
    tag: str


class WctHdf5(WireCellSource):
    """Induction planes of all events of one pair of files, or of all pairs in a folder.

    Args:
        config: Settings.
        path: ``g4-rec-NAME.h5``, its partner beside it, or a folder of such pairs.

    Raises:
        ConfigError, DataError: As for :class:`~zoo_dnn_roi.sources.wirecell.WireCellSource`; a
            file is truncated, or files or events have no partner.
    """

    def __init__(self, config: WctHdf5Config, path: str | Path) -> None:
        self._truths: dict[tuple[Path, int, int], _Truth] = {}
        readouts: list[Readout] = []
        for pair in pair_files(Path(path), truth=config.truth != "none"):
            readouts.extend(self._pair(pair, config))
        super().__init__(config, Path(path), readouts)

    def traces(
        self, readout: Readout, fields: frozenset[str]
    ) -> Iterator[tuple[str, TaggedTraces]]:
        """One after another: one read each; see :meth:`WireCellSource.traces`."""
        for field in sorted(fields):
            if field == "truth":
                yield field, self._true(readout)
            else:
                yield field, _read(readout.file, readout.event, TAGS[field], readout.anode)

    def _true(self, readout: Readout) -> TaggedTraces:
        truth = self._truths[readout.file, readout.event, readout.anode]
        found = _read(truth.file, truth.event, truth.tag, readout.anode)
        first = self._first_tick(readout)
        if found.first_tick != first:
            raise DataError(
                f"the truth begins at tick {found.first_tick:g}, the frame at {first:g}",
                where=f"{truth.file}, event {truth.event}",
                remedy="write both for the same readout",
            )
        return found

    def _first_tick(self, readout: Readout) -> float:
        field = min(readout.tags & TAGS.keys())
        name = f"tickinfo_{TAGS[field]}{readout.anode}"
        with open_hdf5(readout.file) as file:
            return float(_dataset(file, readout.event, name, readout.file)[2])

    def _pair(self, pair: Pair, config: WctHdf5Config) -> list[Readout]:
        frames = _index(pair.reco)
        if pair.truth is None:
            offset, truths = 0, {}
        else:
            truths = _index(pair.truth)
            offset = event_offset(pair, {e for e, _ in frames}, {e for e, _ in truths}, config)
        readouts = []
        for (event, anode), ticks in frames.items():
            fields = {_FIELDS[tag] for tag in ticks if tag in _FIELDS}
            readout = Readout(
                pair.reco,
                event,
                anode,
                f"event {event} of {pair.name}",
                frozenset(fields if pair.truth is None else fields | {"truth"}),
                max(ticks.values()),
            )
            readouts.append(readout)
            if pair.truth is not None:
                found = truths.get((event - offset, anode), {})
                tag = _truth_tag(found, config.truth, pair.truth, event - offset, anode)
                place = _Truth(pair.truth, event - offset, tag)
                self._truths[pair.reco, event, anode] = place
        return readouts


def _truth_tag(found: Mapping[str, int], wanted: str, file: Path, event: int, anode: int) -> str:
    tags = [tag for tag in _TRUTHS if tag in found and wanted in ("auto", tag)]
    if len(tags) != 1:
        names = " and ".join(tags) or f"no frame_{'deposplat' if wanted == 'auto' else wanted}"
        raise DataError(
            f"{names}{anode}: one truth is needed" if tags else f"missing tag: {names}{anode}",
            where=f"{file}, event {event}",
            remedy="set data.options.truth to deposplat, ductor or none",
        )
    return tags[0]


def _index(path: Path) -> dict[tuple[int, int], dict[str, int]]:
    """(event, anode) -> tag -> ticks; no frame is read."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    with open_hdf5(path) as file:
        for name in sorted((n for n in file if n.isdigit()), key=int):
            for dataset in file[name]:
                match = _FRAME.fullmatch(dataset)
                if match is None:
                    continue
                where = f"{path}:/{name}/{dataset}"
                channels = file[name].get(dataset.replace("frame", "channels", 1))
                if channels is None:
                    raise DataError("it has no channels", where=where, remedy=_REMEDY)
                shape = file[name][dataset].shape
                ticks = shape[0] if is_tick_first(shape, channels.size, where) else shape[1]
                found.setdefault((int(name), int(match[2])), {})[match[1]] = ticks
    if not found:
        raise DataError(
            "no group of an event with frames",
            where=str(path),
            remedy="give files of Wire-Cell's HDF5FrameTap",
        )
    return found


def _read(path: Path, event: int, tag: str, anode: int) -> TaggedTraces:
    """One tag of one event, (channels, ticks), in one read."""
    with open_hdf5(path) as file:
        name = f"{tag}{anode}"
        frame = _dataset(file, event, f"frame_{name}", path)
        channels = _dataset(file, event, f"channels_{name}", path).astype(np.int64)
        info = _dataset(file, event, f"tickinfo_{name}", path)
    where = f"{path}:/{event}/frame_{name}"
    if info.shape != (3,):
        raise DataError(
            f"tickinfo of shape {info.shape} instead of (3,)", where=where, remedy=_REMEDY
        )
    if is_tick_first(frame.shape, len(channels), where):
        frame = frame.T
    time, tick, first = info.astype(np.float64).tolist()
    wide = frame.astype(np.float32, copy=False)
    return TaggedTraces(wide, channels, time, tick, first, None)


_REMEDY = "write the file with Wire-Cell's HDF5FrameTap, or copy it again"


def is_tick_first(shape: tuple[int, ...], channels: int, where: str) -> bool:
    """Whether a frame is stored as (ticks, channels).

    Raises:
        DataError: Neither axis has the length of the channels, or both have.
    """
    fits = [extent == channels for extent in shape]
    if len(shape) != 2 or sum(fits) != 1:
        both = len(shape) == 2 and all(fits)
        raise DataError(
            f"{'both axes' if both else 'no axis'} of {shape} "
            f"{'have' if both else 'has'} the length of its {channels} channels",
            where=where,
            remedy="the order of the axes cannot be told: write another number of ticks"
            if both
            else _REMEDY,
        )
    return fits[1]


def _dataset(file: h5py.File, event: int, name: str, path: Path) -> np.ndarray[Any, Any]:
    try:
        array: np.ndarray[Any, Any] = file[str(event)][name][...]
    except KeyError as error:
        raise DataError(f"no {name} for event {event}", where=str(path), remedy=_REMEDY) from error
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"{array.dtype} instead of numbers", where=f"{path}:/{event}/{name}", remedy=_REMEDY
        )
    return array
