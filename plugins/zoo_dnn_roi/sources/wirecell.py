"""Planes of Wire-Cell's production frames, whatever file they are in.

A sample is one induction plane of one readout: one event of one anode. Its fields are the traces
of Wire-Cell's tags, cut to the wires and ticks that the geometry file says; masks, which Wire-Cell
stamps with a charge, become 0 and 1. One read brings all planes of a readout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.api import Block, DataError, Table, file_digest, sample_ids
from zoo_dnn_roi.codec import STAMP
from zoo_dnn_roi.physics.frames import TaggedTraces
from zoo_dnn_roi.sources.chosen import chosen_planes
from zoo_dnn_roi.sources.layout import PlaneLayout, load_layout
from zoo_dnn_roi.sources.wirecell_config import WireCellConfig

__all__ = ["TAGS", "Readout", "WireCellSource"]

TAGS: Mapping[str, str] = {
    "loose_lf": "loose_lf",
    "tight_lf": "tight_lf",
    "decon_charge": "decon_charge",
    "gauss": "gauss",
    "mp2": "mp2_roi",
    "mp3": "mp3_roi",
    "traditional": "extend_roi",
}
"""Field of a sample -> Wire-Cell's tag, to which it appends the number of the anode."""

_MASKS = frozenset({"mp2", "mp3", "traditional"})
_STAMPED = {"mp2": STAMP, "mp3": STAMP}  # Wire-Cell stamps other masks with any number


@dataclass(frozen=True, slots=True)
class Readout:
    """One event of one anode.

    Attributes:
        file: The file it is in.
        event: Number of the event.
        anode: Number of the anode.
        group: Names the event for splits: all its anodes have it.
        tags: Fields of a sample that the file has for it.
        ticks: Samples of each channel.
    """

    file: Path
    event: int
    anode: int
    group: str
    tags: frozenset[str]
    ticks: int

    @property
    def where(self) -> str:
        """Names it in errors."""
        return f"{self.file}, event {self.event}, anode {self.anode}"


class WireCellSource:
    """What the sources of Wire-Cell's files share; a block is a readout.

    Args:
        config: Settings.
        path: What was asked for.
        readouts: All that there are.

    Attributes:
        layout: The geometry.
        planes: Those that are read, of one size.
        readouts: Readouts in the order of the blocks.
        fields: What every readout has.
        facts: Geometry, its digest, and the size of a plane.

    Raises:
        ConfigError: The geometry is wrong, or the planes differ in size.
        DataError: There is no readout, or readouts differ in tags or ticks.
    """

    def __init__(self, config: WireCellConfig, path: Path, readouts: Sequence[Readout]) -> None:
        self.path = path
        self.layout = load_layout(config.detector)
        self.planes = chosen_planes(self.layout.induction, config.planes, self.layout.name)
        self.readouts = tuple(readouts)
        _require_alike(self.readouts, path)
        first = self.readouts[0]
        self.fields = first.tags | {"plane"}
        ticks = self.layout.tick_slice(first.ticks, first.where)
        size = {
            "wires": {plane.name: plane.wires for plane in self.planes},
            "ticks": ticks.stop - ticks.start,
        }
        self.facts: Mapping[str, Any] = {**self.layout.facts(), "readout": size}
        self._by_key = {self._key(readout): readout for readout in self.readouts}
        self._digests: dict[Path, str] = {}

    def blocks(self) -> Sequence[Block]:
        """One block for each readout; all anodes of an event are one group."""
        rows = len(self.planes)
        return [Block(key, rows, readout.group) for key, readout in self._by_key.items()]

    def read(self, block: Block, rows: slice, fields: frozenset[str]) -> Table:
        """Planes of one readout: each tag is read once.

        Raises:
            DataError: A tag is missing or damaged, holds values that are not finite, or channels,
                ticks or sampling period are not those of the detector.
        """
        readout = self._by_key[block.key]
        planes = self.planes[rows]
        self._require(readout, fields)
        columns: dict[str, NDArray[Any]] = {"id": self.ids(readout)[rows]}
        if "plane" in fields:
            index = [self.layout.induction.index(plane) for plane in planes]
            columns["plane"] = np.array(index, dtype=np.int64)
        for field, traces in self.traces(readout, fields - {"id", "plane"}):
            cut = self.cut(traces, readout, field, planes)
            columns[field] = _mask(cut, field, readout) if field in _MASKS else cut
        return Table(columns)

    def readout(self, block: Block) -> Readout:
        """The readout of a block."""
        return self._by_key[block.key]

    def ids(self, readout: Readout) -> NDArray[np.uint64]:
        """uint64 (planes,): the ids of a readout's planes; they depend on no setting."""
        if readout.file not in self._digests:
            self._digests[readout.file] = file_digest(readout.file)
        index = [self.layout.induction.index(plane) for plane in self.planes]
        rows = np.asarray(index) + 8 * (readout.anode + 1024 * readout.event)
        return sample_ids(self._digests[readout.file], rows)

    def traces(
        self, readout: Readout, fields: frozenset[str]
    ) -> Iterator[tuple[str, TaggedTraces]]:
        """The traces of some fields, in any order, as the file has them.

        Raises:
            DataError: They are missing or damaged.
        """
        raise NotImplementedError  # abstract: each format has its own

    def cut(
        self, traces: TaggedTraces, readout: Readout, field: str, planes: Sequence[PlaneLayout]
    ) -> NDArray[np.float32]:
        """float32 (planes, wires, ticks): what is used of the traces of a field.

        Raises:
            DataError: As for :meth:`read`.
        """
        where = f"{readout.where}, {TAGS.get(field, field)}"
        if traces.waveforms.shape[1] != readout.ticks:
            raise DataError(
                f"unequal ticks: {traces.waveforms.shape[1]}, others have {readout.ticks}",
                where=where,
                remedy="write all tags of one readout",
            )
        if not np.isclose(traces.tick_ns, self.layout.tick_ns, rtol=1e-6):
            raise DataError(
                f"ticks of {traces.tick_ns:g} ns, {self.layout.name} has {self.layout.tick_ns:g}",
                where=where,
                remedy="give the geometry of the detector that took the frame",
            )
        order = self.layout.order(traces.channels, where)
        ticks = self.layout.tick_slice(readout.ticks, where)
        cut = np.stack([traces.waveforms[_rows(order[plane.used]), ticks] for plane in planes])
        if not np.isfinite(cut).all():
            raise DataError(
                "values that are not finite", where=where, remedy="write the frame again"
            )
        return cut

    def _require(self, readout: Readout, fields: frozenset[str]) -> None:
        for field in sorted(fields - self.fields - {"id"}):
            raise DataError(
                f"it has no tag '{TAGS.get(field, field)}'",
                where=readout.where,
                remedy=f"its fields are {', '.join(sorted(self.fields))}",
            )

    def _key(self, readout: Readout) -> str:
        return f"{readout.file.name}, event {readout.event}, anode {readout.anode}"


def _rows(rows: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    """The same rows as a slice where they follow one another: no copy, and fast."""
    return slice(rows[0], rows[-1] + 1) if np.all(np.diff(rows) == 1) else rows


def _mask(stamped: NDArray[np.float32], field: str, readout: Readout) -> NDArray[np.uint8]:
    """0 and 1 from 0 and a stamp, which for the MP masks is the one that networks are scaled to."""
    stamp = _STAMPED.get(field, float(stamped.max()))
    if not np.all((stamped == 0) | (stamped == stamp)):
        raise DataError(
            f"a mask with values other than 0 and {stamp:g}",
            where=f"{readout.where}, {TAGS[field]}",
            remedy="give frames as Wire-Cell writes them, not binned or scaled",
        )
    mask: NDArray[np.uint8] = (stamped != 0).astype(np.uint8)
    return mask


def _require_alike(readouts: Sequence[Readout], path: Path) -> None:
    if not readouts:
        raise DataError("no frames inside", where=str(path), remedy="give another file or folder")
    first = readouts[0]
    for other in readouts[1:]:
        missing = sorted(first.tags ^ other.tags)
        if missing:
            names = ", ".join(TAGS.get(field, field) for field in missing)
            lacks = other if missing[0] in first.tags else first
            raise DataError(
                f"missing tag: {names}",
                where=lacks.where,
                remedy="write the same tags for all events, or leave the file out",
            )
        if other.ticks != first.ticks:
            raise DataError(
                f"unequal ticks: {other.ticks}, the first readout has {first.ticks}",
                where=other.where,
                remedy="put readouts of one length into one folder, or cut them",
            )
