"""Runs of ticks on the wires of a plane: regions of interest as one flat struct of arrays.

A plane of 800 wires holds some ten thousand regions of interest (ROIs). Kept as three sorted
arrays instead of objects, every step of the ROI chain is one array expression: neighbours are
found by binary search on ``wire * ticks + tick``, sums and maxima by ``ufunc.reduceat``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.api import DataError

__all__ = [
    "BoolArray",
    "FloatArray",
    "IntArray",
    "Runs",
    "Samples",
    "concatenate",
    "from_mask",
    "merge",
    "overlap_pairs",
    "pad",
]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Disjoint runs of ticks, sorted by wire, then by start. Runs of a wire may touch.

    Attributes:
        wire: int64 (runs,), index of the wire.
        start: int64 (runs,), first tick.
        stop: int64 (runs,), one past the last tick; always greater than ``start``.
        wires: Number of wires of the plane.
        ticks: Number of ticks of the readout.
    """

    wire: IntArray
    start: IntArray
    stop: IntArray
    wires: int
    ticks: int

    def __len__(self) -> int:
        return len(self.wire)

    @property
    def length(self) -> IntArray:
        """int64 (runs,): ticks in each run."""
        return self.stop - self.start

    def select(self, index: BoolArray | IntArray) -> Runs:
        """The runs that a boolean mask or ascending indices (runs,) choose."""
        return Runs(self.wire[index], self.start[index], self.stop[index], self.wires, self.ticks)

    def mask(self) -> BoolArray:
        """Bool (wires, ticks): true inside a run."""
        out = np.zeros(self.wires * self.ticks, dtype=np.bool_)
        out[Samples.of(self).pixel] = True
        return out.reshape(self.wires, self.ticks)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """All (wire, tick) pixels inside some runs, run after run.

    Attributes:
        runs: The runs.
        first: int64 (runs,), position of each run's first sample.
        pixel: int64 (samples,), ``wire * ticks + tick``, ascending.
    """

    runs: Runs
    first: IntArray
    pixel: IntArray

    @classmethod
    def of(cls, runs: Runs) -> Samples:
        """List the samples of ``runs``."""
        length = runs.length
        first = np.cumsum(length) - length
        shift = runs.wire * runs.ticks + runs.start - first
        pixel = np.repeat(shift, length)
        pixel += np.arange(len(pixel))
        return cls(runs, first, pixel)

    @property
    def owner(self) -> IntArray:
        """int64 (samples,): the run of each sample."""
        return np.repeat(np.arange(len(self.runs)), self.runs.length)

    def gather(self, waveforms: FloatArray) -> FloatArray:
        """Values of ``waveforms`` (wires, ticks) at the samples, (samples,).

        Raises:
            DataError: The waveforms do not have the shape of the plane.
        """
        expected = (self.runs.wires, self.runs.ticks)
        if waveforms.shape != expected:
            raise DataError(
                f"waveforms of shape {waveforms.shape} where {expected} (wires, ticks) is needed",
                where="regions of interest",
                remedy="use arrays of the plane in which the regions were found",
            )
        return np.ascontiguousarray(waveforms).ravel()[self.pixel]

    def above_line(self, values: FloatArray) -> FloatArray:
        """Values minus the straight line through the first and last sample of their run.

        This is Wire-Cell's content of a ROI (reference: SignalROI). A run of one tick has
        content zero.
        """
        length = self.runs.length
        begin = values[self.first]
        end = values[self.first + length - 1]
        slope = (end - begin) / np.maximum(length - 1, 1)
        position = self.pixel - np.repeat(self.pixel[self.first], length)
        line = np.repeat(begin, length) + np.repeat(slope, length) * position
        return (values - line).astype(np.float32, copy=False)

    def maximum(self, values: FloatArray) -> FloatArray:
        """Largest value of each run, float32 (runs,)."""
        return np.maximum.reduceat(values, self.first) if len(self.runs) else values[:0]

    def total(self, values: FloatArray) -> NDArray[np.float64]:
        """Sum over each run, float64 (runs,)."""
        wide = values.astype(np.float64)
        return np.add.reduceat(wide, self.first) if len(self.runs) else wide[:0]

    def mean(self, values: FloatArray) -> NDArray[np.float64]:
        """Mean over each run, float64 (runs,)."""
        return self.total(values) / np.maximum(self.runs.length, 1)


def from_mask(mask: BoolArray) -> Runs:
    """The maximal runs of true values along the ticks of ``mask`` (wires, ticks).

    Raises:
        DataError: The mask is not a two-dimensional boolean array.
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise DataError(
            f"a ROI mask is bool (wires, ticks); this one is {mask.dtype} of shape {mask.shape}",
            where="regions of interest",
            remedy="compare with a threshold first, for one plane at a time",
        )
    wires, ticks = mask.shape
    # One false column closes every wire, so that the whole plane is one line of edges.
    line = np.zeros(wires * (ticks + 1) + 1, dtype=np.bool_)
    line[1:].reshape(wires, ticks + 1)[:, :ticks] = mask
    edge = np.flatnonzero(line[1:] != line[:-1])
    wire, start = np.divmod(edge[0::2], ticks + 1)
    return Runs(wire, start, edge[1::2] - wire * (ticks + 1), wires, ticks)


def pad(runs: Runs, ticks: int) -> Runs:
    """Lengthen each run by ``ticks`` on both sides, inside the readout, and merge overlaps."""
    start = np.maximum(runs.start - ticks, 0)
    stop = np.minimum(runs.stop + ticks, runs.ticks)
    return merge(Runs(runs.wire, start, stop, runs.wires, runs.ticks))


def merge(runs: Runs) -> Runs:
    """Unite the runs of a wire that share a tick; touching runs stay apart. Any order is taken."""
    order = np.lexsort((runs.start, runs.wire))
    wire, start, stop = runs.wire[order], runs.start[order], runs.stop[order]
    line_start = wire * runs.ticks + start
    reach = np.maximum.accumulate(wire * runs.ticks + stop)
    opens = np.ones(len(wire), dtype=np.bool_)
    opens[1:] = line_start[1:] >= reach[:-1]
    first = np.flatnonzero(opens)
    last_stop = np.maximum.reduceat(stop, first) if len(first) else stop
    return Runs(wire[first], start[first], last_stop, runs.wires, runs.ticks)


def concatenate(one: Runs, other: Runs) -> Runs:
    """All runs of two sets of one plane, sorted. Runs that overlap must be merged by the caller."""
    wire = np.concatenate([one.wire, other.wire])
    start = np.concatenate([one.start, other.start])
    stop = np.concatenate([one.stop, other.stop])
    order = np.lexsort((start, wire))
    return Runs(wire[order], start[order], stop[order], one.wires, one.ticks)


def overlap_pairs(one: Runs, other: Runs, wire_step: int = 0) -> tuple[IntArray, IntArray]:
    """Pairs of runs that share a tick, on wires ``wire_step`` apart.

    Args:
        one: Runs on wires w.
        other: Runs on wires ``w + wire_step``.
        wire_step: 0 compares runs of the same wire, 1 those of the next.

    Returns:
        Indices into ``one`` and into ``other``, int64 (pairs,) each, ascending in ``one``.
    """
    wire = one.wire + wire_step
    inside = (wire >= 0) & (wire < other.wires)
    base = wire * other.ticks
    line = other.wire * other.ticks
    # Disjoint sorted runs have ascending starts and stops: those that overlap lie side by side.
    low = np.searchsorted(line + other.stop, base + one.start, side="right")
    high = np.searchsorted(line + other.start, base + one.stop, side="left")
    count = np.where(inside, np.maximum(high - low, 0), 0)
    left = np.repeat(np.arange(len(one)), count)
    right = np.arange(len(left)) + np.repeat(low - (np.cumsum(count) - count), count)
    return left, right
