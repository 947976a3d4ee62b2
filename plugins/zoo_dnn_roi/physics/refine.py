"""The traditional ROI chain: combine tight and loose ROIs, break, shrink, clean and extend them.

The steps and their order are those of Wire-Cell's ``ROI_refinement`` (WireCell/wire-cell-toolkit),
written anew from a description; where that is not precise, the plain physical reading is taken, so
that results are not those of Wire-Cell ROI by ROI. Two ROIs of neighbouring wires are *linked* when
both contents exceed their wires' thresholds at a common tick, the content being the waveform minus
the line through the ends of the ROI. Whenever borders have moved, links are found anew
(``CheckROIs``) and ROIs that have lost their chain to a tight ROI are dropped (``CleanUpROIs``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from zoo_dnn_roi.physics.reshape import cut, extend_rois, separate, valleys
from zoo_dnn_roi.physics.roi import (
    RoiSettings,
    extend_to_tight,
    fill_gaps,
    loose_rois,
    tight_rois,
)
from zoo_dnn_roi.physics.runs import (
    BoolArray,
    FloatArray,
    IntArray,
    Runs,
    Samples,
    concatenate,
    overlap_pairs,
)

__all__ = [
    "CHAIN_VERSION",
    "RefinedRois",
    "collection_rois",
    "induction_rois",
    "refine_collection",
    "refine_induction",
]

CHAIN_VERSION = 2
"""Which ROIs ``final`` are, for the facts of data that hold them. 1: not broken, not extended."""

_BREAKS = ("break_roi_1st", "break_roi_2nd")


@dataclass(frozen=True, slots=True, eq=False)
class RefinedRois:
    """ROIs of one plane after refinement.

    Attributes:
        final: The traditional result, no two of which touch.
        cleaned: ROIs after the first cleaning, before they are broken and shrunk: what the
            multi-plane coincidence reads.
        peak: float32 (cleaned,), largest content of each cleaned ROI, electrons per tick.
        stages: The ROIs after each step, by Wire-Cell's tag of a frame that holds them:
            ``cleanup_roi``, ``break_roi_1st``, ``break_roi_2nd``, ``shrink_roi``, ``extend_roi``.
            Steps that a plane does not take, or that the settings leave out, are missing.
    """

    final: Runs
    cleaned: Runs
    peak: FloatArray
    stages: Mapping[str, Runs] = field(default_factory=dict)


def induction_rois(
    tight_lf: FloatArray,
    tighter_lf: FloatArray,
    loose_lf: FloatArray,
    wiener: FloatArray,
    rms: FloatArray,
    *,
    settings: RoiSettings | None = None,
) -> RefinedRois:
    """Traditional ROIs of an induction plane.

    Args:
        tight_lf: float32 (wires, ticks), electrons per tick, like all waveforms here.
        tighter_lf: The same with the strongest low-frequency filter.
        loose_lf: The same with the weakest.
        wiener: The same without one: the waveform on which ROIs are judged.
        rms: float32 (wires,), noise RMS of ``tight_lf``.
        settings: Constants; None: those of ProtoDUNE-HD.

    Raises:
        DataError: The arrays do not belong together.
    """
    settings = settings or RoiSettings()
    tight = fill_gaps(tight_rois(tight_lf, tighter_lf, rms, settings), settings)
    loose = extend_to_tight(loose_rois(loose_lf, settings), tight)
    return refine_induction(tight, loose, wiener, rms, settings)


def collection_rois(
    wiener: FloatArray, rms: FloatArray, *, settings: RoiSettings | None = None
) -> RefinedRois:
    """Traditional ROIs of the collection plane, whose one waveform serves every step.

    Args:
        wiener: float32 (wires, ticks), electrons per tick.
        rms: float32 (wires,), its noise RMS.
        settings: Constants; None: those of ProtoDUNE-HD.

    Raises:
        DataError: The arrays do not belong together.
    """
    settings = settings or RoiSettings()
    tight = fill_gaps(tight_rois(wiener, None, rms, settings), settings)
    return refine_collection(tight, wiener, rms, settings)


def refine_collection(
    tight: Runs, wiener: FloatArray, rms: FloatArray, settings: RoiSettings
) -> RefinedRois:
    """Keep the tight ROIs with a content above noise; drop the weak ones as fakes, one by one.

    They are neither broken nor shrunk: no line is subtracted from the charge of this plane, and
    it has no loose ROIs.
    """
    active = _active(tight, wiener, rms * np.float32(settings.refine_factor))
    samples = Samples.of(active)
    content = samples.above_line(samples.gather(wiener))
    final = active.select(_is_strong(samples, content, settings))
    return RefinedRois(separate(final), active, samples.maximum(content), {"cleanup_roi": final})


def refine_induction(
    tight: Runs, loose: Runs, wiener: FloatArray, rms: FloatArray, settings: RoiSettings
) -> RefinedRois:
    """Combine, clean, break, shrink, clean again, drop fake clusters, and extend.

    A ROI survives a cleaning when it contains an active tight ROI or is chained to one that
    does by links. A cluster of linked ROIs is a fake when none of its ROIs is strong.
    """
    threshold = rms * np.float32(settings.refine_factor)
    tight = _active(tight, wiener, threshold)
    state = _State.of(_combine(loose, tight), wiener, threshold)
    seeded = state.chained(_meets(state.rois, tight))
    cleaned, peak = state.rois.select(seeded), state.peak[seeded]
    stages = {"cleanup_roi": cleaned}
    broken = cleaned
    for tag in _BREAKS[: settings.break_loops]:
        valley = valleys(broken, wiener, rms, settings)
        tight = _active(cut(tight, valley), wiener, threshold)
        state = _State.of(cut(broken, valley), wiener, threshold)
        seeded = state.chained(_meets(state.rois, tight))
        broken = state.rois.select(seeded)
        stages[tag] = broken
    shrunk = _shrink(state.rois, tight, state.links, settings.padding).select(seeded)
    state = _State.of(shrunk, wiener, threshold)
    strong = _is_strong(state.samples, state.content, settings)
    kept = state.chained(_meets(shrunk, tight)) & state.chained(strong)
    final = stages["shrink_roi"] = shrunk.select(kept)
    if settings.extend:
        links = state.links
        extended = extend_rois(shrunk, broken, links.lower, links.upper)
        final = stages["extend_roi"] = extended.select(kept)
    return RefinedRois(separate(final), cleaned, peak, stages)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """ROIs with what they hold, and the links among them."""

    rois: Runs
    samples: Samples
    content: FloatArray
    links: _Links

    @classmethod
    def of(cls, rois: Runs, wiener: FloatArray, threshold: FloatArray) -> _State:
        samples = Samples.of(rois)
        content = samples.above_line(samples.gather(wiener))
        return cls(rois, samples, content, _Links.of(samples, content, threshold))

    @property
    def peak(self) -> FloatArray:
        """float32 (rois,): largest content."""
        return self.samples.maximum(self.content)

    def chained(self, seeds: BoolArray) -> BoolArray:
        """Which ROIs share a cluster with one of ``seeds``, themselves included."""
        return self.links.connected_to(seeds)


@dataclass(frozen=True, slots=True, eq=False)
class _Links:
    """Common active ticks of ROIs on neighbouring wires.

    ``lower`` and ``upper`` (links,) are ROI indices on wires w and w + 1, ``tick`` the tick.
    """

    count: int
    lower: IntArray
    upper: IntArray
    tick: IntArray

    @classmethod
    def of(cls, samples: Samples, content: FloatArray, threshold: FloatArray) -> _Links:
        """Find the links.

        Wire-Cell asks for an overlap of two ticks; that follows, for the content at the ends of a
        ROI is zero.
        """
        runs = samples.runs
        active = content > np.repeat(threshold[runs.wire], runs.length)
        pixel, owner = samples.pixel[active], samples.owner[active]
        above = pixel + runs.ticks
        match = np.searchsorted(pixel, above)
        hit = np.flatnonzero(match < len(pixel))
        hit = hit[pixel[match[hit]] == above[hit]]
        return cls(len(runs), owner[hit], owner[match[hit]], pixel[hit] % runs.ticks)

    def connected_to(self, seeds: BoolArray) -> BoolArray:
        """Which ROIs (count,) share a cluster with one of ``seeds``, themselves included."""
        shape = (self.count, self.count)
        graph = coo_matrix((np.ones(len(self.lower), np.int8), (self.lower, self.upper)), shape)
        clusters, label = connected_components(graph, directed=False)
        marked = np.zeros(clusters, dtype=np.bool_)
        marked[label[seeds]] = True
        return np.asarray(marked[label], dtype=np.bool_)


def _active(runs: Runs, wiener: FloatArray, threshold: FloatArray) -> Runs:
    """The runs of two ticks or more whose content exceeds the threshold of their wire."""
    samples = Samples.of(runs)
    content = samples.above_line(samples.gather(wiener))
    return runs.select(samples.maximum(content) > threshold[runs.wire])


def _is_strong(samples: Samples, content: FloatArray, settings: RoiSettings) -> BoolArray:
    high = samples.maximum(content) > settings.fake_maximum
    return np.asarray(high | (samples.mean(content) > settings.fake_mean), dtype=np.bool_)


def _combine(loose: Runs, tight: Runs) -> Runs:
    """Loose ROIs and the tight ROIs that meet none."""
    _, met = overlap_pairs(loose, tight)
    alone = np.ones(len(tight), dtype=np.bool_)
    alone[met] = False
    return concatenate(loose, tight.select(alone))


def _meets(rois: Runs, tight: Runs) -> BoolArray:
    """Which ROIs meet a tight ROI."""
    index, _ = overlap_pairs(rois, tight)
    met = np.zeros(len(rois), dtype=np.bool_)
    met[index] = True
    return met


def _shrink(rois: Runs, tight: Runs, links: _Links, padding: int) -> Runs:
    """Reduce each ROI to its tight ROIs and its links, padded; ROIs without either stay."""
    low = np.full(len(rois), rois.ticks)
    high = np.full(len(rois), -1)
    index, hit = overlap_pairs(rois, tight)
    np.minimum.at(low, index, tight.start[hit])
    np.maximum.at(high, index, tight.stop[hit])
    for linked in (links.lower, links.upper):
        np.minimum.at(low, linked, links.tick)
        np.maximum.at(high, linked, links.tick + 1)
    empty = high < 0
    start = np.where(empty, rois.start, np.maximum(rois.start, low - padding))
    stop = np.where(empty, rois.stop, np.minimum(rois.stop, high + padding))
    return Runs(rois.wire, start, stop, rois.wires, rois.ticks)
