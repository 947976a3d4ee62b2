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

__all__ = ["RINGING", "RING_TICKS", "cut", "extend_rois", "separate", "valleys"]


RINGING = (0.182, 0.072)
"""Depth of the valley beside a pulse after ``wiener_tight``, and height of the lobe behind it, over
the pulse's peak: the filter cuts off so sharply that it rings. Largest of the planes (V);
test_reshape computes them from the filters."""

RING_TICKS = 15
"""That lobe lies 10 to 11 ticks from the peak; lobes further away are below 2 %."""


def valleys(rois: Runs, wiener: FloatArray, rms: FloatArray, settings: RoiSettings) -> IntArray:
    """Where ROIs that hold several pulses are to be broken: the lowest tick between two peaks.

    A peak counts when its content (the waveform above the line through the ends of the ROI) exceeds
    ``peak_factor`` RMS and when, wherever the content rises above that peak on either side, it has
    fallen before by more than ``separation_factor`` RMS or by more than ``separation_ceiling``
    electrons per tick. Beside a higher peak, height and depth must exceed what the filter alone
    makes there (``RINGING``) by as much: without this demand the pulses of tracks along the wire
    planes lose their flanks. Wire-Cell's own rule is not known to us here.

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
    peak = np.searchsorted(place, top[np.isfinite(walled[top])])
    noise = rms[samples.runs.wire[owner[peak]]]
    level = np.float32(settings.peak_factor) * noise
    high = content[peak] > level
    peak, noise, level = peak[high], noise[high], level[high]
    pulse = _pulse_beside(content[peak], peak, owner[peak])
    high = content[peak] > level + np.float32(RINGING[1]) * pulse
    peak, noise, pulse = peak[high], noise[high], pulse[high]
    depth = np.minimum(settings.separation_factor * noise, settings.separation_ceiling)
    depth += np.float32(sum(RINGING)) * pulse
    distinct = peak_prominences(walled, place[peak])[0] > depth
    return peak[distinct], owner[peak[distinct]]


def _pulse_beside(content: FloatArray, peak: IntArray, owner: IntArray) -> FloatArray:
    """The highest peak near each peak of a ROI, if it is higher, else 0; float32 (peaks,)."""
    highest = content.copy()
    for step in (1, 2, 3):  # no more peaks than three fit into that distance
        near = (peak[step:] - peak[:-step] <= RING_TICKS) & (owner[step:] == owner[:-step])
        after, before = content[step:] * near, content[:-step] * near
        np.maximum(highest[:-step], after, out=highest[:-step])
        np.maximum(highest[step:], before, out=highest[step:])
    return np.where(highest > content, highest, np.float32(0))


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
    return Runs(wire, begin - wire * runs.ticks, end - wire * runs.ticks, runs.wires, runs.ticks)


def extend_rois(rois: Runs, room: Runs, lower: IntArray, upper: IntArray) -> Runs:
    """Lengthen shrunken ROIs halfway to those that they are linked to on the neighbouring wires.

    A track passes from wire to wire halfway between them: the pulse on a wire begins and ends
    halfway to the pulses on its neighbours, and where the track is steep the flanks between stay
    below threshold. Wire-Cell's own rule is not known to us here.

    Args:
        rois: The shrunken ROIs.
        room: For each of them the ROI before it was shrunk, which it does not leave.
        lower: int64 (links,), ROIs that are linked to ...
        upper: ... these ROIs on the next wire; a pair may be listed more than once.
    """
    start, stop = rois.start.copy(), rois.stop.copy()
    for one, other in ((lower, upper), (upper, lower)):
        np.minimum.at(start, one, (rois.start[one] + rois.start[other]) // 2)
        np.maximum.at(stop, one, (rois.stop[one] + rois.stop[other] + 1) // 2)
    start, stop = np.maximum(start, room.start), np.minimum(stop, room.stop)
    return Runs(rois.wire, start, stop, rois.wires, rois.ticks)


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
