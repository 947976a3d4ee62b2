"""Multi-plane coincidence: where two planes agree, the third must have charge (MP2 and MP3).

At one time bin, an active wire of each of two planes defines a crossing; projected on the third
plane it marks a wire. MP2 marks that wire and its neighbours whatever the third plane sees; MP3
marks them only where the third plane itself is active. Wires cross on one face of the anode; a
channel of wires on both faces, or of several wires on one, is active on all of them and marked by
any. Source: Wire-Cell's ``ROI_refinement::MP2ROI`` / ``MP3ROI``; H. Yu et al., arXiv:2007.12743.
As there, wires are infinitely long: a crossing may lie beyond the ends of the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zoo.api import DataError
from zoo_dnn_roi.physics.geometry import Crossing, Detector
from zoo_dnn_roi.physics.masking import repeat_bins
from zoo_dnn_roi.physics.refine import RefinedRois
from zoo_dnn_roi.physics.runs import BoolArray, FloatArray, IntArray

__all__ = ["Coincidence", "Face", "feature_map", "multiplane_masks", "straight_face"]

_PAIRS_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Coincidence:
    """Constants of the coincidence; the defaults are those of ProtoDUNE-HD.

    Attributes:
        ticks_per_bin: Time resolution, ticks.
        reference_threshold: ROI maximum that makes a wire a reference, electrons per tick.
        active_threshold: ROI maximum that makes the target active, electrons per tick.
        reach: Wires marked on each side of a projected crossing.
    """

    ticks_per_bin: int = 10
    reference_threshold: float = 1000.0
    active_threshold: float = 500.0
    reach: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """Wires of the three planes on one face of an anode.

    Attributes:
        channels: For each plane int64 (wires,), the row of each wire's channel among the ROIs.
        crossings: For each plane as the target, the map from wires of the two others (in order).
    """

    channels: tuple[IntArray, ...]
    crossings: tuple[Crossing, ...]


def straight_face(detector: Detector) -> Face:
    """The face of a detector whose every wire is a channel.

    Raises:
        ConfigError: Two of its planes are parallel.
    """
    u, v, w = detector.planes
    pairs = ((v, w, u), (u, w, v), (u, v, w))
    return Face(
        tuple(np.arange(plane.wires) for plane in detector.planes),
        tuple(detector.crossing(*planes) for planes in pairs),
    )


def feature_map(rois: RefinedRois, ticks_per_bin: int) -> FloatArray:
    """Largest ROI maximum at each wire and time bin (Wire-Cell's feature method 1).

    Returns:
        float32 (wires, bins), electrons per tick; minus infinity where no ROI lies. The last
        bin may hold fewer ticks.
    """
    runs = rois.cleaned
    bins = -(-runs.ticks // ticks_per_bin)
    low, high = runs.start // ticks_per_bin, (runs.stop - 1) // ticks_per_bin + 1
    length = high - low
    base = np.repeat(runs.wire * bins + low - (np.cumsum(length) - length), length)
    out = np.full(runs.wires * bins, -np.inf, dtype=np.float32)
    np.maximum.at(out, base + np.arange(len(base)), np.repeat(rois.peak, length))
    return out.reshape(runs.wires, bins)


def multiplane_masks(
    target: int,
    rois: Sequence[RefinedRois],
    detector: Detector,
    settings: Coincidence | None = None,
    *,
    dead: BoolArray | None = None,
    faces: Sequence[Face] | None = None,
) -> tuple[BoolArray, BoolArray]:
    """MP2 and MP3 of one plane from the cleaned ROIs of three.

    Args:
        target: Index of the plane to mark, in the order of ``detector.planes``.
        rois: Refined ROIs of the channels of the three planes, in that order.
        detector: The planes, whose wires are here channels.
        settings: Constants; None: those of ProtoDUNE-HD.
        dead: bool (channels,), channels of the target plane that are never marked.
        faces: Where the wires of these channels are; None: each is one straight wire of a single
            face.

    Returns:
        Two masks, bool (channels, ticks) of the target plane. Wire-Cell stamps 4000 where true.

    Raises:
        ConfigError: Two planes are parallel.
        DataError: The ROIs are not of the planes of the detector, or of unequal readouts.
    """
    settings = settings or Coincidence()
    ticks = _common_ticks(rois, detector)
    features = [feature_map(plane, settings.ticks_per_bin) for plane in rois]
    mp2 = np.zeros(features[target].shape, dtype=np.bool_)
    for face in faces or (straight_face(detector),):
        wires = _marked_wires(target, features, face, settings)
        np.logical_or.at(mp2, face.channels[target], wires)
    if dead is not None:
        mp2[dead] = False
    mp3 = mp2 & (features[target] > settings.active_threshold)
    return (
        repeat_bins(mp2, settings.ticks_per_bin, ticks),
        repeat_bins(mp3, settings.ticks_per_bin, ticks),
    )


def _marked_wires(
    target: int, features: Sequence[FloatArray], face: Face, settings: Coincidence
) -> BoolArray:
    """Wires of the target plane on one face, (wires, bins), near crossings of reference wires."""
    one, two = (
        (features[plane] > settings.reference_threshold)[face.channels[plane]]
        for plane in range(3)
        if plane != target
    )
    hit = _crossings(one, two, face.crossings[target], len(face.channels[target]))
    marked = hit.copy()
    for step in range(1, settings.reach + 1):
        marked[step:] |= hit[:-step]
        marked[:-step] |= hit[step:]
    return marked


def _crossings(one: BoolArray, two: BoolArray, crossing: Crossing, wires: int) -> BoolArray:
    """Target wires (wires, bins) at which active wires of one bin cross."""
    bins = one.shape[1]
    bin_one, wire_one = np.nonzero(one.T)
    bin_two, wire_two = np.nonzero(two.T)
    per_bin = np.bincount(bin_two, minlength=bins)
    begin = np.cumsum(per_bin) - per_bin
    count = per_bin[bin_one]
    # The map is affine: each active wire's share of the position is computed once.
    share_one = crossing.first * (wire_one + 0.5) + crossing.offset
    share_two = crossing.second * (wire_two + 0.5)
    # A row on each side takes the crossings that lie outside the target plane.
    hit = np.zeros((wires + 2, bins), dtype=np.bool_)
    # Busy events have millions of pairs: a bounded number is held at a time.
    for part in _portions(count, _PAIRS_AT_ONCE):
        number = count[part]
        first = np.repeat(begin[bin_one[part]] - (np.cumsum(number) - number), number)
        position = np.repeat(share_one[part], number) + share_two[first + np.arange(len(first))]
        wire = np.floor(np.clip(position, -1, wires)).astype(np.int64)
        hit[wire + 1, np.repeat(bin_one[part], number)] = True
    return hit[1:-1]


def _portions(count: IntArray, limit: int) -> list[slice]:
    """Consecutive slices of ``count`` whose sums stay near ``limit``."""
    portion = np.cumsum(count) // limit
    border = np.flatnonzero(np.diff(portion)) + 1
    edges = [0, *border.tolist(), len(count)]
    return [slice(low, high) for low, high in pairwise(edges)]


def _common_ticks(rois: Sequence[RefinedRois], detector: Detector) -> int:
    shapes = [(plane.cleaned.wires, plane.cleaned.ticks) for plane in rois]
    wires = [plane.wires for plane in detector.planes]
    if [shape[0] for shape in shapes] != wires or len({ticks for _, ticks in shapes}) != 1:
        raise DataError(
            f"ROIs of planes of (wires, ticks) {shapes} for a detector of {wires} wires",
            where="multi-plane coincidence",
            remedy="give the refined ROIs of all its planes, in its order and of one readout",
        )
    return shapes[0][1]
