"""Candidate regions of interest: tight ROIs by threshold, loose ROIs by a walk to the minima.

The recipe is that of Wire-Cell's ``OmnibusSigProc`` (WireCell/wire-cell-toolkit,
sigproc/ROI_formation; H. Yu et al., arXiv:2007.12743), written anew on whole planes. Waveforms
are deconvolved signals in electrons per tick. Bins at the border of the readout compare with
the bins that exist, where Wire-Cell wraps around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.api import DataError
from zoo_dnn_roi.physics.deconvolution import channel_rms
from zoo_dnn_roi.physics.runs import (
    BoolArray,
    FloatArray,
    IntArray,
    Runs,
    concatenate,
    from_mask,
    merge,
    overlap_pairs,
    pad,
)

__all__ = [
    "RoiSettings",
    "extend_to_tight",
    "fill_gaps",
    "loose_rois",
    "tight_rois",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoiSettings:
    """Constants of the ROI chain; the defaults are those of ProtoDUNE-HD.

    Attributes:
        induction_factor: Tight threshold on U and V, in units of the wire's RMS.
        collection_factor: The same on W.
        padding: Ticks added on both sides of a tight ROI.
        fill_asymmetry: Largest |difference| / sum of two lengths for which ``fill_gaps`` fills.
        loose_rebin: Ticks summed into one bin for the loose search.
        loose_factor: Loose threshold per tick, in units of the RMS of the loose waveform.
        loose_ceiling: Largest loose threshold of a bin, electrons.
        loose_walk: Fraction of the threshold at which the walk turns to the local minimum.
        loose_reach: Bins from the maximum at which a short peak is compared.
        loose_tolerance: Rise still counted as a fall on the way to the minimum, electrons.
        refine_factor: Content that makes a ROI active, in units of the wire's RMS.
        fake_maximum: A ROI whose content nowhere exceeds this, electrons, and ...
        fake_mean: ... whose mean content does not exceed this, electrons, is a fake.
        break_loops: How often ROIs of several peaks are broken, 0 to 2.
        peak_factor: Content that such a peak exceeds, in units of the wire's RMS.
        separation_factor: Depth of the valley beside it, in the same units, or ...
        separation_ceiling: ... this, electrons per tick, where it is less.
        extend: Whether shrunken ROIs are lengthened towards those that they are linked to.
    """

    induction_factor: float = 3.0
    collection_factor: float = 5.0
    padding: int = 5
    fill_asymmetry: float = 0.1
    loose_rebin: int = 6
    loose_factor: float = 3.5
    loose_ceiling: float = 10000.0
    loose_walk: float = 0.7
    loose_reach: int = 3
    loose_tolerance: float = 25.0
    refine_factor: float = 3.0
    fake_maximum: float = 750.0
    fake_mean: float = 375.0
    break_loops: int = 2
    peak_factor: float = 3.0
    separation_factor: float = 6.0
    separation_ceiling: float = 1200.0
    extend: bool = True


def tight_rois(
    tight_lf: FloatArray, tighter_lf: FloatArray | None, rms: FloatArray, settings: RoiSettings
) -> Runs:
    """ROIs where a tightly filtered waveform exceeds the noise, padded and merged.

    Args:
        tight_lf: float32 (wires, ticks): Wiener_tight with the tight low-frequency filter; the
            collection plane, whose response needs none, gives its Wiener waveform.
        tighter_lf: The same with the tighter filter; None marks the collection plane, where
            the threshold is higher.
        rms: float32 (wires,), noise RMS of ``tight_lf``.
        settings: Constants.

    Raises:
        DataError: The arrays do not belong together.
    """
    _check(rms.shape == tight_lf.shape[:1], "one noise RMS a wire", rms.shape, tight_lf.shape)
    factor = settings.collection_factor if tighter_lf is None else settings.induction_factor
    threshold = (factor * rms + 1).astype(np.float32)[:, None]
    above = tight_lf > threshold
    if tighter_lf is not None:
        same = tighter_lf.shape == tight_lf.shape
        _check(same, "tight and tighter waveforms of one shape", tighter_lf.shape, tight_lf.shape)
        above |= tighter_lf > threshold
    return pad(from_mask(above), settings.padding)


def fill_gaps(tight: Runs, settings: RoiSettings) -> Runs:
    """Add ROIs on a wire whose two neighbours have overlapping ROIs of nearly equal length.

    The new ROI lies halfway and is added only where it meets no ROI of its wire. Wire-Cell
    does so in its ``create_ROI_connect_info``; here new ROIs do not give rise to others.
    """
    left, right = overlap_pairs(tight, tight, wire_step=2)
    one, two = tight.select(left), tight.select(right)
    difference, total = np.abs(one.length - two.length), one.length + two.length
    start, stop = (one.start + two.start) // 2, (one.stop + two.stop) // 2
    alike = difference < settings.fill_asymmetry * total
    added = merge(Runs(one.wire + 1, start, stop, tight.wires, tight.ticks).select(alike))
    met, _ = overlap_pairs(added, tight)
    free = np.ones(len(added), dtype=np.bool_)
    free[met] = False
    return concatenate(tight, added.select(free))


def extend_to_tight(loose: Runs, tight: Runs) -> Runs:
    """Lengthen each loose ROI to the whole of the tight ROIs that it meets, and merge."""
    index, hit = overlap_pairs(loose, tight)
    start, stop = loose.start.copy(), loose.stop.copy()
    np.minimum.at(start, index, tight.start[hit])
    np.maximum.at(stop, index, tight.stop[hit])
    return merge(Runs(loose.wire, start, stop, loose.wires, loose.ticks))


def loose_rois(loose_lf: FloatArray, settings: RoiSettings) -> Runs:
    """ROIs of long induction signals: peaks of coarse bins, followed down to the local minima.

    A bin above the threshold seeds a ROI that falls to ``loose_walk`` of it and from there to
    the local minimum on each side. A local maximum below it seeds one if it stands high enough
    above the ends of that walk, or above the bins ``loose_reach`` away. A seed inside an
    accepted ROI is passed over; neighbours are united where the valley between them stays high.
    Ticks that do not fill a last bin are not searched.

    Args:
        loose_lf: float32 (wires, ticks): Wiener_tight with the loose low-frequency filter.
        settings: Constants.

    Returns:
        Runs whose borders are multiples of ``loose_rebin``; they may touch.
    """
    wires, ticks = loose_lf.shape
    rebin, count = settings.loose_rebin, ticks // settings.loose_rebin
    _check(count >= 3, f"at least {3 * rebin} ticks", loose_lf.shape)
    bins = np.einsum("wbr->wb", loose_lf[:, : count * rebin].reshape(wires, count, rebin))
    threshold = np.minimum(
        channel_rms(loose_lf) * np.float32(rebin * settings.loose_factor),
        np.float32(settings.loose_ceiling),
    )
    found = _accept(_seeds(bins, threshold, settings), wires, count)
    found = _merge_high_valleys(found, bins, threshold * np.float32(settings.loose_walk))
    return Runs(found.wire, found.start * rebin, found.stop * rebin, wires, ticks)


@dataclass(frozen=True, slots=True, eq=False)
class _Seeds:
    """Bins from which a loose ROI may grow, sorted, and the borders of their walks."""

    wire: IntArray
    position: IntArray
    start: IntArray
    stop: IntArray

    def select(self, index: BoolArray) -> _Seeds:
        return _Seeds(self.wire[index], self.position[index], self.start[index], self.stop[index])


def _seeds(bins: FloatArray, threshold: FloatArray, settings: RoiSettings) -> _Seeds:
    """All bins that would open a ROI were they reached; their walks may overlap."""
    inner = bins[:, 1:-1]
    high = np.zeros(bins.shape, dtype=np.bool_)
    high[:, 1:-1] = inner > threshold[:, None]
    peak = high.copy()
    peak[:, 1:-1] |= (inner > bins[:, :-2]) & (inner > bins[:, 2:])
    wire, position = np.nonzero(peak)
    is_high = high[wire, position]
    low = bins <= np.float32(settings.loose_walk) * threshold[:, None]
    # A local maximum has fallen below its neighbour's content after one bin.
    left = np.where(is_high, _previous(low)[wire, position], position - 1)
    right = np.where(is_high, _next(low)[wire, position], position + 1)
    smooth = _smooth(bins)
    start = _previous(~_falls(smooth[:, ::-1], settings.loose_tolerance)[:, ::-1])[wire, left]
    stop = _next(~_falls(smooth, settings.loose_tolerance))[wire, right] + 1
    seeds = _Seeds(wire, position, start, stop)
    keep = is_high.copy()
    keep[~is_high] = _stands_out(seeds.select(~is_high), bins, threshold, settings)
    return seeds.select(keep)


def _smooth(bins: FloatArray) -> FloatArray:
    """Mean of each bin and its neighbours."""
    total = bins.copy()
    total[:, 1:] += bins[:, :-1]
    total[:, :-1] += bins[:, 1:]
    total[:, 1:-1] /= 3
    total[:, (0, -1)] /= 2
    return total


def _falls(smooth: FloatArray, tolerance: float) -> BoolArray:
    """Whether a walk to the right goes on from each bin: one of the next two is not higher."""
    falls = np.zeros(smooth.shape, dtype=np.bool_)
    limit = smooth + np.float32(tolerance)
    falls[:, :-1] = smooth[:, 1:] < limit[:, :-1]
    falls[:, :-2] |= smooth[:, 2:] < limit[:, :-2]
    return falls


def _next(condition: BoolArray) -> IntArray:
    """Position of the first true value at or after each bin; the last bin where there is none."""
    count = condition.shape[1]
    position = np.where(condition, np.arange(count), count - 1)
    return np.minimum.accumulate(position[:, ::-1], axis=1)[:, ::-1]


def _previous(condition: BoolArray) -> IntArray:
    """Position of the last true value at or before each bin; the first bin where there is none."""
    position = np.where(condition, np.arange(condition.shape[1]), 0)
    return np.maximum.accumulate(position, axis=1)


def _stands_out(
    seeds: _Seeds, bins: FloatArray, threshold: FloatArray, settings: RoiSettings
) -> BoolArray:
    """Whether the walk from a local maximum covers a peak high enough above its feet."""
    wire, start, last = seeds.wire, seeds.start, seeds.stop - 1
    length = seeds.stop - start
    first = np.cumsum(length) - length
    line = np.repeat(wire * bins.shape[1] + start - first, length) + np.arange(length.sum())
    value = bins.ravel()[line]
    if len(value) == 0:
        return np.zeros(0, dtype=np.bool_)
    top = np.maximum.reduceat(value, first)
    highest = np.flatnonzero(value == np.repeat(top, length))
    summit = start + highest[np.searchsorted(highest, first)] - first
    level = threshold[wire]
    near = np.maximum(start, summit - settings.loose_reach)
    far = np.minimum(last, summit + settings.loose_reach)
    over_ends = 2 * top - bins[wire, start] - bins[wire, last] > 2 * level
    step = settings.loose_walk * level
    over_sides = (top - bins[wire, near] > step) & (top - bins[wire, far] > step)
    return np.asarray(over_ends | over_sides, dtype=np.bool_)


def _accept(seeds: _Seeds, wires: int, count: int) -> Runs:
    """Scan each wire: the next ROI grows from the first seed after the previous one's end."""
    total = len(seeds.wire)
    base = seeds.wire * count
    follower = np.searchsorted(base + seeds.position, base + seeds.stop, side="left")
    jump = np.append(follower, total)
    reached = np.zeros(total + 1, dtype=np.bool_)
    reached[0] = True
    # Doubling: after n rounds the first 2**n members of the chain are marked.
    for _ in range(int(total).bit_length() + 1):
        reached[jump[reached]] = True
        jump = jump[jump]
    chain = seeds.select(reached[:-1])
    opens = np.ones(len(chain.wire), dtype=np.bool_)
    opens[1:] = (chain.wire[1:] != chain.wire[:-1]) | (chain.start[1:] >= chain.stop[:-1])
    closes = np.append(opens[1:], True)[: len(opens)]
    return Runs(chain.wire[opens], chain.start[opens], chain.stop[closes], wires, count)


def _merge_high_valleys(runs: Runs, bins: FloatArray, level: FloatArray) -> Runs:
    """Unite neighbours while the bins between them stay ``level`` above the line over both.

    As in Wire-Cell the first such pair of a wire is united, then the wire is examined anew.
    """
    while len(runs) > 1:
        pair = np.flatnonzero(runs.wire[1:] == runs.wire[:-1])
        pair = pair[_valley_is_high(runs, pair, bins, level)]
        if len(pair) == 0:
            break
        pair = pair[np.unique(runs.wire[pair], return_index=True)[1]]
        stop = runs.stop.copy()
        stop[pair] = runs.stop[pair + 1]
        keep = np.ones(len(runs), dtype=np.bool_)
        keep[pair + 1] = False
        runs = Runs(runs.wire, runs.start, stop, runs.wires, runs.ticks).select(keep)
    return runs


def _valley_is_high(runs: Runs, pair: IntArray, bins: FloatArray, level: FloatArray) -> BoolArray:
    """For each pair (k, k + 1): is every bin from the end of k to the start of k + 1 high?"""
    wire, start, stop = runs.wire[pair], runs.start[pair], runs.stop[pair + 1] - 1
    begin = bins[wire, start]
    slope = (bins[wire, stop] - begin) / (stop - start)

    def is_high(which: IntArray, position: IntArray) -> BoolArray:
        line = begin[which] + slope[which] * (position - start[which])
        content = bins[wire[which], position] - line
        return np.asarray(content >= level[wire[which]], dtype=np.bool_)

    every = np.arange(len(pair))
    low, high = runs.stop[pair] - 1, runs.start[pair + 1]
    result = is_high(every, low) & is_high(every, high)
    # Few pairs pass at the two borders; only those valleys are looked at bin by bin.
    some = np.flatnonzero(result)
    length = high[some] - low[some] + 1
    which = np.repeat(some, length)
    position = np.arange(len(which)) + np.repeat(low[some] - (np.cumsum(length) - length), length)
    result[which[~is_high(which, position)]] = False
    return result


def _check(condition: bool, needed: str, *shapes: tuple[int, ...]) -> None:
    if not condition:
        raise DataError(
            f"{needed} needed, got shapes {', '.join(map(str, shapes))}",
            where="regions of interest",
            remedy="give the deconvolved waveforms of one plane, (wires, ticks)",
        )
