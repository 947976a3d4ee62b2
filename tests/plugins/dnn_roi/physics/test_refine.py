"""The refinement: small scenes by hand, and whole random planes against ROIs as objects."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.api import DataError
from zoo_dnn_roi.physics.deconvolution import channel_rms
from zoo_dnn_roi.physics.refine import (
    collection_rois,
    induction_rois,
    refine_collection,
    refine_induction,
)
from zoo_dnn_roi.physics.roi import RoiSettings, loose_rois, tight_rois
from zoo_dnn_roi.physics.runs import FloatArray, Runs

SETTINGS = RoiSettings()
Triple = tuple[int, int, int]


def triples(runs: Runs) -> list[Triple]:
    return list(zip(runs.wire.tolist(), runs.start.tolist(), runs.stop.tolist(), strict=True))


def make(rows: list[Triple], wires: int, ticks: int) -> Runs:
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
    return Runs(table[:, 0], table[:, 1], table[:, 2], wires, ticks)


def scene(wires: int, *boxes: tuple[int, int, int, float]) -> FloatArray:
    """Waveforms of 100 ticks, flat but for boxes (wire, start, stop, height)."""
    out = np.zeros((wires, 100), dtype=np.float32)
    for wire, start, stop, height in boxes:
        out[wire, start:stop] = height
    return out


RMS = np.full(4, 100.0, dtype=np.float32)  # a content above 300 e- is active


def test_a_chain_of_links_keeps_what_hangs_on_a_tight_roi() -> None:
    # Wire 0 holds the tight ROI; wires 1 and 2 are linked to it at ticks 30-34 and 33-39;
    # wire 3 overlaps wire 2, but is active elsewhere.
    wiener = scene(4, (0, 25, 35, 900), (1, 30, 40, 900), (2, 33, 45, 900), (3, 50, 55, 900))
    loose = make([(w, 10, 60) for w in range(4)], 4, 100)
    rois = refine_induction(make([(0, 20, 40)], 4, 100), loose, wiener, RMS, SETTINGS)
    assert triples(rois.cleaned) == [(0, 10, 60), (1, 10, 60), (2, 10, 60)]
    assert rois.peak.tolist() == [900, 900, 900]
    # Wire 0 shrinks to its tight ROI 20-39 and five ticks; wire 1 to its links 30-39 (30-34
    # with wire 0, 33-39 with wire 2); wire 2 to 33-39.
    assert triples(rois.stages["shrink_roi"]) == [(0, 15, 45), (1, 25, 45), (2, 28, 45)]
    # Extended halfway to the neighbour: 20 from 25 and 15, 26 from 28 and 25.
    assert triples(rois.final) == [(0, 15, 45), (1, 20, 45), (2, 26, 45)]


def test_a_tight_roi_outside_the_loose_ones_is_added_and_noise_dropped() -> None:
    wiener = scene(4, (0, 25, 35, 900), (1, 70, 80, 900), (2, 25, 35, 299))
    loose = make([(1, 10, 60), (2, 10, 60)], 4, 100)
    tight = make([(0, 20, 40), (2, 20, 40)], 4, 100)
    rois = refine_induction(tight, loose, wiener, RMS, SETTINGS)
    # Wire 1 has no tight ROI; that of wire 2 stays below 300 e-.
    assert triples(rois.final) == [(0, 20, 40)]


@pytest.mark.parametrize(
    ("height", "kept"),
    # Ten ticks of 20 at the height: the mean is half of it.
    [(700.0, False), (749.0, False), (751.0, True)],
)
def test_weak_rois_are_fakes(height: float, kept: bool) -> None:
    wiener = scene(4, (0, 25, 35, height))
    tight = make([(0, 20, 40)], 4, 100)
    none = make([], 4, 100)
    assert len(refine_induction(tight, none, wiener, RMS, SETTINGS).final) == kept
    assert len(refine_collection(tight, wiener, RMS, SETTINGS).final) == kept
    # The multi-plane coincidence sees them all the same: it has thresholds of its own.
    assert len(refine_collection(tight, wiener, RMS, SETTINGS).cleaned) == 1


def test_one_strong_roi_saves_its_cluster_on_induction_only() -> None:
    wiener = scene(4, (0, 25, 35, 600), (1, 25, 35, 600), (2, 25, 35, 900), (3, 60, 65, 600))
    tight = make([(w, 20, 40) for w in range(3)] + [(3, 55, 70)], 4, 100)
    induction = refine_induction(tight, make([], 4, 100), wiener, RMS, SETTINGS)
    assert [wire for wire, *_ in triples(induction.final)] == [0, 1, 2]
    collection = refine_collection(tight, wiener, RMS, SETTINGS)
    assert [wire for wire, *_ in triples(collection.final)] == [2]


def test_a_roi_that_loses_its_links_by_shrinking_is_dropped() -> None:
    # Wires 0 and 1 are linked at tick 30 only. Shrunk to ticks 25-35, wire 1 stands on the line
    # at 1500: it keeps a peak of 1500 at tick 33, but lies 500 below the line at tick 30.
    wiener = scene(4, (0, 30, 31, 900), (1, 25, 36, 1500))
    wiener[1, [30, 33]] = 1000, 3000
    tight = make([(0, 20, 40)], 4, 100)
    rois = refine_induction(tight, make([(1, 10, 60)], 4, 100), wiener, RMS, SETTINGS)
    assert triples(rois.cleaned) == [(0, 20, 40), (1, 10, 60)]
    assert triples(rois.final) == [(0, 20, 40)]


def test_a_high_mean_makes_a_roi_strong() -> None:
    # Content 0, 700 x 18, 0: below 750, the mean is 630.
    wiener = scene(4, (0, 21, 39, 700))
    assert len(refine_collection(make([(0, 20, 40)], 4, 100), wiener, RMS, SETTINGS).final) == 1


@dataclass(eq=False)
class Roi:
    """One ROI as an object: the slow way."""

    wire: int
    start: int
    stop: int
    wiener: FloatArray
    tight: list[Roi] = field(default_factory=list)

    def content(self, tick: int) -> float:
        row = self.wiener[self.wire].astype(float)
        begin, end, steps = row[self.start], row[self.stop - 1], max(self.stop - 1 - self.start, 1)
        return float(row[tick] - (begin + (end - begin) / steps * (tick - self.start)))

    def active(self, threshold: float) -> set[int]:
        return {t for t in range(self.start, self.stop) if self.content(t) > threshold}

    def strong(self) -> bool:
        values = [self.content(t) for t in range(self.start, self.stop)]
        return max(values) > 750 or sum(values) / len(values) > 375

    def meets(self, other: Roi) -> bool:
        return max(self.start, other.start) < min(self.stop, other.stop)


def common(one: Roi, two: Roi, threshold: list[float]) -> set[int]:
    """Ticks that link two ROIs; none unless they lie on neighbouring wires and overlap by two."""
    if abs(one.wire - two.wire) != 1 or min(one.stop, two.stop) - max(one.start, two.start) < 2:
        return set()
    return one.active(threshold[one.wire]) & two.active(threshold[two.wire])


def chained(rois: list[Roi], seeds: list[Roi], threshold: list[float]) -> list[Roi]:
    kept, todo = list(seeds), list(seeds)
    while todo:
        roi = todo.pop()
        for other in rois:
            if other not in kept and common(roi, other, threshold):
                kept.append(other)
                todo.append(other)
    return [roi for roi in rois if roi in kept]


def valley_ticks(roi: Roi, noise: float) -> list[int]:
    """Ticks at which a ROI breaks, by the definition of a distinct peak."""
    ticks = range(roi.start, roi.stop)
    content = {t: roi.content(t) for t in ticks}

    def lowest_before_a_higher(tick: int, step: int) -> float:
        low, at = content[tick], tick
        while at in content and content[at] <= content[tick]:
            low, at = min(low, content[at]), at + step
        return low if at in content else -math.inf

    def distinct(tick: int) -> bool:
        feet = max(lowest_before_a_higher(tick, step) for step in (-1, 1))
        return content[tick] - feet > min(6 * noise, 1200) + (0.182 + 0.072) * beside(tick)

    tops = [t for t in ticks[1:-1] if content[t - 1] < content[t] > content[t + 1]]
    tops = [t for t in tops if content[t] > 3 * noise]

    def beside(tick: int) -> float:
        higher = [content[t] for t in tops if abs(t - tick) <= 15 and content[t] > content[tick]]
        return max(higher, default=0)

    peaks = [t for t in tops if content[t] > 3 * noise + 0.072 * beside(t) and distinct(t)]
    return [min(range(a, b), key=content.__getitem__) for a, b in pairwise(peaks)]


def pieces(rois: list[Roi], cuts: set[tuple[int, int]]) -> list[Roi]:
    out = []
    for roi in rois:
        inside = [t for wire, t in sorted(cuts) if wire == roi.wire and roi.start < t < roi.stop]
        edges = [roi.start, *inside, roi.stop]
        out += [Roi(roi.wire, low, high, roi.wiener) for low, high in pairwise(edges)]
    return out


def extended(roi: Roi, room: Roi, linked: list[Roi]) -> Roi:
    low = min([roi.start] + [(roi.start + other.start) // 2 for other in linked])
    high = max([roi.stop] + [math.ceil((roi.stop + other.stop) / 2) for other in linked])
    return Roi(roi.wire, max(low, room.start), min(high, room.stop), roi.wiener)


def separated(rois: list[Roi]) -> set[Triple]:
    rows = {(roi.wire, roi.start, roi.stop) for roi in rois}
    met = {(wire, stop) for wire, _, stop in rows}
    apart = {(wire, start + ((wire, start) in met), stop) for wire, start, stop in rows}
    return {row for row in apart if row[1] < row[2]}


def by_objects(
    tight: Runs, loose: Runs, wiener: FloatArray, noise: list[float]
) -> tuple[set[Triple], set[Triple]]:
    threshold = [3 * rms for rms in noise]

    def active(rois: list[Roi]) -> list[Roi]:
        return [roi for roi in rois if roi.active(threshold[roi.wire])]

    def clean(rois: list[Roi], parts: list[Roi]) -> list[Roi]:
        for roi in rois:
            roi.tight = [p for p in parts if p.wire == roi.wire and p.meets(roi)]
        return chained(rois, [roi for roi in rois if roi.tight], threshold)

    parts = active([Roi(*row, wiener) for row in triples(tight)])
    rois = [Roi(*row, wiener) for row in triples(loose)]
    alone = [p for p in parts if not any(p.wire == r.wire and p.meets(r) for r in rois)]
    rois = clean(rois + [Roi(p.wire, p.start, p.stop, wiener) for p in alone], parts)
    cleaned = {(roi.wire, roi.start, roi.stop) for roi in rois}
    for _ in range(2):
        cuts = {(roi.wire, t) for roi in rois for t in valley_ticks(roi, noise[roi.wire])}
        parts = active(pieces(parts, cuts))
        rois = clean(pieces(rois, cuts), parts)
    shrunk, room = [], {}
    for roi in rois:
        span = {t for part in roi.tight for t in range(part.start, part.stop)}
        span = {t for t in span if roi.start <= t < roi.stop}
        for other in rois:
            span |= common(roi, other, threshold)
        low, high = max(roi.start, min(span) - 5), min(roi.stop, max(span) + 6)
        shrunk.append(Roi(roi.wire, low, high, wiener))
        room[shrunk[-1].wire, low] = roi
    kept = clean(shrunk, parts)
    kept = chained(kept, [roi for roi in kept if roi.strong()], threshold)
    final = [
        extended(roi, room[roi.wire, roi.start], [r for r in kept if common(roi, r, threshold)])
        for roi in kept
    ]
    return cleaned, separated(final)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_against_rois_as_objects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 250, (6, 120))
    wiener = np.zeros((6, 120))
    for shift in range(-4, 5):
        wiener += np.roll(noise, shift, axis=1) * np.exp(-0.5 * (shift / 2) ** 2)
    track = int(rng.integers(10, 90))
    for wire in range(6):
        wiener[wire, track + 3 * wire : track + 3 * wire + 8] += rng.choice([0, 500, 1500])
    wave = wiener.astype(np.float32)
    rms = np.full(6, 150, dtype=np.float32)
    tight = tight_rois(wave, wave, rms * 2, SETTINGS)
    loose = loose_rois(wave, RoiSettings(loose_factor=0.5))
    cleaned, final = by_objects(tight, loose, wave, rms.tolist())
    rois = refine_induction(tight, loose, wave, rms, SETTINGS)
    assert set(triples(rois.cleaned)) == cleaned
    assert set(triples(rois.final)) == final


def test_planes_without_signal_are_empty() -> None:
    quiet = np.zeros((3, 60), dtype=np.float32)
    rms = channel_rms(quiet)
    assert len(induction_rois(quiet, quiet, quiet, quiet, rms).final) == 0
    assert len(collection_rois(quiet, rms).final) == 0


def test_arrays_of_another_plane_are_refused() -> None:
    wave, rms = scene(4, (0, 25, 35, 900)), np.ones(4, dtype=np.float32)
    with pytest.raises(DataError, match="shape"):
        induction_rois(wave, wave, wave, wave[:, :90], rms)
