"""Runs of ticks against plain loops over small masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zoo.api import DataError
from zoo_dnn_roi.physics.runs import (
    BoolArray,
    Runs,
    Samples,
    concatenate,
    from_mask,
    merge,
    overlap_pairs,
    pad,
)

Triple = tuple[int, int, int]
MASKS = arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(1, 14)))


def triples(runs: Runs) -> list[Triple]:
    return list(zip(runs.wire.tolist(), runs.start.tolist(), runs.stop.tolist(), strict=True))


def make(rows: list[Triple], wires: int, ticks: int) -> Runs:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Runs(table[:, 0], table[:, 1], table[:, 2], wires, ticks)


def runs_by_loop(mask: BoolArray) -> list[Triple]:
    out = []
    for wire, row in enumerate(mask.tolist()):
        start = None
        for tick, inside in enumerate([*row, False]):
            if inside and start is None:
                start = tick
            if not inside and start is not None:
                out.append((wire, start, tick))
                start = None
    return out


def test_a_mask_by_hand() -> None:
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], dtype=np.bool_)
    runs = from_mask(mask)
    assert triples(runs) == [(0, 0, 2), (0, 3, 4), (2, 0, 4)]
    assert runs.length.tolist() == [2, 1, 4]
    assert (runs.mask() == mask).all()


@given(MASKS)
def test_mask_to_runs_and_back(mask: BoolArray) -> None:
    runs = from_mask(mask)
    assert triples(runs) == runs_by_loop(mask)
    assert (runs.mask() == mask).all()


@given(MASKS, st.integers(0, 4))
def test_padding_is_a_dilation_along_the_ticks(mask: BoolArray, ticks: int) -> None:
    expected = np.zeros_like(mask)
    for wire, tick in zip(*np.nonzero(mask), strict=True):
        expected[wire, max(tick - ticks, 0) : tick + ticks + 1] = True
    padded = pad(from_mask(mask), ticks)
    assert (padded.mask() == expected).all()
    assert (padded.start[1:] >= padded.stop[:-1])[padded.wire[1:] == padded.wire[:-1]].all()


def test_touching_runs_stay_apart_and_overlapping_ones_unite() -> None:
    rows = [(1, 0, 3), (0, 4, 6), (0, 0, 2), (0, 2, 5), (1, 1, 2)]
    assert triples(merge(make(rows, 2, 8))) == [(0, 0, 2), (0, 2, 6), (1, 0, 3)]


@given(MASKS, st.data())
def test_overlaps_against_a_double_loop(mask: BoolArray, data: st.DataObject) -> None:
    other = data.draw(arrays(np.bool_, mask.shape))
    step = data.draw(st.integers(-2, 2))
    one, two = triples(from_mask(mask)), triples(from_mask(other))
    expected = [
        (i, j)
        for i, (w, a, b) in enumerate(one)
        for j, (v, c, d) in enumerate(two)
        if v == w + step and max(a, c) < min(b, d)
    ]
    left, right = overlap_pairs(from_mask(mask), from_mask(other), step)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == expected


@given(MASKS, st.integers(0, 1000))
def test_reductions_against_a_loop(mask: BoolArray, seed: int) -> None:
    waveforms = np.random.default_rng(seed).normal(0, 300, mask.shape).astype(np.float32)
    samples = Samples.of(from_mask(mask))
    content = samples.above_line(samples.gather(waveforms))
    position = 0
    for index, (wire, start, stop) in enumerate(runs_by_loop(mask)):
        piece = waveforms[wire, start:stop].astype(np.float64)
        line = np.linspace(piece[0], piece[-1], len(piece))
        assert content[position : position + len(piece)] == pytest.approx(piece - line, abs=1e-3)
        assert samples.owner[position : position + len(piece)].tolist() == [index] * len(piece)
        assert samples.maximum(content)[index] == pytest.approx((piece - line).max(), abs=1e-3)
        assert samples.mean(content)[index] == pytest.approx((piece - line).mean(), abs=1e-3)
        position += len(piece)
    assert position == len(content)


def test_the_line_by_hand() -> None:
    waveforms = np.array([[10.0, 40.0, 50.0, 40.0, 7.0]], dtype=np.float32)
    samples = Samples.of(make([(0, 0, 4), (0, 4, 5)], 1, 5))
    # From 10 to 40 in three steps of 10; the run of one tick is its own line.
    assert samples.above_line(samples.gather(waveforms)).tolist() == [0, 20, 20, 0, 0]


def test_selection_and_concatenation_keep_the_order() -> None:
    runs = make([(0, 1, 2), (1, 0, 3), (1, 5, 6)], 3, 8)
    assert triples(runs.select(np.array([True, False, True]))) == [(0, 1, 2), (1, 5, 6)]
    both = concatenate(runs, make([(0, 4, 5), (2, 0, 1)], 3, 8))
    assert triples(both) == [(0, 1, 2), (0, 4, 5), (1, 0, 3), (1, 5, 6), (2, 0, 1)]


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="bool"):
        from_mask(np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(DataError, match=r"\(2, 9\)"):
        Samples.of(make([(0, 1, 2)], 2, 9)).gather(np.zeros((2, 8), dtype=np.float32))
