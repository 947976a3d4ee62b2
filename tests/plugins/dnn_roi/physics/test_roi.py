"""Tight and loose ROIs: hand-made waveforms, a sequential scan, and the real configuration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.api import DataError
from zoo_dnn_roi.physics.deconvolution import channel_rms
from zoo_dnn_roi.physics.roi import (
    RoiSettings,
    extend_to_tight,
    fill_gaps,
    loose_rois,
    tight_rois,
)
from zoo_dnn_roi.physics.runs import FloatArray, Runs

SETTINGS = RoiSettings()
Triple = tuple[int, int, int]


def triples(runs: Runs) -> list[Triple]:
    return list(zip(runs.wire.tolist(), runs.start.tolist(), runs.stop.tolist(), strict=True))


def make(rows: list[Triple], wires: int, ticks: int) -> Runs:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Runs(table[:, 0], table[:, 1], table[:, 2], wires, ticks)


def pulses(ticks: int, *at: tuple[int, float]) -> FloatArray:
    out = np.zeros((1, ticks), dtype=np.float32)
    for tick, height in at:
        out[0, tick] = height
    return out


def test_thresholds_are_three_rms_plus_one_and_five_on_collection() -> None:
    rms = np.array([100.0], dtype=np.float32)
    at = (30, 301.0), (60, 302.0), (90, 501.0), (120, 502.0)
    quiet = np.zeros((1, 150), dtype=np.float32)
    induction = tight_rois(pulses(150, *at), quiet, rms, SETTINGS)
    assert triples(induction) == [(0, 55, 66), (0, 85, 96), (0, 115, 126)]
    tighter = tight_rois(quiet, pulses(150, *at), rms, SETTINGS)
    assert triples(tighter) == triples(induction)
    assert triples(tight_rois(pulses(150, *at), None, rms, SETTINGS)) == [(0, 115, 126)]


def test_padding_stops_at_the_readout_and_merges() -> None:
    rms = np.array([10.0], dtype=np.float32)
    wave = pulses(40, (2, 99.0), (20, 99.0), (30, 99.0), (39, 99.0))
    # 20 and 30 with five ticks around them share tick 25; 30 and 39 share 34 and 35.
    assert triples(tight_rois(wave, wave, rms, SETTINGS)) == [(0, 0, 8), (0, 15, 40)]


def test_dead_wires_have_no_rois() -> None:
    dead = np.zeros((2, 60), dtype=np.float32)
    assert len(tight_rois(dead, dead, channel_rms(dead), SETTINGS)) == 0
    assert len(loose_rois(dead, SETTINGS)) == 0


def test_a_gap_between_alike_neighbours_is_filled_halfway() -> None:
    alike = make([(0, 10, 30), (2, 20, 40), (4, 20, 60)], 5, 100)
    # Wires 2 and 4 overlap, but lengths 20 and 40 differ by a third of their sum.
    assert triples(fill_gaps(alike, SETTINGS))[1] == (1, 15, 35)
    assert len(fill_gaps(alike, SETTINGS)) == 4
    taken = make([(0, 10, 30), (1, 34, 50), (2, 20, 40)], 3, 100)
    assert triples(fill_gaps(taken, SETTINGS)) == triples(taken)
    apart = make([(0, 10, 30), (2, 30, 50)], 3, 100)
    assert triples(fill_gaps(apart, SETTINGS)) == triples(apart)


def test_loose_rois_grow_to_the_whole_of_their_tight_rois() -> None:
    loose = make([(0, 12, 24), (0, 24, 36), (1, 12, 24)], 2, 100)
    tight = make([(0, 20, 40), (1, 30, 40)], 2, 100)
    # The tight ROI of wire 0 meets both loose ones, which then share ticks and unite.
    assert triples(extend_to_tight(loose, tight)) == [(0, 12, 40), (1, 12, 24)]


def bins_to_ticks(bins: list[float]) -> FloatArray:
    """One wire whose sums of six ticks are ``bins``."""
    return np.repeat(np.array([bins], dtype=np.float32) / 6, 6, axis=1)


def test_a_loose_roi_by_hand() -> None:
    pulse = [100.0, 300, 2000, 30000, 60000, 25000, 3000, 200, 50]
    bins = [200.0 * (40 - i) for i in range(40)] + pulse + [200.0 * i for i in range(51)]
    # Leftwards the 3-bin means of bins 40, 39, 38 are 200, 233, 400: more than 25 higher, so
    # the walk ends at bin 40. Rightwards 48, 49, 50, 51 have 83, 83, 200, 400: it ends at 49.
    assert triples(loose_rois(bins_to_ticks(bins), SETTINGS)) == [(0, 40 * 6, 50 * 6)]


def test_the_loose_walk_runs_to_the_border_where_nothing_rises() -> None:
    bins = [0.0] * 100
    bins[40:43] = [20000, 60000, 20000]
    assert triples(loose_rois(bins_to_ticks(bins), SETTINGS)) == [(0, 0, 600)]


def scan(row: list[float], threshold: float, settings: RoiSettings) -> list[tuple[int, int]]:
    """The search as the reference describes it: one bin after the other. Ends are inclusive."""
    last = len(row) - 1
    smooth = [sum(part := row[max(k - 1, 0) : k + 2]) / len(part) for k in range(len(row))]

    def walk(position: int, level: float, step: int) -> int:
        border = last if step > 0 else 0
        while position != border and row[position] > level:
            position += step
        while position != border:
            ahead = [position + step, position + 2 * step]
            limit = smooth[position] + settings.loose_tolerance
            if not any(0 <= k <= last and smooth[k] < limit for k in ahead):
                break
            position += step
        return position

    rois: list[list[int]] = []
    position = 1
    while position < last:
        content, level = row[position], settings.loose_walk * threshold
        accepted = content > threshold
        begin, end = walk(position, level, -1), walk(position, level, 1)
        if not accepted and content > max(row[position - 1], row[position + 1]):
            begin, end = walk(position, row[position - 1], -1), walk(position, row[position + 1], 1)
            top = max(row[begin : end + 1])
            summit = begin + row[begin : end + 1].index(top)
            left = max(summit - settings.loose_reach, begin)
            right = min(summit + settings.loose_reach, end)
            over_ends = 2 * top - row[begin] - row[end] > 2 * threshold
            over_sides = top - row[left] > level and top - row[right] > level
            accepted = over_ends or over_sides
        if accepted:
            if rois and begin <= rois[-1][1]:
                rois[-1][1] = end
            else:
                rois.append([begin, end])
            position = end
        position += 1
    return merge_valleys(rois, row, settings.loose_walk * threshold)


def merge_valleys(rois: list[list[int]], row: list[float], level: float) -> list[tuple[int, int]]:
    k = 0
    while k < len(rois) - 1:
        (a, b), (c, d) = rois[k], rois[k + 1]
        line = [row[a] + (row[d] - row[a]) * (i - a) / (d - a) for i in range(len(row))]
        if all(row[i] - line[i] >= level for i in range(b, c + 1)):
            rois[k : k + 2] = [[a, d]]
            k = 0
        else:
            k += 1
    return [(a, b) for a, b in rois]


@given(st.integers(0, 10_000), st.integers(3, 60), st.sampled_from([0.5, 2.0, 6.0]))
def test_loose_rois_against_a_sequential_scan(seed: int, count: int, roughness: float) -> None:
    rng = np.random.default_rng(seed)
    # Whole electrons: sums are exact in float32, so that both ways compare equal numbers.
    steps = rng.normal(0, roughness * 100, (2, count))
    bins = np.rint(np.cumsum(steps, axis=1) * rng.choice([0, 1], count, p=[0.2, 0.8]))
    wave = np.zeros((2, count * 6 + 5), dtype=np.float32)
    wave[:, 0 : count * 6 : 6] = bins
    wave[:, 1 : count * 6 : 6] += rng.integers(-40, 40, (2, count))
    summed = wave[:, : count * 6].reshape(2, count, 6).sum(axis=2)
    threshold = channel_rms(wave) * np.float32(6 * 3.5)
    expected = [
        (wire, 6 * begin, 6 * (end + 1))
        for wire in range(2)
        for begin, end in scan(summed[wire].tolist(), float(threshold[wire]), SETTINGS)
    ]
    assert triples(loose_rois(wave, SETTINGS)) == expected


def test_a_high_valley_unites_two_loose_rois() -> None:
    from zoo_dnn_roi.physics.roi import _merge_high_valleys

    row = np.array([[0, 9, 8, 8, 9, 0, 9, 0]], dtype=np.float32)
    runs = make([(0, 0, 3), (0, 3, 6), (0, 6, 8)], 1, 8)
    # Bins 2 and 3 stay 8 above the line through zeros; bin 5 lies on it.
    level = np.array([7.0], dtype=np.float32)
    assert triples(_merge_high_valleys(runs, row, level)) == [(0, 0, 6), (0, 6, 8)]
    assert len(_merge_high_valleys(runs, row, level + 2)) == 3


def test_bad_shapes_are_refused() -> None:
    wave, rms = np.zeros((2, 60), dtype=np.float32), np.ones(2, dtype=np.float32)
    with pytest.raises(DataError, match="one noise RMS a wire"):
        tight_rois(wave, wave, rms[:1], SETTINGS)
    with pytest.raises(DataError, match="of one shape"):
        tight_rois(wave, wave[:, :50], rms, SETTINGS)
    with pytest.raises(DataError, match="at least 18 ticks"):
        loose_rois(wave[:, :17], SETTINGS)


@pytest.mark.realdata
def test_the_constants_are_those_of_the_real_configuration(real_data: Path) -> None:
    text = (real_data / "dnn-roi" / "pdhd-apa1-nf-sp-cfg.json").read_text()
    nodes = [node["data"] for node in json.loads(text) if node["type"] == "OmnibusSigProc"]
    (real,) = nodes
    ours = {
        "troi_ind_th_factor": SETTINGS.induction_factor,
        "troi_col_th_factor": SETTINGS.collection_factor,
        "lroi_rebin": SETTINGS.loose_rebin,
        "lroi_th_factor": SETTINGS.loose_factor,
        "lroi_th_factor1": SETTINGS.loose_walk,
        "r_th_factor": SETTINGS.refine_factor,
        "r_fake_signal_high_th": SETTINGS.fake_maximum,
        "r_fake_signal_low_th": SETTINGS.fake_mean,
    }
    assert {key: real[key] for key in ours} == ours
