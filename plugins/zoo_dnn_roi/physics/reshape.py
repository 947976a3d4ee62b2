"""How the traditional chain changes the borders of ROIs: it breaks, extends and separates them.

The steps are named after Wire-Cell's ``BreakROIs`` and ``ExtendROIs``; its constants are those of
ProtoDUNE-HD. What Wire-Cell does in detail is not known to us here: each step is the plain physical
reading of its name and its constants, and its docstring says which.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks, peak_prominences

from zoo_dnn_roi.physics.roi import RoiSettings
from zoo_dnn_roi.physics.runs import FloatArray, IntArray, Runs, Samples

__all__ = ["cut", "extend_rois", "separate", "valleys"]


def valleys(rois: Runs, wiener: FloatArray, rms: FloatArray, settings: RoiSettings) -> IntArray:
    """Where ROIs that hold several pulses are to be broken: the lowest tick between two peaks.

    A peak counts when its content (the waveform above the line through the ends of the ROI) exceeds
    ``peak_factor`` RMS and when, wherever the content rises above that peak on either side, it has
    fallen before by more than ``separation_factor`` RMS or by more than ``separation_ceiling``
    electrons per tick. Wire-Cell's own rule is not known to us here.

    Args:
        rois: ROIs of a plane.
        wiener: float32 (wires, ticks), electrons per tick.
        rms: float32 (wires,), noise RMS.
        settings: Constants.

    Returns:
        int64 (valleys,), ``wire * ticks + tick``, ascending: each is where a new ROI starts.

    Raises:
        DataError: The waveforms are not of the plane of the ROIs.
    """
    samples = Samples.of(rois)
    content = samples.above_line(samples.gather(wiener))
    peak, owner = _peaks(samples, content, rms, settings)
    pair = np.flatnonzero(owner[1:] == owner[:-1])
    low, length = peak[pair], peak[pair + 1] - peak[pair]
    if len(pair) == 0:
        return low
    first = np.cumsum(length) - length
    index = np.arange(length.sum()) + np.repeat(low - first, length)
    between = content[index]
    floor = np.minimum.reduceat(between, first)
    lowest = np.flatnonzero(between == np.repeat(floor, length))
    return np.asarray(samples.pixel[index[lowest[np.searchsorted(lowest, first)]]])


def _peaks(
    samples: Samples, content: FloatArray, rms: FloatArray, settings: RoiSettings
) -> tuple[IntArray, IntArray]:
    """Samples at which distinct peaks lie, ascending, and the ROI of each."""
    owner = samples.owner
    # A wall before and after each ROI, at which a peak stops to look for higher ones, and in front
    # of it an abyss: where there is none, any depth will do.
    place = np.arange(len(content)) + 3 * owner + 2
    walled = np.full(len(content) + 3 * len(samples.runs) + 1, -np.inf)
    walled[place] = content
    walled[np.append(place[samples.first] - 2, -1)] = np.inf
    top = find_peaks(walled)[0]
    top = top[np.isfinite(walled[top])]
    peak = np.searchsorted(place, top)
    noise = rms[samples.runs.wire[owner[peak]]]
    high = content[peak] > np.float32(settings.peak_factor) * noise
    top, peak, noise = top[high], peak[high], noise[high]
    needed = np.minimum(settings.separation_factor * noise, settings.separation_ceiling)
    distinct = peak_prominences(walled, top)[0] > needed
    return peak[distinct], owner[peak[distinct]]


def cut(runs: Runs, pixel: IntArray) -> Runs:
    """Break runs before some pixels; pixels at the start of a run or outside of all break nothing.

    Args:
        runs: Runs of a plane.
        pixel: int64 (cuts,), ``wire * ticks + tick``.
    """
    begin = runs.wire * runs.ticks + runs.start
    end = runs.wire * runs.ticks + runs.stop
    host = np.searchsorted(begin, pixel, side="left") - 1
    inside = host >= 0
    inside[inside] = pixel[inside] < end[host[inside]]
    # Runs are disjoint: sorted starts and sorted ends belong together.
    begin = np.sort(np.concatenate([begin, pixel[inside]]))
    end = np.sort(np.concatenate([end, pixel[inside]]))
    wire = begin // runs.ticks
    return Runs(
        wire, begin - wire * runs.ticks, end - wire * runs.ticks, runs.wires, runs.ticks
    )


def extend_rois(rois: Runs, room: Runs, wiener: FloatArray) -> Runs:
    """Lengthen shrunken ROIs down their flanks to the next local minimum on each side.

    Shrinking ends a ROI a few ticks after its threshold, which for a slow pulse is on its shoulder:
    the line through the ends would then cut charge off. Wire-Cell's own rule is not known to us
    here.

    Args:
        rois: The shrunken ROIs.
        room: The ROIs before they were shrunk, which they do not leave; each of ``rois`` lies
            inside one of them.
        wiener: float32 (wires, ticks), electrons per tick.

    Raises:
        DataError: The waveforms are not of the plane of the ROIs.
    """
    samples = Samples.of(room)
    value = samples.gather(wiener)
    host = np.searchsorted(
        room.wire * room.ticks + room.start, rois.wire * rois.ticks + rois.start, side="right"
    )
    host -= 1
    shift = samples.first[host] - room.start[host]
    left = np.append(True, value[1:] <= value[:-1])
    right = np.append(value[1:] >= value[:-1], True)
    left[samples.first] = right[samples.first + room.length - 1] = True
    lefts, rights = np.flatnonzero(left), np.flatnonzero(right)
    low = lefts[np.searchsorted(lefts, rois.start + shift, side="right") - 1]
    high = rights[np.searchsorted(rights, rois.stop - 1 + shift, side="left")]
    return Runs(rois.wire, low - shift, high - shift + 1, rois.wires, rois.ticks)


def separate(runs: Runs) -> Runs:
    """Take the first tick from each run that touches the one before, so that a mask tells both.

    Touching ROIs meet at a local minimum. In a mask they would be one ROI with one line through
    its ends; at the tick that is given up the content above their own lines is about zero.
    """
    line = runs.wire * runs.ticks
    touches = np.zeros(len(runs), dtype=np.int64)
    touches[1:] = (line + runs.start)[1:] == (line + runs.stop)[:-1]
    touches[1:] &= runs.wire[1:] == runs.wire[:-1]
    apart = Runs(runs.wire, runs.start + touches, runs.stop, runs.wires, runs.ticks)
    return apart.select(apart.length > 0)
